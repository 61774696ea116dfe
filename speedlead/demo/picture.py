"""All leads of a run as one SVG: a row per lead, a column per local day, each with its 24 hours.

The strip on top of a row has every mark at its true time; below it each is a line with its local time and result, since
the first hour of a hot lead is too dense for a scale. Every row is on the lead's own clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from html import escape

from speedlead import times
from speedlead.demo.picture_lines import Line, lines_of
from speedlead.demo.play import Played
from speedlead.picture_style import LEGEND, STYLE, mark

DAYS = 15
LEFT, TOP, LINE, STRIP, GAP = 232, 124, 13, 20, 9
EMPTY_DAY, WORK_DAY, CHARACTER = 30, 62, 6.0
OPEN_MINUTES = (540, 1080)  # 09:00 to 18:00, the hours in which the plan calls
_DAY_MINUTES = 1440


@dataclass(frozen=True)
class Column:
    """`day` None: everything after the last day."""

    day: date | None
    x: float
    width: float

    def at(self, moment: datetime) -> float:
        return self.x + self.width * (moment.hour * 60 + moment.minute) / _DAY_MINUTES

    @property
    def name(self) -> str:
        if self.day is None:
            return "later"
        return f"{self.day:%a %-d}" if self.width >= WORK_DAY else f"{self.day:%-d}"

    @property
    def working(self) -> bool:
        return self.day is not None and self.day.weekday() < 5


@dataclass(frozen=True)
class Row:
    played: Played
    lines: list[Line]
    cells: dict[int, list[Line]]

    @property
    def height(self) -> int:
        return STRIP + max(4, *(len(lines) for lines in self.cells.values())) * LINE + 2 * GAP


def draw(played: Sequence[Played]) -> str:
    """The text of an SVG file."""
    told = [(one, lines_of(one)) for one in played]
    first = min(line.at for _, lines in told for line in lines).date()
    days = [first + timedelta(days=number) for number in range(DAYS)]
    rows = [Row(one, lines, _cells(lines, first)) for one, lines in told]
    columns = _columns(days, rows)
    width = columns[-1].x + columns[-1].width + 14
    height = TOP + sum(row.height for row in rows) + 14
    body = [*_head(width, first, columns), *_rows(rows, columns, width)]
    label = f"{len(rows)} leads from {first:%-d %B %Y} on: every touch at the lead's local time, with its result"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
            f'height="{height}" class="picture" role="img" aria-label="{escape(label)}">',
            f"<style>{STYLE}</style>",
            f'<rect class="panel" width="{width:.0f}" height="{height}" rx="8"/>',
            *body,
            "</svg>\n",
        ]
    )


def _cells(lines: Sequence[Line], first: date) -> dict[int, list[Line]]:
    cells: dict[int, list[Line]] = {0: []}
    for line in lines:
        cells.setdefault(min((line.at.date() - first).days, DAYS), []).append(line)
    return cells


def _columns(days: Sequence[date], rows: Sequence[Row]) -> list[Column]:
    """As wide as the longest line in them; a day on which nothing happens is narrow."""
    columns: list[Column] = []
    x = float(LEFT)
    for number, day in enumerate([*days, None]):
        longest = max((len(line.text) + 6 for row in rows for line in row.cells.get(number, [])), default=0)
        least = EMPTY_DAY if day is None or day.weekday() >= 5 else WORK_DAY
        width = max(least, 24 + longest * CHARACTER) if longest else least
        if day is not None or longest:
            columns.append(Column(day, x, width))
            x += width
    return columns


def _head(width: float, first: date, columns: Sequence[Column]) -> list[str]:
    out = [
        f'<text class="title" x="18" y="34">Leads that came in the week of {first:%-d %B %Y}</text>',
        '<text class="small soft" x="18" y="54">Every row is on the lead\'s own clock. Shaded: 09:00 to 18:00 on '
        "working days.</text>",
    ]
    x = 18.0
    for shape, done, words in LEGEND:
        out.append(mark(shape, x + 5, 74, done=done))
        out.append(f'<text class="small" x="{x + 15:.0f}" y="78">{escape(words)}</text>')
        x += 34 + len(words) * 6.1
    for column in columns:
        middle = column.x + column.width / 2
        out.append(f'<text class="small" x="{middle:.1f}" y="{TOP - 18}" text-anchor="middle">{column.name}</text>')
        for minute in OPEN_MINUTES if column.working else ():
            x = column.x + column.width * minute / _DAY_MINUTES
            out.append(f'<text class="tick soft" x="{x:.1f}" y="{TOP - 5}" text-anchor="middle">{minute // 60}</text>')
    out.append(f'<line class="rule" x1="0" x2="{width:.0f}" y1="{TOP}" y2="{TOP}"/>')
    return out


def _rows(rows: Sequence[Row], columns: Sequence[Column], width: float) -> list[str]:
    out: list[str] = []
    y = TOP
    for row in rows:
        out += _row(row, columns, y)
        y += row.height
        out.append(f'<line class="rule" x1="0" x2="{width:.0f}" y1="{y}" y2="{y}"/>')
    bottom = y
    out += [f'<line class="rule" x1="{c.x:.1f}" x2="{c.x:.1f}" y1="{TOP}" y2="{bottom}"/>' for c in columns]
    return out


def _row(row: Row, columns: Sequence[Column], y: int) -> list[str]:
    strip = y + GAP
    middle = strip + STRIP / 2
    out = _name(row, y)
    for column in columns:
        if column.working:
            from_, to = (column.x + column.width * minute / _DAY_MINUTES for minute in OPEN_MINUTES)
            out.append(f'<rect class="band" x="{from_:.1f}" y="{strip}" width="{to - from_:.1f}" height="{STRIP}"/>')
    by_day = {column.day: column for column in columns}
    inside = [line for line in row.lines if line.at.date() in by_day]
    if inside:
        start, end = by_day[inside[0].at.date()].at(inside[0].at), by_day[inside[-1].at.date()].at(inside[-1].at)
        if len(inside) < len(row.lines):
            end = columns[-1].x + columns[-1].width
        out.append(f'<line class="life" x1="{start:.1f}" x2="{end:.1f}" y1="{middle}" y2="{middle}"/>')
    for line in inside:
        x = by_day[line.at.date()].at(line.at)
        out.append(mark(line.shape, x, middle, done=line.done, tip=escape(line.tip)))
    for number, lines in row.cells.items():
        if lines:
            out += _list(lines, columns[number], number, strip + STRIP + LINE)
    return out


def _name(row: Row, y: int) -> list[str]:
    card, story = row.played.lead.card, row.played.story
    out = [f'<text class="name" x="18" y="{y + 24}">{escape(card.title)}</text>']
    y += 40
    for words in _wrapped(story.title, 35):
        out.append(f'<text class="small" x="18" y="{y}">{escape(words)}</text>')
        y += 14
    facts = f"{card.lead_type} · {times.zone_label(story.zone)}"
    out.append(f'<text class="small soft" x="18" y="{y}">{escape(facts)}</text>')
    return out


def _list(lines: Sequence[Line], column: Column, number: int, y: int) -> list[str]:
    out: list[str] = []
    for line in lines:
        when = f"{line.at:%-d %b}" if number == DAYS else f"{line.at:%H:%M}"
        css = "line" if line.done else "line not"
        out.append(mark(line.shape, column.x + 10, y - 3.6, done=line.done))
        out.append(
            f'<text class="{css}" x="{column.x + 19:.1f}" y="{y}"><title>{escape(line.tip)}</title>'
            f'<tspan class="time">{when}</tspan> {escape(line.text)}</text>'
        )
        y += LINE
    return out


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
