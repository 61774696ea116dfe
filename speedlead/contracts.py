"""The frozen models that cross Temporal: one in, one out, add-only.

Ids and non-personal facts only: what a person wrote, and how to reach them, stays in Postgres and is read by id.
`extra="ignore"` lets an older worker read a newer message.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from speedlead.domain.outcomes import CallResult, Outcome
from speedlead.domain.placing import LAST_YEAR
from speedlead.domain.plan import Cadence, Step

Channel = Literal["call", "sms", "email"]
LeadType = Literal["hot", "warm", "cold"]
# a person's note never travels here; reasons are short codes
# control characters cannot be stored, and nobody means them
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"
Code = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=_PRINTABLE)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_PRINTABLE)]


def _soon(at: datetime) -> datetime:
    if at.year >= LAST_YEAR:
        raise ValueError(f"expected a moment before the year {LAST_YEAR}")
    return at


Soon = Annotated[AwareDatetime, AfterValidator(_soon)]


class Contract(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


# ── what the workflow is started with ────────────────────────────────────────────────────────────────────────────────


class Reach(Contract):
    """How a lead may be reached, without the addresses themselves."""

    has_email: bool
    has_phone: bool
    consent_sms: bool = False
    call_requested: bool = False


class StepRow(Contract):
    """One settled step, as the touch row tells it."""

    step: str
    state: Literal["sent", "skipped", "failed", "in_doubt"]
    at: AwareDatetime
    reason: str | None = None
    channel: Literal["call", "sms", "email"] | None = None


class WrittenAnswer(Contract):
    """The row `answer` with this number."""

    number: int
    channel: Literal["email", "sms"]


class Resume(Contract):
    """What had happened by the time the lead is started again, from its rows."""

    acknowledged: int = 0
    round: int = 1
    manual_calls: int = 0
    owner_id: str | None = None
    open_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    deal_at: AwareDatetime | None = None
    # by when it is to have an owner
    assign_due_at: AwareDatetime | None = None
    # who was asked to take it, since when, and on which level; `taken`: somebody has
    assigned_at: AwareDatetime | None = None
    taken: bool = False
    asked: tuple[str, ...] = ()
    asked_at: AwareDatetime | None = None
    asked_first_at: AwareDatetime | None = None
    ask_level: int = 0
    claim: bool = False
    # targets that are known to be missed
    missed: tuple[str, ...] = ()
    steps: tuple[StepRow, ...] = ()
    closed_channels: dict[str, str] = {}
    replied_at: AwareDatetime | None = None
    reply_due: AwareDatetime | None = None
    answered_at: AwareDatetime | None = None
    connected_at: AwareDatetime | None = None
    outcome: Outcome | None = None
    outcome_at: AwareDatetime | None = None
    until: AwareDatetime | None = None
    paused: bool = False
    paused_until: AwareDatetime | None = None
    # by call step: the number of the last attempt that is over; each attempt rings legs of its own
    attempts: dict[str, int] = {}
    # written by people of ours, and not sent when the workflow was lost
    answers: tuple[WrittenAnswer, ...] = ()
    # ids of the messages that were delivered to the lost workflow
    seen: tuple[str, ...] = ()
    # it has come from another plan
    replanned: bool = False


class LeadStart(Contract):
    """Built from rows alone, so that any open lead can be started again from Postgres."""

    lead_id: str
    lead_type: LeadType
    intent: str
    source: str
    submitted_at: AwareDatetime
    reach: Reach
    plan: Cadence
    inquiry_number: int = 1
    # the inquiry is a reply to a lead that had closed: a person of ours answers it, by then
    is_reply: bool = False
    reply_due: AwareDatetime | None = None
    # set when the lead is started again from rows: what had happened by then
    resume: Resume | None = None
    # its deadlines are watched; leads of older versions go on without
    watched: bool = False


class LeadClosed(Contract):
    lead_id: str
    reason: str
    at: AwareDatetime


# ── signals: facts that happened ─────────────────────────────────────────────────────────────────────────────────────


class Signal(Contract):
    """`message_id` is what repeats are dropped by; a signal typed by a person in the Temporal UI has none."""

    message_id: Id | None = None


class InquirySignal(Signal):
    number: int = Field(ge=1)
    lead_type: LeadType
    reach: Reach


class OutcomeSignal(Signal):
    """What a rep learned: a call result, an outcome, or both. `at` is the moment a callback was asked for."""

    call_result: CallResult | None = None
    outcome: Outcome | None = None
    at: Soon | None = None
    until: Soon | None = None
    scope: Literal["all", "call", "sms", "email"] = "all"
    reason: Code | None = None
    rep_id: Id | None = None
    touch_id: Id | None = None

    @model_validator(mode="after")
    def _complete(self) -> "OutcomeSignal":
        if self.call_result is None and self.outcome is None:
            raise ValueError("expected call_result or outcome")
        if self.outcome is Outcome.CALLBACK_REQUESTED and self.at is None:
            raise ValueError("callback_requested: expected at, the moment the lead asked for")
        return self


class ReplySignal(Signal):
    """`due`: by when a person of ours is to answer; None in what an older version wrote, and for a program's mail."""

    channel: Channel
    automatic: bool = False
    until: AwareDatetime | None = None
    due: AwareDatetime | None = None


