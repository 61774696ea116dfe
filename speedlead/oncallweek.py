"""The coming duties as people read them: who is on call, from when to when, and why not somebody else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from speedlead.domain.roster import Duty, Roster, Span
from speedlead.times import local

PASSED = {
    "time_off": "has time off",
    "other_level": "is on another level",
    "no_rep": "is no active rep with a phone",
}
# (cover, level, day) -> (why, made by)
Notes = Mapping[tuple[str, int, date], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Line:
    """`hours`: '18:00–21:00' on the clock of `zone`, the instants `spans`. `rep` None: nobody. `why`: in words."""

    cover: str
    zone: str
    level: int
    day: date
    hours: str
    spans: tuple[Span, ...]
    rep: str | None
    why: str
    overridden: bool

    def holds(self, at: datetime) -> bool:
        return any(start <= at < end for start, end in self.spans)


def lines(rosters: Sequence[Roster], first: date, days: int, notes: Notes) -> Iterator[Line]:
    """Of the duties that begin on these local days; days on which a cover has no hours are left out."""
    for day in (first + timedelta(days=n) for n in range(days)):
        for roster in rosters:
            spans = roster.hours(day)
            hours = ", ".join(_span(roster.zone, start, end, day) for start, end in spans)
            for duty in roster.duties(day) if spans else ():
                note = notes.get((roster.cover.id, duty.level, day))
                why = _why(duty, note)
                yield Line(roster.cover.id, roster.zone, duty.level, day, hours, spans, duty.rep, why, note is not None)


def current_day(rosters: Sequence[Roster], now: datetime) -> date:
    """The local day of the earliest duty that is not over."""
    today = min((local(now, roster.zone).date() for roster in rosters), default=now.date())
    yesterday = today - timedelta(days=1)
    return yesterday if any(roster.ends(yesterday) > now for roster in rosters) else today


def _why(duty: Duty, note: tuple[str, str] | None) -> str:
    passed = ", ".join(f"{rep} {PASSED[reason]}" for rep, reason in duty.passed)
    if duty.why == "override" and note is not None:
        return f"override by {note[1]}: {note[0]}"
    kept = f"; the override by {note[1]} does not count: its rep is no active rep with a phone" if note else ""
    return (f"instead: {passed}" if duty.rep and passed else passed or "rotation") + kept


def _span(zone: str, start: datetime, end: datetime, day: date) -> str:
    begins, ends = local(start, zone), local(end, zone)
    return f"{_clock(begins, day)}–{_clock(ends, begins.date())}"


def _clock(at: datetime, day: date) -> str:
    return f"{at:%H:%M}" if at.date() == day else f"{at:%a %H:%M}"
