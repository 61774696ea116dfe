"""Whether an open lead is in limbo: nothing would move it on, and nobody knows (REQ 103). Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

# "no_workflow": its workflow is gone; "no_next_step": no step, time or reason stands in its rows; "overdue_unnoticed":
# its time is past and nothing is under way; "never_routed": it has neither an owner nor a place in the waiting pool,
# or it waits for a person's word and its owner has left
Limbo = Literal["no_workflow", "no_next_step", "overdue_unnoticed", "never_routed"]

# a step that waits for its provider's pace, a retry or a deploy is under way
LATE_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class OpenLead:
    """What rows say of an open lead whose workflow was started a while ago. Instants are business time.

    `busy`: a touch of it is in flight, or a message to its workflow is on its way. `held`: it is paused, or a person's
    word has stopped its plan, so it waits for a person. `routed`: it has an owner, was asked about, or is in the pool;
    the owner has left: only while its plan goes on, which finds another.
    """

    lead_id: str
    now: datetime
    step: str | None
    next_at: datetime | None
    why: str | None
    busy: bool
    held: bool
    routed: bool


def limbo_of(lead: OpenLead, *, running: bool) -> Limbo | None:
    if not running:
        return "no_workflow"
    if lead.busy:
        return None
    if not lead.routed:
        return "never_routed"
    if lead.held:
        return None
    if lead.next_at is None and (lead.why is None or lead.step is not None):
        return "no_next_step"
    if lead.next_at is not None and lead.next_at < lead.now - LATE_AFTER:
        return "overdue_unnoticed"
    return None
