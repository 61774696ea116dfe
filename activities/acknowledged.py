"""The result of an acknowledgement: how it ended on each channel on which it was tried, and what it promises."""

from collections.abc import Sequence
from datetime import datetime

from speedlead.contracts import TouchResult, TouchState, Way

# (step, channel, how it ended)
Tried = tuple[str, str, TouchResult]


def told(promised_at: datetime | None, tried: Sequence[Tried]) -> TouchResult:
    """The last one's, with all that have ended: what was put off has not."""
    last, _, result = tried[-1]
    ways = tuple(
        Way(step=step, channel="email" if channel == "email" else "sms", state=way.state, at=way.at, reason=way.reason)
        for step, channel, way in tried
        if way.state is not TouchState.DEFERRED
    )
    return result.model_copy(update={"step": last, "promised_at": promised_at, "ways": ways})
