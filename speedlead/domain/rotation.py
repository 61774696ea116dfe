"""Whose turn it is to be on call: rotations by local calendar day, as a calendar file says them.

A turn begins on a local day at the hand-over and ends on another one at the hand-over, so it has as many hours as its
days have: 23 or 25 on the two days a year on which the clock changes.
"""

from datetime import date, datetime, time, timedelta
from itertools import combinations
from math import gcd
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from speedlead.domain.calendar import offset_at, stretch, to_second
from speedlead.domain.hours import DAY_S
from speedlead.domain.plan import PlanData, parse_duration, parse_times
from speedlead.domain.walltime import resolve_wall

MOST_LEVELS = 3
"""A call rings three of our people at most, one after the other (REQ 88)."""
# how far ahead the hand-over is compared with changes of the clock
_CHECKED_YEARS = 10
_LONGEST_TURN = 366


def _addresses(value: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := [address for address in value if "@" not in address]:
        raise ValueError(f"expected e-mail addresses of reps, got {wrong[0]!r}")
    return tuple(address.lower() for address in value)


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("expected the e-mail addresses of those who take turns, got none")
    return value


def _days(value: object) -> int:
    if not isinstance(value, str):
        raise ValueError(f"expected whole days such as 1d or 7d, got {value!r}")
    seconds = parse_duration(value)
    if seconds % DAY_S or not 1 <= seconds // DAY_S <= _LONGEST_TURN:
        raise ValueError(f"expected whole days from 1d to {_LONGEST_TURN}d, got {value!r}")
    return seconds // DAY_S


def _minute(value: object) -> int:
    """Of the local day. YAML reads 18:00 without quotes as 1080, which is the same."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1440:
        return value
    try:
        return parse_times(f"{value}-24:00")[0]
    except ValueError:
        raise ValueError(f'expected a time of day such as "09:00", got {value!r}') from None


Reps = Annotated[tuple[str, ...], AfterValidator(_addresses)]
"""Our people by e-mail address, in small letters."""


class Rotation(PlanData):
    """`levels`: who takes turns, in order; the second level is rung when the first one does not accept.

    `start`: the local day of the first turn; before it nobody is on call. `every`: the days of a turn. `handover`:
    minutes of the local day, in the zone of the cover.
    """

    start: date
    every: Annotated[int, BeforeValidator(_days)]
    handover: Annotated[int, BeforeValidator(_minute)]
    levels: tuple[Annotated[Reps, AfterValidator(_some)], ...] = Field(min_length=1, max_length=MOST_LEVELS)

    @field_validator("levels")
    @classmethod
    def _in_one_place(cls, levels: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
        """Turn t is the one of people a[t mod n] and b[t mod m]: i and j meet if they agree modulo gcd(n, m)."""
        for (upper, a), (lower, b) in combinations(enumerate(levels, 1), 2):
            step = gcd(len(a), len(b))
            twice = next((who for i, who in enumerate(a) if who in b[i % step :: step]), None)
            if twice is not None:
                raise ValueError(f"{twice} would be on levels {upper} and {lower} at the same time")
        return levels

    def order(self, level: int, day: date) -> tuple[str, ...]:
        """Everybody of a level (1 is the first), whose turn that day is before whoever steps in for them."""
        people = self.levels[level - 1]
        turn = ((day - self.start).days // self.every) % len(people)
        return tuple(dict.fromkeys(people[turn:] + people[:turn]))

    def check_handover(self, zone: str) -> None:
        """Raises ValueError when a change of the clock skips the hand-over, or shows it twice."""
        wall = self.handover * 60
        at = to_second(resolve_wall(zone, datetime.combine(self.start, time())).first_at_or_after)
        last = at + _CHECKED_YEARS * 366 * DAY_S
        while (change := stretch(zone, at)[0]) < last:
            before, after = offset_at(zone, change - 1), offset_at(zone, change)
            first, end = sorted((change + before, change + after))
            # the local seconds from `first` to `end` are missing when the clock goes forward
            day = first // DAY_S
            for wanted in (day * DAY_S + wall, (day + 1) * DAY_S + wall):
                if first <= wanted < end:
                    said = "does not exist" if after > before else "comes twice"
                    local = date(1970, 1, 1) + timedelta(days=wanted // DAY_S)
                    raise ValueError(
                        f"{self.handover // 60:02}:{self.handover % 60:02} {said} on {local} in {zone}: expected a time"
                        " that every day has once"
                    )
            at = change
