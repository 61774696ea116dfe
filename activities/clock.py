"""Business time inside an activity (docs/adr/0002).

Production: wall time moved by the lead's offset, which is zero. Under a virtual clock (tests and the demo) the offset
is what the activity's own virtual schedule says, and it is written to the lead's row so that the gateway agrees.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from temporalio import activity

from speedlead.ports import Clock


class Moment(NamedTuple):
    now: datetime  # business time
    wall: datetime
    offset_us: int


class ActivityClock:
    def __init__(self, clock: Clock, *, virtual: bool) -> None:
        self._clock = clock
        self._virtual = virtual

    def moment(self, lead_offset_us: int = 0) -> Moment:
        wall = self._clock.wall()
        offset_us = lead_offset_us
        # what is no activity takes the lead's own offset, which its last activity has written
        if self._virtual and activity.in_activity():
            offset_us = (activity.info().current_attempt_scheduled_time - wall) // timedelta(microseconds=1)
        return Moment(self._clock.business(offset_us), wall, offset_us)
