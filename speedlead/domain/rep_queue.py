"""What a rep owes each of their leads now, and in which order: acceptance, answers, calls, outcomes, the rest.

A lead waits for the first of them that holds; within one kind what is due first comes first.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

SOON = timedelta(minutes=30)
"""A planned call that is further away than this is no work of now; it stands with the rest, by its time."""


class Work(IntEnum):
    """The order is the queue's: an unaccepted lead may go to somebody else, a reply has somebody waiting for it."""

    ACCEPT = 1
    ANSWER = 2
    CALL = 3
    OUTCOME = 4
    LATER = 5

    @property
    def code(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of an open lead. Instants are aware and business time of the lead, as `now` is.

    `offered`: its call is offered to this rep and not answered yet; `asked`: a reply of the lead waits for an answer;
    `calling`: a call is being made; `undecided`: somebody was spoken to, or wrote, and no outcome is logged yet;
    `next_is_call`: the next touch is a call. `first_attempt_due` is None once there was an attempt.
    """

    now: datetime
    created_at: datetime
    offered: bool = False
    offered_due: datetime | None = None
    asked: bool = False
    answer_due: datetime | None = None
    calling: bool = False
    undecided: bool = False
    first_attempt_due: datetime | None = None
    next_is_call: bool = False
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Owed:
    """`at`: by when; None where no time is set."""

    work: Work
    at: datetime | None


def owed(lead: Situation) -> Owed:
    if lead.offered:
        return Owed(Work.ACCEPT, lead.offered_due or lead.first_attempt_due)
    if lead.asked:
        return Owed(Work.ANSWER, lead.answer_due or lead.next_at)
    if lead.undecided and not lead.calling:
        return Owed(Work.OUTCOME, lead.next_at)
    due = min((at for at in (lead.first_attempt_due, lead.next_at) if at is not None), default=None)
    soon = lead.now + SOON
    call_next = lead.next_is_call and lead.next_at is not None and lead.next_at <= soon
    first_soon = lead.first_attempt_due is not None and lead.first_attempt_due <= soon
    return Owed(Work.CALL if lead.calling or call_next or first_soon else Work.LATER, due)


def place_in_queue(lead: Situation) -> tuple[int, bool, float, datetime]:
    """The sort key: kind, then the deadline, those without one last, then the older lead."""
    found = owed(lead)
    away = 0.0 if found.at is None else (found.at - lead.now).total_seconds()
    return (found.work, found.at is None, away, lead.created_at)
