"""The record as activities see it: what they ask of Postgres, as Protocols over plain values.

`store/` implements these. Every method is one transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from speedlead.contracts import Steered, Way
from speedlead.domain.hours import Weekly
from speedlead.domain.knowing import Company, Fact, History, Value
from speedlead.domain.opening import Shift
from speedlead.domain.outcomes import CallResult, Outcome
from speedlead.domain.placing import Consents, PastTouch
from speedlead.domain.plan import Cadence
from speedlead.domain.sla import LeadFacts
from speedlead.domain.zones import Evidence, Place

Purpose = Literal["acknowledgement", "plan", "manual", "meeting", "assistant"]


@dataclass(frozen=True, slots=True)
class LeadRecord:
    """One lead with its person and latest inquiry, read for composing, placing and routing."""

    lead_id: str
    person_id: str
    lead_type: str
    intent: str
    source: str
    segment: str | None
    stage: str
    owner_id: str | None
    plan_id: str
    plan_version: int
    clock_offset_us: int
    created_at: datetime
    submitted_at: datetime
    open_at: datetime | None
    first_attempt_due: datetime | None
    name: str | None
    company: str | None
    email: str | None
    phone: str | None
    message: str | None
    inquiry_number: int
    evidence: Evidence
    consents: Consents
    owner_name: str | None
    owner_email: str | None
    owner_phone: str | None
    # the lead's phone has rung for us
    called: bool = False
    # how this inquiry came to us
    channel: str = "form"
    # the language that its sender or their browser asked for, such as de-AT
    language: str | None = None
    # calls or texts to this number before this inquiry, within the span that a law may look back
    contacted_before: bool = False
    # what it is about, when the form asks for a `product`
    product: str | None = None
    # what the owner has recorded for such leads, and a picture of it; web addresses
    owner_video: str | None = None
    owner_video_thumbnail: str | None = None
    # by when its newest acknowledgement says that a person gets in touch
    promised_at: datetime | None = None
    # of routing, by part, where an experiment sets them for this lead
    routing_weights: dict[str, float] | None = None
    # it answers no inquiry: nurture or customer (docs/nurture.md)
    program: str | None = None


@dataclass(frozen=True, slots=True)
class RepRecord:
    rep_id: str
    name: str
    email: str
    phone: str | None
    zone: str
    weekly: Weekly
    capacity: int
    weight: int
    presence: str
    manager: bool
    open_leads: int
    # the usual hours, cut by the team's calendar, and on-call cover
    shifts: tuple[Shift, ...] = ()
    away_until: datetime | None = None
    territories: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ("call", "email", "sms")
    lane: str = "all"
    # time off, and what their own calendar is busy with: (start, end)
    not_there: tuple[tuple[datetime, datetime], ...] = ()
    last_assigned: datetime | None = None


class Standing(NamedTuple):
    """What may change about a rep from one lead to the next, read in the transaction that decides."""

    rep_id: str
    capacity: int
    weight: int
    presence: str
    away_until: datetime | None
    last_assigned: datetime | None
    open_leads: int


class Taken(NamedTuple):
    """Whether the rep has the lead now; `why`: who has it instead, in a sentence."""

    taken: bool
    owner_id: str | None
    why: str | None = None


class Moved(NamedTuple):
    """Who is asked next, on which level; `accepted`: somebody has taken it. `level` None: nobody is left to ask."""

    owner_id: str | None
    accepted: bool
    level: int | None


@dataclass(frozen=True, slots=True)
class Looked:
    """What our own rows say before a lead gets an owner. `asked`: the outside source was, and `answer` or `problem` is
    still good. `wrong`: facts that somebody called wrong, as `name/source`. `lane`: how this inquiry was judged.
    """

    history: History
    company: Company | None
    asked: bool
    answer: Mapping[str, object] | None
    problem: str | None
    wrong: frozenset[str]
    lane: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out about a lead in `ms`. `problem`: why the outside source said nothing, as a code."""

    lead_id: str
    number: int
    came_as: str
    facts: tuple[Fact, ...]
    account_owner: str | None
    problem: str | None
    ms: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """How the inquiry with that number was judged; `knows`: one value for each fact."""

    number: int
    came_as: str
    lead_type: str
    lane: str
    account_owner: str | None
    knows: Mapping[str, Value]


