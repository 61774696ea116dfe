"""Updates: requests that want an answer, and the answer."""

from pydantic import AwareDatetime, Field

from speedlead.contracts.base import Code, Contract, Id, LeadType, Soon
from speedlead.contracts.start import Reach


class AcceptRequest(Contract):
    rep_id: Id


class DeclineRequest(Contract):
    rep_id: Id
    reason: Code = "declined"


class ReassignRequest(Contract):
    """`expected_owner`: only while the lead is still theirs."""

    rep_id: Id
    by: Id = "ops"
    reason: Code = "reassigned"
    expected_owner: Id | None = None


class PauseRequest(Contract):
    until: Soon | None = None
    by: Id = "ops"
    reason: Code = "paused"


class ResumeRequest(Contract):
    by: Id = "ops"


class SkipRequest(Contract):
    """Skips the named step, or the next one."""

    step: Id | None = None
    by: Id = "ops"
    reason: Code = "skipped_by_ops"


class CallNowRequest(Contract):
    """`rep_id`: whoever asks for it and makes the call; their phone rings first."""

    by: Id = "ops"
    rep_id: Id | None = None


class StopRequest(Contract):
    reason: Code = "cancelled_by_manager"
    by: Id = "ops"


class CorrectRequest(Contract):
    """Says that the lead's row was corrected: read it again. `reach`: how it may be reached from now on."""

    by: Id = "ops"
    reach: Reach | None = None


class ChangePlanRequest(Contract):
    plan_id: Id
    version: int = Field(ge=1)
    by: Id = "ops"


class LeadStatus(Contract):
    """The answer of every update and of the query `status`."""

    lead_id: str
    stage: str
    lead_type: LeadType
    owner_id: str | None
    next_step: str | None
    next_at: AwareDatetime | None
    why: str
    paused: bool = False
    paused_until: AwareDatetime | None
    plan: str
    # the plan that it goes to when the touch under way has ended
    plan_waits: str | None = None
    rejected_messages: int
