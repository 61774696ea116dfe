"""What a lead's workflow is started with, from its form or again from its rows, and how it ends."""

from typing import Literal

from pydantic import AwareDatetime, Field

from speedlead.contracts.base import Contract, LeadType
from speedlead.domain.outcomes import Outcome
from speedlead.domain.plan import Cadence


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


class Undelivered(Contract):
    """What a provider said of a message that it had taken: `step` is without its round, `then` as in DeliverySignal."""

    step: str
    then: Literal["again", "other_channel", "plan", "decide"] | None
    after_s: float = 0
    times: int = 1
    at: AwareDatetime


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
    # the first attempt since the lead became as hot as it is
    attempted_at: AwareDatetime | None = None
    # targets that are known to be missed, by the round in which they were
    missed: tuple[str, ...] = ()
    steps: tuple[StepRow, ...] = ()
    closed_channels: dict[str, str] = Field(default_factory=dict)
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
    attempts: dict[str, int] = Field(default_factory=dict)
    # written by people of ours, and not sent when the workflow was lost
    answers: tuple[WrittenAnswer, ...] = ()
    # messages of this round, and answers to inquiries, that did not arrive
    undelivered: tuple[Undelivered, ...] = ()
    # ids of the messages that were delivered to the lost workflow
    seen: tuple[str, ...] = ()
    # it has come from another plan
    replanned: bool = False
    # how acknowledgements ended, and what the newest promises
    acknowledgements: tuple[StepRow, ...] = ()
    promised_at: AwareDatetime | None = None


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
