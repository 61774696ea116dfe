"""Is one of our people at work at this instant, and if not, since what and until when?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from speedlead.domain.calendar import next_permitted
from speedlead.domain.opening import Shift

Why = Literal["time_off", "calendar"]


@dataclass(frozen=True, slots=True)
class Standing:
    """`until`: the end of the time off or of the meeting; off shift: when the next shift begins, None: never."""

    state: Literal["on_shift", "time_off", "calendar", "off_shift"]
    until: datetime | None


def standing(usual: Shift, not_there: Sequence[tuple[Why, datetime, datetime]], now: datetime) -> Standing:
    """`not_there`: time off and busy times. Time off counts before all else; a meeting only within the hours."""
    ends = {why: end for why, start, end in sorted(not_there, key=lambda span: span[2]) if start <= now < end}
    if "time_off" in ends:
        return Standing("time_off", ends["time_off"])
    if not usual.holds(now):
        return Standing("off_shift", next_permitted(now, usual.rules))
    return Standing("calendar", ends["calendar"]) if "calendar" in ends else Standing("on_shift", None)
