"""Signals: facts that happened."""

from typing import Literal

from pydantic import AwareDatetime, Field, model_validator

from speedlead.contracts.base import Channel, Code, Contract, Id, LeadType, Soon
from speedlead.contracts.start import Reach
from speedlead.domain.outcomes import CallResult, Outcome


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
    # of a number that was found bad: the lead has another one that is good
    number_left: bool = False

    @model_validator(mode="after")
    def _complete(self) -> "OutcomeSignal":
        if self.call_result is None and self.outcome is None:
            raise ValueError("expected call_result or outcome")
        if self.outcome is Outcome.CALLBACK_REQUESTED and self.at is None:
            raise ValueError("callback_requested: expected at, the moment the lead asked for")
        return self


class ReplySignal(Signal):
    """`due`: by when a person of ours is to answer; None in what an older version wrote, and for a program's mail.

    `reply_id`: the row of the message, in a house that has an assistant which may answer it.
    """

    channel: Literal["call", "sms", "email", "chat"]
    automatic: bool = False
    until: AwareDatetime | None = None
    due: AwareDatetime | None = None
    reply_id: Id | None = None


class AnswerSignal(Signal):
    """A person of ours wrote to the lead; the text is the row `answer` with this number.

    `assistant`: no person did, and no page took the words, which go by mail now.
    """

    number: int = Field(ge=1)
    channel: Literal["email", "sms", "chat"]
    assistant: bool = False


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
    # the number was found bad, and the lead has another one that is good
    number_left: bool = False


class AssignedSignal(Signal):
    """A lead that nobody could take has an owner now: somebody had room again."""

    rep_id: Id


class ReplanSignal(Signal):
    reason: Code = "replan"