def team_of(reps: Sequence[RepRecord]) -> tuple[Shift, ...]:
    """The shifts of everybody who makes calls, cover among them; those who take turns count as one."""
    return tuple(shift.whole or shift for rep in reps if not rep.manager for shift in rep.shifts)


def facts_of(lead: LeadRecord, where: Place) -> LeadFacts:
    """What targets and on-call cover ask about."""
    return LeadFacts(lead.lead_type, lead.intent, lead.source, lead.segment, lead.channel, where.jurisdictions)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person of ours wrote to a lead. `in_reply_to`: the Message-ID of the mail that it answers."""

    subject: str | None
    body: str
    in_reply_to: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A touch that wants to go out."""

    lead_id: str
    touch_id: str
    step: str
    channel: Literal["email", "sms", "call"]
    purpose: Purpose
    planned_at: datetime
    now: datetime
    wall: datetime
    lease_s: float
    offset_us: int
    hours: Weekly | None
    # what will be said; stored with the claim, so that a crash leaves something to look for at the provider
    subject: str | None = None
    body: str | None = None
    # what an acknowledgement promises: (the instant, the words)
    promise: tuple[datetime | None, str] | None = None
    # which version of which template says it, such as `email/useful.de v3`
    template: str | None = None
    # a call rings a rep first: the leg that is claimed with the touch
    leg_id: str | None = None
    rep_id: str | None = None
    # the plan's own limit: so long after the last message to this person
    apart_s: int = 0


@dataclass(frozen=True, slots=True)
class Claimed:
    """`window_end`: when the permitted hours end that it goes out in; None: not within eight days."""

    address: str
    claimed_at: datetime
    window_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deferred:
    next_at: datetime
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    reason: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """The touch has ended before: this is a repeat of the request."""

    state: str
    at: datetime
    reason: str | None
    call_result: CallResult | None


