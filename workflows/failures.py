"""What the failure of an activity says about what it did, and queues from which nobody takes anything."""

from datetime import timedelta

from temporalio import exceptions as failed
from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutType

with workflow.unsafe.imports_passed_through():
    from activities.notifying import Notifying
    from speedlead.contracts import NotifyRequest, TouchResult, TouchState
    from workflows import options

_NEXT_TURN = timedelta(minutes=2)
# a provider's peak may cost a lead one turn; the second one in a row is for ops
_TOLD_AFTER = 2
# refusals that are about another field than the one that was asked for
_FIELDS = {"moved_on": "expected_owner"}


def never_began(error: ActivityError) -> bool:
    """It waited for its turn until its time was over: a backed-up queue, or no worker. Nothing was tried."""
    timeout = error.cause
    return (
        isinstance(timeout, failed.TimeoutError)
        and timeout.type in (TimeoutType.SCHEDULE_TO_CLOSE, TimeoutType.SCHEDULE_TO_START)
        and timeout.cause is None
    )


def still_due() -> TouchResult:
    """The touch stays due: it is not known of anybody that they refused it."""
    now = workflow.now()
    return TouchResult(state=TouchState.DEFERRED, at=now, reason="provider_busy", next_at=now + _NEXT_TURN)


class Queues:
    """How often in a row each queue has not begun what this lead gave it."""

    def __init__(self, lead_id: str) -> None:
        self._lead_id = lead_id
        self._stuck: dict[str, int] = {}

    def flows(self, queue: str) -> None:
        self._stuck.pop(queue, None)

    async def backed_up(self, queue: str) -> TouchResult:
        """Ops hear of it once an hour, however many leads wait: each of them only adds the same line."""
        self._stuck[queue] = self._stuck.get(queue, 0) + 1
        if self._stuck[queue] >= _TOLD_AFTER:
            await workflow.execute_activity_method(
                Notifying.notify,
                NotifyRequest(
                    lead_id=self._lead_id,
                    key=f"queue_stands:{queue}",
                    audience="ops",
                    kind="queue_stands",
                    reason=f"queue {queue}",
                    shared=queue,
                ),
                summary=f"tell ops: nothing is taken from {queue}",
                **options.ROWS,
            )
        return still_due()


def refusal(field: str, error: ActivityError) -> ApplicationError:
    """What the caller of an update is answered with when the rows refuse it: `field`, and why."""
    cause = error.cause if isinstance(error.cause, ApplicationError) else None
    reason = str(cause.message) if cause is not None else "could not be done"
    field = _FIELDS.get(cause.type or "", field) if cause is not None else field
    return ApplicationError(f"{field}: {reason}", {"field": field}, type="rejected", non_retryable=True)
