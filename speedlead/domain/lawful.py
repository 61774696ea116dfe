"""What law says about one touch, row by row, for people who ask why. The verdict is the placer's own (`placing.py`).

Law alone: neither business hours nor anybody's shifts are asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from speedlead.domain.calendar import offset_at, to_second
from speedlead.domain.hours import Interval
from speedlead.domain.law import HOUSE, LawBook, LawRow, SwitchedOff
from speedlead.domain.placing import (
    Consents,
    Impossible,
    PastTouch,
    Placer,
    Question,
    agreed_until,
    consented,
    hours_lifted,
    zones_for,
)
from speedlead.domain.zones import Place

Kind = Literal["call", "sms", "email"]
_NO_LAW = ("no row with hours for this channel is known there",)
CHANNELS: tuple[Kind, ...] = ("call", "sms", "email")


@dataclass(frozen=True, slots=True)
class Window:
    """The row's hours on the local date of the instant asked about; without any, `why` says holiday or weekday."""

    zone: str
    local: datetime
    hours: tuple[Interval, ...]
    why: str
    in_force: bool


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """One row that bears on the channel. `named_by`: the evidence for its jurisdiction.

    `windows`: per zone; none for a row without hours or holidays. `in_force`: on the local date, in any zone.
    """

    row: LawRow
    named_by: tuple[str, ...]
    windows: tuple[Window, ...]
    in_force: bool
    satisfied: bool
    lifted: bool


@dataclass(frozen=True, slots=True)
class ChannelAnswer:
    """`verdict`: now, later (lawful at `at`) or never; `reasons` as on touches; `until`: the end of the open window."""

    channel: Kind
    verdict: Literal["now", "later", "never"]
    at: datetime | None
    until: datetime | None
    reasons: tuple[str, ...]
    rows: tuple[RowAnswer, ...]
    off: tuple[SwitchedOff, ...]


def answer(
    book: LawBook,
    placer: Placer,
    place: Place,
    channel: Kind,
    at: datetime,
    consents: Consents,
    history: Sequence[PastTouch] = (),
) -> ChannelAnswer:
    """May the lead be reached on the channel at that instant, and if not, when first? `placer` must hold `book`."""
    question = Question(channel, at, None, place, None, None, consents, tuple(history))
    found = placer.check(question, at)
    names = (*place.jurisdictions, *place.presumed)
    # where the place is unknown no row is asked: nothing says whose law would permit it
    rows = book.rows_for(place.jurisdictions, channel, None, place.presumed) if place.known else ()
    described = tuple(_describe(book, row, question) for row in rows)
    off = tuple(row for row in book.off if row.jurisdiction in names)
    if isinstance(found, Impossible):
        return ChannelAnswer(channel, "never", None, None, found.reasons or (found.reason,), described, off)
    verdict: Literal["now", "later"] = "now" if found.at <= at else "later"
    return ChannelAnswer(channel, verdict, found.at, found.valid_until, found.reasons, described, off)


def _describe(book: LawBook, row: LawRow, q: Question) -> RowAnswer:
    windows = tuple(_window(book, row, zone, q.earliest) for zone in zones_for(row, q.place))
    # a row without hours is in force by any date that it may be somewhere
    days = [window.local.date() for window in windows] or [q.earliest.astimezone(UTC).date()]
    named = dict(q.place.named_by)
    return RowAnswer(
        row=row,
        named_by=_NO_LAW if row.jurisdiction == HOUSE else named.get(row.jurisdiction, ()),
        windows=windows if row.hours is not None or row.quiet_dates else (),
        in_force=any(map(row.in_force, days)),
        satisfied=consented(row, q, q.earliest),
        lifted=hours_lifted(row, q, at_agreed_time=agreed_until(q) is not None),
    )


def _window(book: LawBook, row: LawRow, zone: str, at: datetime) -> Window:
    local = (at.astimezone(UTC) + timedelta(seconds=offset_at(zone, to_second(at)))).replace(tzinfo=None)
    day: date = local.date()
    if day in book.quiet_dates(row):
        return Window(zone, local, (), "legal holiday", row.in_force(day))
    hours = ((0, 1440),) if row.hours is None else row.hours.get(day.weekday(), ())
    return Window(zone, local, hours, "" if hours else f"closed on {day:%A}s", row.in_force(day))
