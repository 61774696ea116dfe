"""What the failure of an activity says about what it did."""

from datetime import timedelta

from temporalio import exceptions as failed
from temporalio import workflow
from temporalio.exceptions import ActivityError, TimeoutType

with workflow.unsafe.imports_passed_through():
    from speedlead.contracts import TouchResult, TouchState

_NEXT_TURN = timedelta(minutes=2)


def never_began(error: ActivityError) -> bool:
    """It waited for its turn until its time was over: a backed-up queue, or no worker. Nothing was tried."""
    timeout = error.cause
    return (
        isinstance(timeout, failed.TimeoutError)
        and timeout.type in (TimeoutType.SCHEDULE_TO_CLOSE, TimeoutType.SCHEDULE_TO_START)
        and timeout.cause is None
    )


def backed_up() -> TouchResult:
    """The touch stays due: it is not known of anybody that they refused it."""
    now = workflow.now()
    return TouchResult(state=TouchState.DEFERRED, at=now, reason="provider_busy", next_at=now + _NEXT_TURN)