@dataclass(frozen=True, slots=True)
class Leased:
    """Another attempt holds the claim until this wall instant."""

    until_wall: datetime


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A request of which nobody knows whether the provider took it. `since_wall`: when the first one was claimed.

    `repeatable`: a message of the plan, which goes once more when it is nowhere to be found. A call never does, and the
    acknowledgement has a rule of its own.
    """

    address: str
    body: str | None
    channel: str
    since_wall: datetime
    claimed_at: datetime
    repeatable: bool


@dataclass(frozen=True, slots=True)
class CallSoFar:
    """A call attempt from its rows. `leg_known`: the provider has told us of this leg.

    `rep_id`, `claimed_wall` and `call_id` are what the provider's list can be asked by.
    """

    ended: Ended | None
    leg_id: str | None
    leg_known: bool
    leg_over: bool
    leg_result: str | None
    rep_id: str | None = None
    claimed_at: datetime | None = None
    claimed_wall: datetime | None = None
    # the provider's id of a rep's call from which the lead has not been dialled
    open_call: str | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """What the calendar answered for a step: `at` None when no instant is possible. `zones` all had to permit it."""

    lead_id: str
    step: str
    earliest: datetime
    at: datetime | None
    valid_until: datetime | None
    reason: str | None
    reasons: tuple[str, ...]
    zones: tuple[str, ...]
    versions: Mapping[str, str]


ClaimAnswer = Claimed | Deferred | Skipped | Ended | Leased | Doubtful


class Touches(Protocol):
    async def claim(self, claim: Claim) -> ClaimAnswer:
        """The gate and the claim, under the person's lock. Deferrals and skips are written as the touch's row."""
        ...

    async def sent(
        self, touch_id: str, *, provider_id: str | None, at: datetime, leg_id: str | None = None
    ) -> None: ...

    async def queued(self, leg_id: str, ms: int) -> None:
        """The provider held this call back for so long before it dialled."""
        ...

    async def release(self, touch_id: str, leg_id: str | None = None) -> None:
        """The provider certainly did not take it: the touch may be claimed again."""
        ...

    async def ended(
        self,
        touch_id: str,
        *,
        state: str,
        reason: str,
        at: datetime,
        bad_address: bool = False,
        whole_number: bool = False,
        opted_out: bool = False,
    ) -> Literal["call", "sms", "email"] | None:
        """`failed`, `skipped` or `in_doubt`, with what the refusal says about the address.

        `whole_number`: a bad number of a text is bad for calls as well. Answers the channel by which a bad address
        leaves no way to the lead; `call` stands for texts as well.
        """
        ...

    async def doubtful(self, touch_id: str) -> Ended | Doubtful | None:
        """How it ended, or the request that is in doubt; None when the provider refused every one."""
        ...

    async def adopt(self, touch_id: str, found: Sequence[str], *, at: datetime, leg_id: str | None = None) -> bool:
        """The provider has it: the first of the ids `found` that is no other touch's. False when there is none."""
        ...

    async def repeat(self, touch_id: str, at: datetime) -> bool:
        """Gives a message in doubt back to be sent once more, from `at`; False when that was done before.

        Asked again before the repeat is claimed, the answer is the same: whoever asked may have died.
        """
        ...

    async def acknowledgement_failed(self, lead_id: str, number: int, at: datetime) -> tuple[Way, ...]:
        """Nobody tries to answer this inquiry any more: what was claimed for it ends in doubt, the rest as failed.

        Answers what has ended by this.
        """
        ...

    async def look(self, touch_id: str) -> Ended | None:
        """How the touch ended, callbacks included; None while that is open."""
        ...

    async def call(self, touch_id: str, leg_id: str | None) -> CallSoFar:
        """The given leg, or the newest leg of a rep."""
        ...

    async def rung(self, touch_id: str, attempt: str) -> dict[str, str]:
        """Rep by leg id, of the legs whose id begins with `attempt`."""
        ...

    async def call_off(self, touch_id: str, *, state: str, reason: str, at: datetime) -> tuple[str, ...] | None:
        """Takes back a call for which only a rep's phone rings; answers the provider's ids of what is to be hung up.

        None when there is nothing to take back: the lead has been dialled, or the call is over.
        """
        ...

    async def task_over(
        self, touch_id: str, leg_id: str, *, at: datetime, result: CallResult | None, silent: bool = False
    ) -> None:
        """Ends a leg that a rep dialled by hand; with a result the touch has been made. Who was `silent` is away."""
        ...

    async def skip(self, lead_id: str, skips: Sequence[tuple[str, str, str, datetime]], now: datetime) -> None:
        """Writes (step, channel, reason, at) of steps that were passed over."""
        ...

    async def put_off(
        self, lead_id: str, step: str, *, reason: str, next_at: datetime | None, now: datetime, planned_at: datetime,
        purpose: Purpose,
    ) -> None:  # fmt: skip
        """A call that stays due although nobody of ours can make it now."""
        ...

    async def history(self, lead_id: str, now: datetime) -> tuple[PastTouch, ...]:
        """Calls and texts of the last 31 days to this lead's number, over all leads."""
        ...


class MovedOn(LookupError):
    """The lead is not theirs any more from whom it was to be taken."""


