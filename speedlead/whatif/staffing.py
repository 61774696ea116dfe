"""How many people each hour of a week needs for its calls, against those who are on shift. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from speedlead.domain.opening import Shift
from speedlead.domain.plan import PlanData, Week, When
from speedlead.whatif.erlang import needed

GOAL = 0.95
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HALF = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Hour:
    """`number`: of the week, Monday 00:00 is 0. `calls`: in an average week; `there`: people on shift at half past."""

    number: int
    calls: float
    needed: int
    there: int

    @property
    def name(self) -> str:
        return f"{DAYS[self.number // 24]} {self.number % 24:02}:00"

    @property
    def short(self) -> int:
        return max(0, self.needed - self.there)


def staffing(
    hours: Sequence[float], people: Sequence[Sequence[Shift]], monday: datetime, *, call_s: float, within_s: float
) -> tuple[Hour, ...]:
    """`hours`: calls of an average week. `monday`: aware, the midnight that begins the week that shifts are looked at.

    `call_s`: how long a call holds somebody; `within_s`: in which 95 % of the calls have to find somebody free.
    """
    found = []
    for number, calls in enumerate(hours):
        # by the wall clock of the zone: an hour of the week is an hour of the day
        at = monday + timedelta(hours=number) + _HALF
        there = sum(any(shift.holds(at) for shift in shifts) for shifts in people)
        found.append(Hour(number, calls, needed(calls, call_s, within_s, GOAL), there))
    return tuple(found)


class Cover(PlanData):
    """On-call cover to try: `hours` are in `zone`; `when`: for which leads, without it for all."""

    zone: str
    hours: Week
    when: When = When()

    def shift(self) -> Shift:
        return Shift(self.zone, self.hours, covers=self.when, name="what-if")
