"""When a calendar (iCalendar, RFC 5545) says that its owner is busy. Only times leave this module, never a title."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from speedlead.times import known_zone

Span = tuple[datetime, datetime]

# what busy times are worked out from; titles, notes, places and attachments are not even parsed
_KEPT = frozenset({
    "BEGIN", "END", "VERSION", "PRODID", "X-WR-TIMEZONE", "UID", "SEQUENCE", "DTSTART", "DTEND", "DURATION", "RRULE",
    "RDATE", "EXDATE", "EXRULE", "RECURRENCE-ID", "STATUS", "TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS", "ATTENDEE", "TZID",
    "TZNAME", "TZOFFSETFROM", "TZOFFSETTO",
})  # fmt: skip
_COMPONENTS = frozenset({"VCALENDAR", "VEVENT", "VTIMEZONE", "STANDARD", "DAYLIGHT"})
# an entry with one of these can reach days that its own dates do not show
_REACHES = ("RRULE", "RDATE", "RECURRENCE-ID", "DURATION")
_FREE_IN_OUTLOOK = ("FREE", "WORKINGELSEWHERE")
_FOLD = re.compile(r"\r?\n[ \t]")
_DATE = re.compile(r":(\d{8})")
# no appointment of a person: far from now a date has no instant in every zone, and one such entry costs all the others
_YEARS = (1900, 2200)
_DATED = ("DTSTART", "DTEND", "RDATE", "RECURRENCE-ID")
_ANY_YEAR = re.compile(r"(?:^|[,/])(\d{4})\d{4}")
_CENTURIES = re.compile(r"\d{6}")
_DAY = timedelta(days=1)


class CalendarFault(Exception):
    """A calendar that cannot be used; `code` has words in `wording_reasons`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Reading:
    """`spans`: busy, in order, apart from each other. `remark`: `calendar_partly` when entries had to be left out."""

    spans: tuple[Span, ...]
    remark: str | None = None


def read_busy(text: str, *, zone: str, email: str, start: datetime, end: datetime) -> Reading:
    """Busy: opaque, not cancelled, not declined by `email`, cut to [start, end).

    All-day entries are days of `zone`, and so are times without a zone, unless the calendar names its own. Raises
    CalendarFault.
    """
    import recurring_ical_events
    from icalendar import Calendar

    left_out: list[str] = []
    try:
        calendar = Calendar.from_ical("\r\n".join(slim(text, start.date(), end.date(), left_out)) + "\r\n")
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError):
        raise CalendarFault("calendar_garbage") from None
    home = ZoneInfo(known_zone(str(calendar.get("X-WR-TIMEZONE") or ""), zone) or "UTC")
    remark = "calendar_partly" if left_out else None
    around = (start - _DAY, end + _DAY)  # days and times without a zone begin elsewhere at other instants
    try:
        events = recurring_ical_events.of(calendar).between(*around)
    except Exception:  # one entry that makes no sense: the library raises what its parts raise
        remark = "calendar_partly"
        try:
            events = recurring_ical_events.of(calendar, skip_bad_series=True).between(*around)
        except Exception:
            raise CalendarFault("calendar_garbage") from None
    busy = [span for event in events if _counts(event, email.lower()) and (span := _span(event, home, ZoneInfo(zone)))]
    return Reading(tuple(_joined(busy, start, end)), remark)


def slim(text: str, first: date, last: date, left_out: list[str]) -> Iterator[str]:
    """The lines that matter; single entries long past or far off are left out unparsed. Raises CalendarFault.

    Entries of no imaginable time are left out as well; `left_out` gets a line of each.
    """
    lines = _FOLD.sub("", text.removeprefix("\ufeff")).splitlines()
    lines = [line for line in lines if line.strip()]
    if not lines or lines[0].strip().upper() != "BEGIN:VCALENDAR" or lines[-1].strip().upper() != "END:VCALENDAR":
        raise CalendarFault("calendar_garbage")  # a sign-in page, or half a download
    window = ((first - 2 * _DAY).strftime("%Y%m%d"), (last + 2 * _DAY).strftime("%Y%m%d"))
    entry: list[str] = []
    skipped = 0
    for line in lines:
        name = re.split("[;:]", line, maxsplit=1)[0].strip().upper()
        value = line.partition(":")[2].strip().upper()
        if name == "BEGIN" and (skipped or value not in _COMPONENTS):
            skipped += 1
        elif skipped:
            skipped -= name == "END"
        elif name == "BEGIN" and value == "VEVENT":
            entry = [line]
        elif name in _KEPT and entry:
            entry.append(line)
            if name == "END":
                if odd := _odd(entry):
                    left_out.append(odd)
                elif _may_matter(entry, window):
                    yield from entry
                entry = []
        elif name in _KEPT:
            yield line


def _odd(entry: Sequence[str]) -> str | None:
    """The line with a date or a length that no appointment has."""
    for line in entry:
        name, value = line.upper(), line.rpartition(":")[2]
        if name.startswith("DURATION") and _CENTURIES.search(value):
            return line
        years = map(int, _ANY_YEAR.findall(value)) if name.startswith(_DATED) else ()
        if any(not _YEARS[0] <= year < _YEARS[1] for year in years):
            return line
    return None


def _may_matter(entry: Sequence[str], window: tuple[str, str]) -> bool:
    if any(line.upper().startswith(_REACHES) for line in entry):
        return True
    days = [
        found[1] for line in entry if line.upper().startswith(("DTSTART", "DTEND")) and (found := _DATE.search(line))
    ]
    return not days or (max(days) >= window[0] and min(days) <= window[1])


def _counts(event: Any, email: str) -> bool:
    if str(event.get("STATUS", "")).upper() == "CANCELLED" or str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return False
    if str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper() in _FREE_IN_OUTLOOK:
        return False
    invited = event.get("ATTENDEE", [])
    for person in invited if isinstance(invited, list) else [invited]:
        same = str(person).lower().removeprefix("mailto:") == email
        if same and str(getattr(person, "params", {}).get("PARTSTAT", "")).upper() == "DECLINED":
            return False
    return True


def _span(event: Any, home: ZoneInfo, own: ZoneInfo) -> Span | None:
    first, last = event["DTSTART"].dt, event["DTEND"].dt
    if not isinstance(first, datetime):  # days, the last one not included
        last = last if not isinstance(last, datetime) else last.date()
        first, last = (datetime.combine(day, time(), own) for day in (first, max(last, first + _DAY)))
    first, last = (at if at.tzinfo is not None else at.replace(tzinfo=home) for at in (first, last))
    begin, finish = first.astimezone(UTC), last.astimezone(UTC)
    return (begin, finish) if begin < finish else None  # what takes no time keeps nobody


def _joined(spans: Iterable[Span], start: datetime, end: datetime) -> Iterator[Span]:
    current: Span | None = None
    for begin, finish in sorted(spans):
        cut = (max(begin, start), min(finish, end))
        if cut[0] >= cut[1]:
            continue
        if current is not None and cut[0] <= current[1]:
            current = (current[0], max(current[1], cut[1]))
            continue
        if current is not None:
            yield current
        current = cut
    if current is not None:
        yield current
