"""The week of a preview as an SVG: a row per local day, 24 hours across, bands behind, every touch at its time.

Touches that stand close together get lanes below each other. Days on which nothing happens are folded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from html import escape

from speedlead import times, wording
from speedlead.foresight import Prospect, Week
from speedlead.picture_style import STYLE, mark
from speedlead.preview.hours import Bands, Span
from speedlead.preview.words import Line

LEFT, TOP, HOUR, LANE, PAD, FOLDED, RIGHT = 114, 118, 36, 17, 5, 20, 18
CHARACTER = 5.9
_MINUTES = 1440
_DAY = timedelta(days=1)
_WIDTH = LEFT + 24 * HOUR + RIGHT
# fewer empty days than this are shown as they are
_FOLD = 3


@dataclass(frozen=True)
class _Item:
    """`at`: the lead's clock. `lane`: 0 is the highest."""

    at: datetime
    shape: str
    text: str
    tip: str
    done: bool = True
    lane: int = 0


@dataclass(frozen=True)
class _Row:
    first: date
    last: date
    items: tuple[_Item, ...]

    @property
    def folded(self) -> bool:
        return self.first != self.last

    @property
    def height(self) -> int:
        return FOLDED if self.folded else max(1, *(item.lane + 1 for item in self.items), 1) * LANE + 2 * PAD


def span(week: Week, prospect: Prospect) -> Span:
    """From the start of the first local day to the end of the last one, as far as bands are to be known."""
    zone = week.zone or "UTC"
    first = times.local(prospect.submitted_at, zone).date()
    start = datetime.combine(first, time(), UTC) - _DAY
    return start, week.ended_at + 2 * _DAY


def draw(
    week: Week, prospect: Prospect, lines: Sequence[Line], hours: Bands, title: str, *, then: str | None = None,
    style: bool = True,
) -> str:  # fmt: skip
    """The text of an SVG. `style` False leaves its looks to the page, which links `picture.css`.

    `then`: the plan that begins at the end.
    """
    zone = week.zone or "UTC"
    rows = list(_rows(_items(week, prospect, lines, zone, then)))
    height = TOP + sum(row.height for row in rows) + 12
    label = f"{title}. {len(lines)} touches, which the table lists."
    body = _head(title, week, zone, hours)
    y = TOP
    for row in rows:
        body += _row(row, hours if week.zone else None, zone, y)
        y += row.height
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" '
            f'height="{height}" class="picture" role="img" aria-label="{escape(label)}">',
            *([f"<style>{STYLE}</style>"] if style else []),
            f'<rect class="panel" width="{_WIDTH}" height="{height}" rx="8"/>',
            *body,
            "</svg>\n",
        ]
    )


def _items(week: Week, prospect: Prospect, lines: Sequence[Line], zone: str, then: str | None = None) -> list[_Item]:
    began = ("begin", "The plan begins") if week.program else ("form", "The inquiry arrives")
    items = [_Item(times.local(prospect.submitted_at, zone), "inquiry", *began)]
    for line in lines:
        touch = line.touch
        clock = f"{touch.local:%H:%M}"
        tip = " · ".join(filter(None, (f"{line.day}, {line.clock}", line.step, line.plan, line.why)))
        if touch.state == "task":
            items.append(_Item(touch.local, "notified", f"{clock} {line.step}: task", tip))
        else:
            sent = touch.state == "sent"
            text = f"{clock} {line.step}" + ("" if sent else ": skipped")
            items.append(_Item(touch.local, touch.channel, text, tip, sent))
    if week.handed_over_at is not None:
        items.append(_Item(times.local(week.handed_over_at, zone), "notified", "a person decides", "Handed over"))
    end = times.local(week.ended_at, zone)
    text = f"{end:%H:%M} end" + (f", then {then}" if then is not None else "")
    items.append(_Item(end, "closed", text, wording.sentence(week.end_reason)))
    return sorted(items, key=lambda item: item.at)


def _rows(items: Sequence[_Item]) -> Iterator[_Row]:
    by_day: dict[date, list[_Item]] = {}
    for item in items:
        by_day.setdefault(item.at.date(), []).append(item)
    day, last = min(by_day), max(by_day)
    while day <= last:
        if day in by_day:
            yield _Row(day, day, tuple(_in_lanes(by_day[day])))
            day += _DAY
            continue
        following = min(other for other in by_day if other > day)
        empty = (following - day).days
        if empty >= _FOLD:
            yield _Row(day, following - _DAY, ())
        else:
            yield from (_Row(day + n * _DAY, day + n * _DAY, ()) for n in range(empty))
        day = following