class AnswerSignal(Signal):
    """A person of ours wrote to the lead; the text is the row `answer` with this number."""

    number: int = Field(ge=1)
    channel: Literal["email", "sms"]


class OptOutSignal(Signal):
    scope: Literal["all", "call", "sms", "email"] = "all"


class DeliverySignal(Signal):
    """A touch that was accepted and then could not be delivered."""

    touch_id: Id
    status: Literal["bounced", "blocked", "dropped", "undelivered", "failed", "spam_report"]
    bad_address: bool = True
    # what a bad address is bad for; a number that cannot be called either is bad for `call`
    channel: Channel | None = None
    # what the table of errors says of it; `again_after_s` and `times` are for another try
    then: Literal["again", "other_channel", "plan", "decide"] | None = None
    again_after_s: float | None = Field(default=None, ge=0, le=86_400)
    times: int = Field(default=1, ge=1, le=3)


class CallProgressSignal(Signal):
    """The end of one leg of a call attempt. `at` is when the lead's phone rang, or when the rep's stopped ringing."""

    touch_id: Id
    leg_id: Id
    result: Literal[
        "no_answer",
        "busy",
        "voicemail_left",
        "voicemail_not_left",
        "disconnected",
        "connected",
        "failed",
        "abandoned",
        "rep_no_answer",
        "rep_declined",
        "not_permitted",
    ]
    at: AwareDatetime
    # whose lead it was when the leg ended, and whether somebody had taken it by then
    owner_id: Id | None = None
    taken: bool = False


class AssignedSignal(Signal):
    """A lead that nobody could take has an owner now: somebody had room again."""

    rep_id: Id


class ReplanSignal(Signal):
    reason: Code = "replan"


# ── updates: requests that want an answer ────────────────────────────────────────────────────────────────────────────


class AcceptRequest(Contract):
    rep_id: Id


class DeclineRequest(Contract):
    rep_id: Id
    reason: Code = "declined"


class ReassignRequest(Contract):
    rep_id: Id
    by: Id = "ops"
    reason: Code = "reassigned"


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


# ── activities ───────────────────────────────────────────────────────────────────────────────────────────────────────


class AcknowledgeRequest(Contract):
    lead_id: str
    inquiry_number: int
    lead_type: LeadType
    # the first request was in doubt: go by another channel, or once more by the same
    fallback: bool = False


class RouteRequest(Contract):
    lead_id: str
    lead_type: LeadType
    submitted_at: AwareDatetime
    excluding: tuple[str, ...] = ()


class RouteResult(Contract):
    """`open_at` is the instant from which targets count: the inquiry, or outside cover the first permitted one."""

    owner_id: str | None
    open_at: AwareDatetime
    due_at: AwareDatetime | None = None
    reason: str | None = None
    next_available_at: AwareDatetime | None = None
    # no owner yet, on purpose: to be routed again then
    deal_at: AwareDatetime | None = None
    # by when it is to have an owner
    assign_due_at: AwareDatetime | None = None
    # no owner yet: the first of these who accepts has it
    offered: tuple[str, ...] = ()


class TakeRequest(Contract):
    lead_id: str
    rep_id: str


class AcceptResult(Contract):
    """`why`: who has the lead instead, in a sentence for the rep who was wrong or late."""

    taken: bool
    owner_id: str | None = None
    why: str | None = None


class EscalateRequest(Contract):
    """`asked` did not take the lead since `asked_at`: `level` is the one that is asked next.

    `declined`: those of them who said no.
    """

    lead_id: str
    reason: Literal["silent", "declined"]
    level: int = Field(ge=1)
    asked: tuple[str, ...]
    asked_at: AwareDatetime
    declined: tuple[str, ...] = ()


class EscalateResult(Contract):
    """`accepted`: somebody has taken it meanwhile. `level` None: nobody is left to ask, the owner keeps it."""

    owner_id: str | None
    accepted: bool = False
    level: int | None = None


class BreachRequest(Contract):
    lead_id: str
    target: Code
    due_at: AwareDatetime


class SkipRow(Contract):
    """A step that was passed over. `at` is when it would have been."""

    step: str
    channel: Channel
    reason: str
    at: AwareDatetime


class PlaceRequest(Contract):
    """Place the last of `steps`. `anchors` has the steps that are done; `not_before` a time that a rule named."""

    lead_id: str
    steps: tuple[Step, ...] = Field(min_length=1)
    # when the last step is due by the plan alone
    due: AwareDatetime
    # only with steps to pass over, which have to be placed one after the other: the whole track and what it counts from
    track_steps: tuple[Step, ...] = ()
    lead_time: int = 0
    opened: AwareDatetime
    # the lead's own deadline for its first human step
    deadline: AwareDatetime | None = None
    anchors: dict[str, AwareDatetime] = {}
    not_before: AwareDatetime | None = None
    # the last step as its touch is called, with the round; the placement's row bears that name
    touch_step: str | None = None
    # a moment the lead or ops chose: no business hours, and no plan to count from
    manual: bool = False


