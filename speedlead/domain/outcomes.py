"""What a call ended in, what a person decided, and what each does to the plan (REQ 46-48; facts of the field)."""

from enum import StrEnum


class CallResult(StrEnum):
    """Mechanical: what happened on the line."""

    NO_ANSWER = "no_answer"
    BUSY = "busy"
    VOICEMAIL_LEFT = "voicemail_left"
    VOICEMAIL_NOT_LEFT = "voicemail_not_left"
    DISCONNECTED = "disconnected"
    WRONG_NUMBER = "wrong_number"
    GATEKEEPER = "gatekeeper"
    CONNECTED = "connected"
    FAILED = "failed"
    ABANDONED = "abandoned"


class Outcome(StrEnum):
    """Human: what was decided with the lead."""

    MEETING_BOOKED = "meeting_booked"
    CALLBACK_REQUESTED = "callback_requested"
    QUALIFIED = "qualified"
    UNQUALIFIED = "unqualified"
    NOT_NOW = "not_now"
    NOT_INTERESTED = "not_interested"
    DO_NOT_CONTACT = "do_not_contact"
    CONVERTED = "converted"


# why a lead is unqualified where its data are to blame: the precision of rules counts these
BAD_DATA = ("bad_lead", "wrong_data")


class Stage(StrEnum):
    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    ATTEMPTING = "attempting"
    CONNECTED = "connected"
    BOOKED = "booked"
    QUALIFIED = "qualified"
    NURTURING = "nurturing"
    CONVERTED = "converted"
    CLOSED = "closed"
    EXHAUSTED = "exhausted"


# nobody was spoken to, and the number may still be right: the plan goes on
NOT_REACHED = frozenset(
    {
        CallResult.NO_ANSWER,
        CallResult.BUSY,
        CallResult.VOICEMAIL_LEFT,
        CallResult.VOICEMAIL_NOT_LEFT,
        CallResult.GATEKEEPER,
    }
)
# the number is no way to this person: calls and SMS stop, e-mail goes on
BAD_NUMBER = frozenset({CallResult.DISCONNECTED, CallResult.WRONG_NUMBER})
# nothing reached the lead: not an attempt
NOT_AN_ATTEMPT = frozenset({CallResult.FAILED, CallResult.ABANDONED})

# what a call has reached; the rest says that it reached nobody
_REACHED = (CallResult.VOICEMAIL_LEFT, CallResult.CONNECTED)


def says_more(result: CallResult, known: CallResult) -> bool:
    """A later report of a call counts when it says that more has happened, and never takes back what has."""
    return result in _REACHED and (known not in _REACHED or _REACHED.index(result) > _REACHED.index(known))


# outcomes that end the lead, with the stage it ends in
ENDS_LEAD: dict[Outcome, Stage] = {
    Outcome.QUALIFIED: Stage.QUALIFIED,
    Outcome.UNQUALIFIED: Stage.CLOSED,
    Outcome.NOT_INTERESTED: Stage.CLOSED,
    Outcome.DO_NOT_CONTACT: Stage.CLOSED,
    Outcome.CONVERTED: Stage.CONVERTED,
}
# outcomes that stop the plan and keep the lead open
KEEPS_OPEN: dict[Outcome, Stage] = {Outcome.MEETING_BOOKED: Stage.BOOKED, Outcome.NOT_NOW: Stage.NURTURING}

# outcomes that say "do not go on with the plan": the gate refuses plan touches from the commit of their row on. An
# opt-out is not one of them: it may name one channel, and its suppression is what the gate sees.
STOPS_PLAN = (frozenset(ENDS_LEAD) - {Outcome.DO_NOT_CONTACT}) | frozenset(KEEPS_OPEN)
