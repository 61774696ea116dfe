"""Who of ours is told on which channel, in which order, and when a channel takes another one's place (REQ 68-74).

Pages show every notice at once; this is about what leaves the house. Slack and Teams speak to a team, the other
channels to one person. E-mail is the last resort: for when nothing else got through, or nobody has looked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class Channel(StrEnum):
    SLACK = "slack"
    TEAMS = "teams"
    PUSH = "push"  # web push to the browsers and phones that somebody has registered
    SMS = "sms"
    EMAIL = "email"


TEAM_CHANNELS = (Channel.SLACK, Channel.TEAMS)

# what a person of ours has asked for, to see whether it reaches them
TEST = "notification_test"

# what a lead waits for: somebody has to act now
URGENT = frozenset({
    "assigned", "new_lead", "call_task", "rep_task", "task", "reassigned", "new_inquiry", "callback", "call_personally",
    "write_personally", "reply_received", "reply_overdue", "reply_after_close", "missed_call", "nobody_available",
    "nobody_accepted", "escalation", "escalated", "acknowledgement_failed", "breach", "missed", TEST,
    "asked_next", "claim_offer", "due_soon", "nobody_on_call", "on_call_instead", "wrote_by_messenger",
    "assistant_call",
})  # fmt: skip

# what is settled by accepting the lead and calling it: the link does both
TO_TAKE = frozenset({
    "assigned", "new_lead", "call_task", "rep_task", "task", "reassigned", "new_inquiry", "callback", "call_personally",
    "nobody_available", "nobody_accepted", "escalation", "escalated", "breach", "missed", "asked_next", "claim_offer",
    "due_soon",
})  # fmt: skip

# how long a notice may stay unseen before the e-mail goes, by the lead's type; a hot lead wants its call within 3 min
UNSEEN = {"hot": timedelta(seconds=60), "warm": timedelta(minutes=5), "cold": timedelta(minutes=15)}
UNSEEN_CALM = timedelta(hours=1)
# what rings in a pocket is of no use later; the e-mail still is
STALE_AFTER = timedelta(minutes=30)
# a text to the same person about the same lead is not followed by another one so soon: the page and push have both
NO_TEXT_AGAIN_WITHIN = timedelta(minutes=2)
# a link is good until the lead's deadline, and this much longer
LINK_AFTER_DEADLINE = timedelta(hours=1)

MAX_TRIES = 3
FIRST_PAUSE = timedelta(seconds=5)
# so many refusals in a row that a person has to repair, and a channel is left alone for a while
BROKEN_AFTER = 3
OFF_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class News:
    """A notice; `lead_type` is None where it is about no lead."""

    kind: str
    audience: str
    lead_type: str | None

    @property
    def urgent(self) -> bool:
        return self.kind in URGENT

    @property
    def hot(self) -> bool:
        """Somebody who asks for a test wants to hear what a hot lead sounds like."""
        return self.urgent and (self.lead_type == "hot" or self.kind == TEST)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of ours at the notice's instant. `there`: on shift or on call, and not on leave. `away`: from the desk.

    `mobile`, `devices` and `email` say what can reach them and what they want.
    """

    there: bool
    away: bool
    mobile: bool
    devices: bool
    email: bool


@dataclass(frozen=True, slots=True)
class Step:
    """`fallback`: only when nothing before it got through, or nobody has looked `after` the notice."""

    channel: Channel
    after: timedelta = timedelta()
    fallback: bool = False


def team_channels(news: News) -> tuple[Channel, ...]:
    """A channel that hears everything is read by nobody: hot leads, and what managers and operations have to know."""
    if news.audience != "rep" or (news.urgent and news.lead_type == "hot"):
        return TEAM_CHANNELS
    return ()


def chain(news: News, person: Person) -> tuple[Step, ...]:
    """What reaches this person, in order; empty where nothing can, and the page is all there is.

    Nobody is woken: outside shifts and on-call cover the e-mail waits in the mailbox alone.
    """
    mail = (Step(Channel.EMAIL, unseen_after(news), fallback=True),) if person.email else ()
    if not person.there:
        return tuple(Step(Channel.EMAIL) for _ in mail)
    steps: list[Step] = []
    if person.devices:
        steps.append(Step(Channel.PUSH))
    if person.mobile and news.hot and not person.away:
        steps.append(Step(Channel.SMS))
    return (*steps, *mail)


def link_until(at: datetime, due: datetime | None) -> datetime:
    """When the link of a notice of `at` ends."""
    return max(at, due or at) + LINK_AFTER_DEADLINE


def unseen_after(news: News) -> timedelta:
    lead_type = "hot" if news.hot else news.lead_type or "warm"
    return UNSEEN.get(lead_type, UNSEEN_CALM) if news.urgent else UNSEEN_CALM


class Now(StrEnum):
    """What becomes of a notification that waits."""

    SEND = "send"
    WAIT = "wait"
    SEEN = "seen"
    STALE = "stale"
    TOLD = "told_already"
    OFF = "channel_off"


@dataclass(frozen=True, slots=True)
class Waiting:
    """`due`: its own time has come. `before`: states of what should have reached the same person; a channel that was
    refused once and waits for its next try is 'refused'. `seen`: somebody has looked, or has acted on the lead.
    `told`: a text about this lead went to this person just now.
    """

    channel: Channel
    fallback: bool
    due: bool
    age: timedelta
    seen: bool
    before: Sequence[str] = ()
    off: bool = False
    told: bool = False


def decide(waiting: Waiting) -> Now:
    if waiting.seen:
        return Now.SEEN
    if not waiting.due and not (waiting.fallback and _nothing_got_through(waiting.before)):
        return Now.WAIT
    if waiting.channel is not Channel.EMAIL and waiting.age > STALE_AFTER:
        return Now.STALE
    if waiting.told and waiting.channel is Channel.SMS:
        return Now.TOLD
    return Now.OFF if waiting.off else Now.SEND


def _nothing_got_through(before: Sequence[str]) -> bool:
    """Doubt counts as nothing: the same words twice are better than none, and on another channel they are not twice."""
    return all(state in ("failed", "in_doubt", "skipped", "refused") for state in before)


def next_try(tries: int, retry_after_s: float | None) -> timedelta | None:
    """How long a channel waits that has certainly not taken the message; None: it is given up."""
    if tries >= MAX_TRIES:
        return None
    return max(FIRST_PAUSE * (1 << (tries - 1)), timedelta(seconds=retry_after_s or 0))
