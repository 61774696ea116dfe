"""The days of business calendars as people read them: what is open, why not, and who is on call."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from speedlead.closures import HolidayClosures
from speedlead.domain.business import Calendars, Closure, Team, Territory
from speedlead.domain.hours import Interval, Policy, Weekly, ZonePolicy, day_number


@dataclass(frozen=True, slots=True)
class Day:
    """`open`: '09:00-13:00', empty when closed all day. `why`: the closure, 'half day', 'holiday', 'weekend'."""

    day: date
    open: str
    why: str
    on_call: str


def week_of(calendars: Calendars, hours: Weekly, days: Sequence[date]) -> Iterator[tuple[str, list[Day]]]:
    """(title, days) of every calendar; `hours`: the plan's, for calls. Without any calendar, those alone."""
    holidays = HolidayClosures()
    for territory in calendars.territories or (Territory.model_construct(id="plan"),):
        where = ", ".join(territory.where) or "everywhere else"
        policy = territory.business("call", hours, holidays.closed(territory.where))
        # a territory of several places keeps the holidays of each lead's own place: here all of them
        title = f"territory {territory.id} ({where}), in {territory.zone or 'the zone of each lead'}"
        yield title, [_day(policy, territory.closures, day, "") for day in days]
    for team in calendars.teams:
        yield f"team {team.id}, in {team.zone}", [_of_team(team, day) for day in days]


def _of_team(team: Team, day: date) -> Day:
    cover = []
    for window in team.on_call:
        if spans := window.hours.get(day.weekday()):
            zone = f" {window.zone}" if window.zone else ""
            whoever = "whose turn it is (speedlead oncall show)" if window.rotation else "whoever is on shift"
            cover.append(f"{window.id} {_spans(spans)}{zone}: {', '.join(window.reps) or whoever}")
    found = _day(team.rule.policy, team.closures, day, "\n".join(cover))
    return replace(found, open="as the shifts say") if team.hours is None and found.open == "00:00-24:00" else found


def _day(policy: Policy, closures: Sequence[Closure], day: date, on_call: str) -> Day:
    spans = ZonePolicy("UTC", policy, "").open_on(day_number(day))  # local days: the zone does not matter
    own = next((closure.reason for closure in closures if closure.first <= day <= closure.last), None)
    closed = next(policy.refusals(day, 0), "") if not spans else ""
    why = own or ("half day" if day in policy.half_days and spans else closed)
    return Day(day, _spans([(a // 60, b // 60) for a, b in spans]), why, on_call)


def _spans(spans: Sequence[Interval]) -> str:
    return ", ".join(f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in spans)
