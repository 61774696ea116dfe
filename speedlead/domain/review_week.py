"""The weeks that reviews are about: Monday to Sunday on the clock of the house, named as ISO 8601 does. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from speedlead.domain.calendar import offset_at, to_second
from speedlead.domain.walltime import resolve_wall

_NAME = re.compile(r"(2[01][0-9]{2})-[Ww]([0-9]{2})")
_MOMENT = re.compile(r"(mon|tue|wed|thu|fri|sat|sun) ([01][0-9]|2[0-3]):([0-5][0-9])")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """`monday`: its first day."""

    monday: date

    @property
    def name(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    @property
    def before(self) -> "Week":
        return Week(self.monday - timedelta(days=7))

    def bounds(self, zone: str) -> tuple[datetime, datetime]:
        """First instant and the one after the last, UTC: 167 to 169 hours where the clock changes."""
        return first_instant(self.monday, zone), first_instant(self.monday + timedelta(days=7), zone)


def first_instant(day: date, zone: str) -> datetime:
    return resolve_wall(zone, datetime.combine(day, time())).first_at_or_after


def week_named(text: str) -> Week:
    """`2026-W47`. Raises ValueError."""
    found = _NAME.fullmatch(text.strip())
    try:
        if found is not None:
            return Week(date.fromisocalendar(int(found[1]), int(found[2]), 1))
    except ValueError:
        pass
    raise ValueError(f"week: expected a week such as 2026-W47, got {text[:40]!r}")


def week_of(at: datetime, zone: str) -> Week:
    day = day_of(at, zone)
    return Week(day - timedelta(days=day.weekday()))


def day_of(at: datetime, zone: str) -> date:
    return (at.astimezone(UTC) + timedelta(seconds=offset_at(zone, to_second(at)))).date()


def parse_moment(text: str) -> tuple[int, int]:
    """`mon 07:00` -> weekday (Monday is 0) and minute of the day. Raises ValueError."""
    found = _MOMENT.fullmatch(text.strip().lower())
    if found is None:
        raise ValueError(f"expected a day and a time such as mon 07:00, got {text[:40]!r}")
    return _DAYS.index(found[1]), int(found[2]) * 60 + int(found[3])


def newest_due(now: datetime, moment: tuple[int, int], zone: str) -> Week:
    """The newest week whose review is due: it is over, and the moment that comes after it has come."""
    week = week_of(now, zone).before
    return week if due_at(week, moment, zone) <= now else week.before


def due_at(week: Week, moment: tuple[int, int], zone: str) -> datetime:
    """When the review of this week is due: at its moment in the week after, UTC."""
    weekday, minute = moment
    wall = datetime.combine(week.monday + timedelta(days=7 + weekday), time(minute // 60, minute % 60))
    return resolve_wall(zone, wall).first_at_or_after
