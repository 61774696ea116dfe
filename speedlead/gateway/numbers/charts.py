"""Pictures of figures as inline SVG: pure functions of values, in the looks of `static/numbers.css`.

Widths are per cent and heights are pixels, so a picture is as wide as its place and its text stays as large as it is.
Nothing is told by colour alone: every mark has its number beside it, and the table behind has all of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from speedlead import times

_BAR, _SPAN, _FOOT = 38, 42, 22
# of fewer columns each is as wide as if there were so many: a single one across the page looks like a whole
_LEAST_COLUMNS = 6
# the scale of lengths of time, seconds
_TICKS = ((1, "1 s"), (10, "10 s"), (60, "1 min"), (300, "5 min"), (3_600, "1 h"), (14_400, "4 h"), (86_400, "1 day"),
          (604_800, "1 week"), (2_592_000, "30 days"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bar:
    """`part` of the whole width, 0 to 1; None: nothing to draw. `says`: its number; `tone`: good, bad or nothing."""

    name: str
    part: float | None
    says: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """From the median to the P90, seconds."""

    name: str
    median: float | None
    p90: float | None
    aim: float | None = None


def bars(items: Sequence[Bar], about: str, *, aim: float | None = None, aim_says: str = "") -> Markup:
    """One bar under the other; `aim`: a mark across all of them at this part of the width."""
    height = _BAR * len(items) + (_FOOT if aim is not None else 0)
    drawn = []
    for n, item in enumerate(items):
        top = n * _BAR
        drawn.append(
            f'<text class="name" x="0" y="{top + 13}">{escape(_short(item.name))}</text>'
            f'<text class="says" x="100%" y="{top + 13}">{escape(item.says)}</text>'
            f'<rect class="track" x="0" y="{top + 19}" width="100%" height="10" rx="3"/>'
        )
        if item.part is not None and item.part > 0:
            width = f"{100 * min(1.0, max(item.part, 0.004)):.2f}%"
            drawn.append(f'<rect class="fill {item.tone}" x="0" y="{top + 19}" width="{width}" height="10" rx="3"/>')
    if aim is not None:
        x, bottom = f"{100 * aim:.2f}%", _BAR * len(items) - 4
        drawn += [
            f'<line class="aim" x1="{x}" x2="{x}" y1="{n * _BAR + 16}" y2="{n * _BAR + 32}"/>'
            for n in range(len(items))
        ]
        drawn.append(
            f'<text class="tick {"says" if aim > 0.5 else ""}" x="{x}" y="{bottom + 16}">{escape(aim_says)}</text>'
        )
    return _svg(drawn, height, about)


def spans(items: Sequence[Span], about: str) -> Markup:
    """Medians as dots, P90 as rings, on a scale on which each step is some times the one before."""
    known = [value for item in items for value in (item.median, item.p90) if value is not None]
    high = max([300.0, *known])
    ticks = [tick for tick in _TICKS if tick[0] <= high * 1.3]
    top = max(high, ticks[-1][0]) * 1.15

    def x(value: float) -> str:
        return f"{2 + 95 * math.log(max(1.0, value)) / math.log(top):.2f}%"

    bottom = _SPAN * len(items)
    drawn = []
    for n, (value, name) in enumerate(ticks):
        few = "" if n in (0, 2, 4, 6, 8) or (n == len(ticks) - 1 and n % 2 == 0) else " spare"
        drawn.append(
            f'<line class="rule" x1="{x(value)}" x2="{x(value)}" y1="0" y2="{bottom}"/>'
            f'<text class="tick mid{few}" x="{x(value)}" y="{bottom + 15}">{name}</text>'
        )
    for n, item in enumerate(items):
        line = n * _SPAN + 29
        drawn.append(f'<text class="name" x="0" y="{n * _SPAN + 14}">{escape(item.name)}</text>'
                     f'<text class="says" x="100%" y="{n * _SPAN + 14}">{escape(_in_words(item))}</text>')  # fmt: skip
        if item.aim is not None:
            drawn.append(f'<line class="aim" x1="{x(item.aim)}" x2="{x(item.aim)}" y1="{line - 8}" y2="{line + 8}"/>')
        if item.median is None or item.p90 is None:
            continue
        drawn.append(
            f'<line class="reach" x1="{x(item.median)}" x2="{x(item.p90)}" y1="{line}" y2="{line}"/>'
            f'<circle class="ring" cx="{x(item.p90)}" cy="{line}" r="5"/>'
            f'<circle class="dot" cx="{x(item.median)}" cy="{line}" r="5"/>'
        )
    return _svg(drawn, bottom + _FOOT, about)


def columns(items: Sequence[Bar], about: str, *, under: Sequence[str] = ()) -> Markup:
    """One column beside the other; `under`: a second line of words below each."""
    top, base = 18, 128
    height = base + (36 if under else 20)
    drawn = [f'<line class="rule" x1="0" x2="100%" y1="{base}" y2="{base}"/>']
    step = 100 / max(_LEAST_COLUMNS, len(items))
    for n, item in enumerate(items):
        left, middle = n * step + step * 0.14, n * step + step / 2
        tall = (item.part or 0) * (base - top)
        if tall > 0:
            box = f'x="{left:.2f}%" y="{base - tall:.1f}" width="{step * 0.72:.2f}%" height="{tall:.1f}" rx="2"'
            drawn.append(f'<rect class="fill {item.tone}" {box}/>')
        drawn += [_tick(middle, base - tall - 5, item.says, "strong"), _tick(middle, base + 15, item.name)]
        if under:
            drawn.append(_tick(middle, base + 30, under[n]))
    return _svg(drawn, height, about)


def _tick(x: float, y: float, text: str, css: str = "") -> str:
    return f'<text class="tick mid {css}" x="{x:.2f}%" y="{y:.1f}">{escape(text)}</text>'


def _svg(drawn: Sequence[str], height: float, about: str) -> Markup:
    head = f'<svg class="chart" role="img" aria-label="{escape(about)}" width="100%" height="{height:.0f}">'
    return Markup(f"{head}{''.join(drawn)}</svg>")  # noqa: S704 every text in it went through escape


def _in_words(item: Span) -> str:
    if item.median is None:
        return "nothing yet"
    return f"{times.span(item.median)}" + (f" · P90 {times.span(item.p90)}" if item.p90 is not None else "")


def _short(text: str) -> str:
    return text if len(text) <= 34 else text[:33] + "…"
