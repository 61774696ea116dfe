"""Columns over time with numbered marks across them, as inline SVG: a pure function of values."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

_TOP, _BASE, _ROW = 40, 150, 15
# more names of days would lie on each other on a phone
_MOST_TICKS = 6
# so close to one another two numbers would lie on each other
_CLOSE = 0.035


@dataclass(frozen=True, slots=True)
class Slot:
    """`part`: 0 to 1 of the height; None: nothing to draw. `tone`: good, bad or nothing."""

    name: str
    part: float | None
    tone: str = ""


def timeline(slots: Sequence[Slot], marks: Sequence[float], about: str) -> Markup:
    """`marks`: in slots from the left, in their order; each has the number of its place, from 1 on."""
    many = max(1, len(slots))
    step = max(1, -(-many // _MOST_TICKS))
    drawn = [f'<line class="rule" x1="0" x2="100%" y1="{_BASE}" y2="{_BASE}"/>']
    for n, slot in enumerate(slots):
        left, tall = 100 * (n + 0.12) / many, (slot.part or 0) * (_BASE - _TOP)
        if tall > 0:
            drawn.append(
                f'<rect class="fill {slot.tone}" x="{left:.2f}%" y="{_BASE - tall:.1f}" width="{76 / many:.2f}%" '
                f'height="{tall:.1f}" rx="2"/>'
            )
        if n % step == 0:
            anchor = "" if n == 0 else " mid"
            x = 0 if n == 0 else 100 * (n + 0.5) / many
            drawn.append(f'<text class="tick{anchor}" x="{x:.2f}%" y="{_BASE + 15}">{escape(slot.name)}</text>')
    rows: list[float] = []  # the last number of each row above the columns
    for n, at in enumerate(marks, 1):
        part = min(1.0, max(0.0, at / many))
        row = next((row for row, last in enumerate(rows) if part - last >= _CLOSE), len(rows))
        rows[row : row + 1] = [part]
        y = _TOP - 12 - _ROW * min(row, 1)
        drawn.append(
            f'<line class="mark" x1="{100 * part:.2f}%" x2="{100 * part:.2f}%" y1="{y + 4}" y2="{_BASE}"/>'
            f'<text class="tick strong mid" x="{min(99, max(1, 100 * part)):.2f}%" y="{y}">{n}</text>'
        )
    head = f'<svg class="chart" role="img" aria-label="{escape(about)}" width="100%" height="{_BASE + 22}">'
    return Markup(f"{head}{''.join(drawn)}</svg>")  # noqa: S704 every text in it went through escape
