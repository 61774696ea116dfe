"""One request and one result for each activity."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from speedlead.contracts.base import Channel, Code, Contract, LeadType, Steered
from speedlead.contracts.signals import OptOutSignal, OutcomeSignal
from speedlead.domain.outcomes import CallResult
from speedlead.domain.plan import Step


class AcknowledgeRequest(Contract):
    lead_id: str
    inquiry_number: int
    lead_type: LeadType
    # the first request was in doubt: go by another channel, or once more by the same
    fallback: bool = False


class EnrichRequest(Contract):
    lead_id: str
    lead_type: LeadType


class EnrichResult(Contract):
    """`problem`: what could not be found out in time. The lead's type comes with the answer of routing."""

    lane: Literal["hot", "warm", "cold", "low"]
    problem: str | None = None


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
    # what the lead was found to be before it got its owner; None: as it came
    lead_type: LeadType | None = None


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
    """`round`: of a target that a lead which became hotter is owed again."""

    lead_id: str
    target: Code
    due_at: AwareDatetime
    round: int = Field(default=1, ge=1)


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
    anchors: dict[str, AwareDatetime] = Field(default_factory=dict)
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
    anchors: dict[str, AwareDatetime] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)


class TouchRequest(Contract):
    lead_id: str
    step: str
    channel: Channel
    purpose: Literal["plan", "manual", "assistant"] = "plan"
    template: str
    planned_at: AwareDatetime
    skips: tuple[SkipRow, ...] = ()


class TurnRequest(Contract):
    """A message of a lead, by its row, that the assistant may answer."""

    lead_id: str
    reply_id: str


class TurnResult(Contract):
    """`answer`: the number of the row with words that are still to be sent, by `channel`; None: there is nothing left.

    `act`: what was done; `dropped` or `kept_out`: nothing, for `reason`.
    """

    act: str
    reason: str | None = None
    answer: int | None = None
    channel: Literal["email", "sms"] | None = None


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


class Way(Contract):
    """How an acknowledgement ended on one channel."""

    step: str
    channel: Literal["email", "sms"]
    state: TouchState
    at: AwareDatetime
    reason: str | None = None


class Acknowledged(Contract):
    """What is known of an acknowledgement that was given up; `promised_at`: by when the lead was told of a person."""

    ways: tuple[Way, ...] = ()
    promised_at: AwareDatetime | None = None


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
    # of an acknowledgement: the channels on which it has ended, and by when it promises a person
    ways: tuple[Way, ...] = ()
    promised_at: AwareDatetime | None = None


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
    """A call made by hand. Without a result nobody took the offer; `silent`: nor said that they would not."""

    lead_id: str
    step: str
    leg_id: str
    at: AwareDatetime
    call_result: CallResult | None = None
    silent: bool = False


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


class WaitRequest(Contract):
    """The lead waits for an instant at which no touch of ours is placed."""

    lead_id: str
    until: AwareDatetime
    why: str


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
    # the update that it came by, where the audit is to have a line of it
    steered: Steered | None = None


class ReassignTo(Contract):
    """`expected_owner`: only while it is still theirs."""

    lead_id: str
    rep_id: str
    reason: str
    expected_owner: str | None = None
    steered: Steered | None = None


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
    steered: Steered | None = None


class CloseRequest(Contract):
    lead_id: str
    reason: str
    stage: Literal["closed", "exhausted", "converted", "qualified"]
    skips: tuple[SkipRow, ...] = ()
    # ids of the newest messages that were heard before this was decided; None: not said
    heard: tuple[str, ...] | None = None


class CloseResult(Contract):
    """Closing is refused while something was said to the lead that was not heard when its end was decided."""

    closed: bool
    at: datetime