def _in_lanes(items: Sequence[_Item]) -> Iterator[_Item]:
    taken: list[list[tuple[float, float]]] = []
    for item in items:
        start, end = _extent(item)
        lane = next((n for n, spans in enumerate(taken) if all(end <= a or b <= start for a, b in spans)), len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append((start, end))
        yield _Item(item.at, item.shape, item.text, item.tip, item.done, lane)


def _extent(item: _Item) -> tuple[float, float]:
    """What the mark and its words cover; at the right edge the words stand on the left."""
    x, wide = _x(item.at.hour * 60 + item.at.minute), 16 + len(item.text) * CHARACTER
    return (x - wide, x + 8) if _flips(item) else (x - 8, x + wide)


def _flips(item: _Item) -> bool:
    x = _x(item.at.hour * 60 + item.at.minute)
    return x + 16 + len(item.text) * CHARACTER > _WIDTH - 4


def _x(minute: float) -> float:
    return LEFT + 24 * HOUR * minute / _MINUTES


def _head(title: str, week: Week, zone: str, hours: Bands) -> list[str]:
    where = times.zone_label(zone) if week.zone else "UTC: where the lead is, is not known"
    said = "" if week.program else f" The acknowledgement says: “{week.promise.text}”"
    out = [
        f'<text class="title" x="18" y="30">{escape(title)}</text>',
        f'<text class="small soft" x="18" y="50">All times are the lead\'s: {escape(where + "." + said)}</text>',
    ]
    x = 18.0
    for shape, done, words in (
        ("inquiry", True, "begin" if week.program else "form"), ("call", True, "call"), ("email", True, "e-mail"),
        ("sms", True, "SMS"),
        ("call", False, "skipped"), ("notified", True, "for a person of ours"), ("closed", True, "end"),
    ):  # fmt: skip
        out.append(mark(shape, x + 5, 72, done=done))
        out.append(f'<text class="small" x="{x + 15:.0f}" y="76">{words}</text>')
        x += 34 + len(words) * CHARACTER
    if week.zone:
        what = "calls" if hours.channel == "call" else "e-mail"
        for css, words in (("open", f"business hours for {what}"), ("shut", f"the law forbids {what}")):
            out.append(f'<rect class="{css}" x="{x:.0f}" y="65" width="14" height="14"/>')
            out.append(f'<text class="small" x="{x + 20:.0f}" y="76">{words}</text>')
            x += 40 + len(words) * CHARACTER
    return out + [
        f'<text class="tick soft" x="{_x(hour * 60):.1f}" y="{TOP - 8}" text-anchor="middle">{hour:02}</text>'
        for hour in range(0, 25, 3)
    ]


def _row(row: _Row, hours: Bands | None, zone: str, y: int) -> list[str]:
    name = f"{row.first:%a %-d %b}"
    rule = f'<line class="rule" x1="0" x2="{_WIDTH}" y1="{y}" y2="{y}"/>'
    if row.folded:
        days = (row.last - row.first).days + 1
        words = f"to {row.last:%a %-d %b}: nothing for {days} days"
        return [rule, *_text(name, words, y + 14, "small soft")]
    out = [*_band(row.first, hours, zone, y, row.height), rule]
    for hour in range(0, 25, 3):
        x = _x(hour * 60)
        out.append(f'<line class="rule" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + row.height}"/>')
    out.append(f'<text class="name" x="18" y="{y + PAD + 13}">{name}</text>')
    for item in row.items:
        x, middle = _x(item.at.hour * 60 + item.at.minute), y + PAD + item.lane * LANE + LANE / 2
        out.append(mark(item.shape, x, middle, done=item.done, tip=escape(item.tip)))
        side, anchor = (-9, ' text-anchor="end"') if _flips(item) else (9, "")
        css = "line" if item.done else "line not"
        out.append(f'<text class="{css}" x="{x + side:.1f}" y="{middle + 3.8:.1f}"{anchor}>{escape(item.text)}</text>')
    return out


def _text(name: str, words: str, y: float, css: str) -> list[str]:
    return [
        f'<text class="{css}" x="18" y="{y}">{name}</text>',
        f'<text class="{css}" x="{LEFT}" y="{y}">{words}</text>',
    ]


def _band(day: date, hours: Bands | None, zone: str, y: int, height: int) -> list[str]:
    """What is forbidden, on it what is lawful, on it what is business."""
    if hours is None:
        return []
    out = [_rect("shut", 0, _MINUTES, y, height)]
    out += [_rect("panel", a, b, y, height) for a, b in _on(day, hours.lawful, zone)]
    out += [_rect("open", a, b, y, height) for a, b in _on(day, hours.business, zone)]
    return out


def _on(day: date, spans: Sequence[Span], zone: str) -> Iterator[tuple[float, float]]:
    """The parts of the spans that lie on this local day, in minutes of its clock."""
    start = datetime.combine(day, time())
    for first, last in spans:
        a, b = times.local(first, zone), times.local(last, zone)
        if a < start + _DAY and b > start:
            yield (
                max((a - start).total_seconds() / 60, 0),
                min((b - start).total_seconds() / 60, _MINUTES),
            )


def _rect(css: str, a: float, b: float, y: int, height: int) -> str:
    return f'<rect class="{css}" x="{_x(a):.1f}" y="{y}" width="{_x(b) - _x(a):.1f}" height="{height}"/>'