class Leads(Protocol):
    async def read(self, lead_id: str, inquiry_number: int | None = None) -> LeadRecord:
        """Raises LookupError when there is no such lead."""
        ...

    async def reps(self) -> tuple[RepRecord, ...]: ...

    async def assign(self, lead_id: str, rep_id: str, now: datetime) -> str:
        """Gives the lead to the rep unless it has an owner; answers the owner. Never exceeds the capacity."""
        ...

    async def reassign(
        self, lead_id: str, rep_id: str, now: datetime, reason: str, expected_owner: str | None = None
    ) -> None:
        """Raises LookupError when there is no such active rep, MovedOn when another than `expected_owner` has it."""
        ...

    async def promised(self, lead_id: str, at: datetime | None, text: str) -> None: ...

    async def answer(self, lead_id: str, step: str) -> Answer:
        """What the touch `answer-{number}` says. Raises LookupError."""
        ...

    async def placed(self, placement: Placement) -> None:
        """Writes the answer down, once however often the same is answered."""
        ...

    async def next_touch(self, lead_id: str, step: str | None, at: datetime | None, why: str | None) -> None: ...

    async def stage(self, lead_id: str, stage: str) -> None: ...

    async def tell(
        self,
        lead_id: str,
        *,
        dedupe: str,
        audience: str,
        kind: str,
        at: datetime,
        rep_id: str | None = None,
        reason: str | None = None,
        due: datetime | None = None,
    ) -> bool:
        """A notice, once per dedupe key; answers whether it is new."""
        ...

    async def in_talk(self, lead_id: str, now: datetime) -> bool:
        """Was its newest message said to the assistant in a call, which is not over or just has been?"""
        ...

    async def ask_for_call(self, lead_id: str, leg_id: str, rep_id: str, *, at: datetime, due: datetime | None) -> None:
        """Asks a rep to call by hand; who is being asked already gets the new deadline instead."""
        ...

    async def alert(
        self, lead_id: str, *, kind: str, channel: str, at: datetime, reason: str, hourly: bool = False
    ) -> None:
        """Tells operations, once a day (or an hour) for each kind and channel, whichever lead met it first."""
        ...

    async def story(
        self,
        lead_id: str,
        *,
        kind: str,
        at: datetime,
        dedupe: str | None = None,
        step: str | None = None,
        reason: str | None = None,
        data: dict[str, object] | None = None,
    ) -> None: ...

    async def outcome(
        self,
        lead_id: str,
        *,
        dedupe: str,
        at: datetime,
        call_result: CallResult | None,
        outcome: Outcome | None,
        until: datetime | None,
        reason: str | None,
        rep_id: str | None,
        touch_id: str | None,
    ) -> None:
        """An outcome that came by signal and may not be a row yet."""
        ...

    async def opt_out(
        self, lead_id: str, *, scope: str, source: str, at: datetime, message_id: str | None = None
    ) -> None:
        """`message_id`: of the signal. One of ours was a row before it was a message, and is written down no more."""
        ...

    async def pause(self, lead_id: str, *, until: datetime | None, paused: bool) -> None: ...

    async def stop(self, lead_id: str) -> None: ...

    async def close(
        self, lead_id: str, *, reason: str, stage: str, at: datetime, heard: Sequence[str] | None = None
    ) -> bool:
        """False when a message to the lead is on its way, or none of `heard`: then it stays open."""
        ...


class AuditLines(Protocol):
    """Of changes that were asked of Temporal itself."""

    async def stands(self, request_id: str, lead_id: str) -> bool:
        """Is there such a line, of this lead or of the erasure of its person?"""
        ...

    async def begin(self, lead_id: str, steered: Steered, client: str | None, wall: datetime) -> int | None:
        """One line for an update, however often it is begun. None when there is no such lead any more."""
        ...

    async def end(self, line: int, status: int) -> None: ...


class Plans(Protocol):
    async def cadence(self, plan_id: str, version: int) -> Cadence:
        """Raises LookupError when there is no such version."""
        ...

    async def taken(self, lead_id: str, plan_id: str, version: int) -> None:
        """The lead follows this version from now on."""
        ...
