"""For how long a text of the plan is of use: until the next step says something newer, or its permitted hours end."""

import re
from datetime import datetime

from speedlead.domain.plan import Track

# an acknowledgement, or what one of our people wrote: later than this it is out of place
SOON_S = 900
LEAST_S = 10  # a provider advises more than five seconds
MOST_S = 36_000
_DAY_S = 86_400
_ROUND = re.compile(r"-r\d+$")


def useful_for(track: Track | None, step: str, now: datetime, window_end: datetime | None) -> int:
    """Seconds. `step`: the name on the touch; without a track, or where the plan has no such step, it is SOON_S."""
    name = _ROUND.sub("", step)
    planned = track is not None and any(other.id == name for other in track.steps)
    most = _until_next(track, name) if planned and track is not None else SOON_S
    if window_end is not None:
        most = min(most, int((window_end - now).total_seconds()))
    return max(LEAST_S, min(most, MOST_S))


def _until_next(track: Track, name: str) -> int:
    starts: dict[str, int] = {"lead": 0}
    for step in track.steps:
        starts[step.id] = starts[step.after] + step.delay + step.local_days * _DAY_S
    later = [start - starts[name] for start in starts.values() if start > starts[name]]
    return min(later, default=MOST_S)