class PlaceResult(Contract):
    """Where the calendar put the step; `at` None: nowhere. The same stands in the table `placement`.

    `reasons`: every rule that moved it, `reason` the one that people ask for. `zones`: each of them had to permit it.
    """

    at: AwareDatetime | None
    valid_until: AwareDatetime | None = None
    reason: str | None = None
    reasons: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    anchors: dict[str, AwareDatetime] = {}
    versions: dict[str, str] = {}


class TouchRequest(Contract):
    lead_id: str
    step: str
    channel: Channel
    purpose: Literal["plan", "manual"] = "plan"
    template: str
    planned_at: AwareDatetime
    skips: tuple[SkipRow, ...] = ()


class TouchState(StrEnum):
    SENT = "sent"
    SKIPPED = "skipped"
    DEFERRED = "deferred"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    # a call whose phones are ringing: its result comes as a signal
    RINGING = "ringing"
    # the rep did not take it: the next level is offered
    DECLINED = "declined"


class TouchResult(Contract):
    """Exactly one of these is how a due touch ends. `at` is when it happened, or would have."""

    state: TouchState
    at: AwareDatetime
    reason: str | None = None
    reasons: tuple[str, ...] = ()
    next_at: AwareDatetime | None = None
    bad_channel: Channel | None = None
    opted_out: Literal["all", "call", "sms", "email"] | None = None
    call_result: CallResult | None = None
    leg_id: str | None = None
    rep_id: str | None = None
    # an acknowledgement may have gone by another channel than the first: the touch that this is about
    step: str | None = None


class DialRequest(Contract):
    lead_id: str
    step: str
    # a call that stayed due is tried again: each try rings legs of its own
    attempt: int = Field(default=1, ge=1)
    level: int = Field(ge=1)
    ring_s: int = Field(ge=5, le=60)
    purpose: Literal["plan", "manual"] = "plan"
    planned_at: AwareDatetime
    skips: tuple[SkipRow, ...] = ()
    mode: Literal["bridge", "task"] = "bridge"
    # a rep who has just asked for this call: their phone rings first, whatever their shift and presence
    rep_id: str | None = None


class CallOffRequest(Contract):
    """A call is no longer wanted while only a rep's phone rings for it."""

    lead_id: str
    step: str
    reason: Literal["paused", "stopped", "opted_out"]


class SettleTaskRequest(Contract):
    """A call made by hand. Without a result nobody took the offer."""

    lead_id: str
    step: str
    leg_id: str
    at: AwareDatetime
    call_result: CallResult | None = None


class CheckRequest(Contract):
    """What became of a touch whose end was not heard of in time."""

    lead_id: str
    step: str
    channel: Channel | None = None
    # the last look: still nothing known is in doubt
    give_up: bool = False


class SkipStepsRequest(Contract):
    lead_id: str
    skips: tuple[SkipRow, ...]


class NotifyRequest(Contract):
    """Tells somebody of ours, once per `key`."""

    lead_id: str
    key: str
    audience: Literal["rep", "manager", "ops"]
    kind: Code
    rep_id: str | None = None
    reason: str | None = None
    due_at: AwareDatetime | None = None
    next_at: AwareDatetime | None = None
    # a cause that many leads meet: told once an hour, whichever of them met it first
    shared: str | None = None


class RecordRequest(Contract):
    """A fact that reached the workflow and may not be a row yet (typed into the Temporal UI), or was refused."""

    lead_id: str
    key: str
    kind: Code
    outcome: OutcomeSignal | None = None
    opt_out: OptOutSignal | None = None
    stage: str | None = None
    paused_until: AwareDatetime | None = None
    reason: str | None = None
    at: AwareDatetime
    # the inquiry that an acknowledgement was for
    inquiry_number: int | None = None
    # whose doing it was
    rep_id: str | None = None
    # what the lead waits for now, where the fact changes that
    why: str | None = None
    next_at: AwareDatetime | None = None


class ReassignTo(Contract):
    lead_id: str
    rep_id: str
    reason: str


class LoadPlanRequest(Contract):
    lead_id: str
    plan_id: str
    version: int


class TakePlanRequest(Contract):
    """The lead follows this plan from now on; `skips` are steps of it that are passed over by the change."""

    lead_id: str
    plan_id: str
    version: int
    before: str
    skips: tuple[SkipRow, ...] = ()
    at: AwareDatetime


class CloseRequest(Contract):
    lead_id: str
    reason: str
    stage: Literal["closed", "exhausted", "converted", "qualified"]
    skips: tuple[SkipRow, ...] = ()


class CloseResult(Contract):
    """Closing is refused while a message to the lead is on its way."""

    closed: bool
    at: datetime
