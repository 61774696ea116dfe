"""What reconciling a message and reconciling a call have in common (docs/adr/0010)."""

from datetime import datetime, timedelta

from temporalio.exceptions import ApplicationError

from activities.clock import Moment
from speedlead.ports import SendError, SendErrorKind

# the provider's clock and ours, when its list is asked for what came since a claim
CLOCKS_DIFFER = timedelta(seconds=2)


def too_early_to_say(claimed_at: datetime, word_within: timedelta, moment: Moment) -> None:
    """Raises a retry while the request may still be on its way, or its provider's word."""
    wait = claimed_at + word_within - moment.now
    if wait > timedelta():
        raise ApplicationError("the provider may still answer", type="leased", next_retry_delay=wait)


def retry_if_safe(error: SendError) -> None:
    """A look-up that was not answered is asked again by the activity's policy; one that was refused is not."""
    if error.kind is SendErrorKind.RETRY_SAFE:
        delay = timedelta(seconds=error.retry_after_s) if error.retry_after_s else None
        raise ApplicationError(error.evidence, type=error.kind.value, next_retry_delay=delay) from None
