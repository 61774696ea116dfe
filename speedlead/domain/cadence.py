"""What next, and why: the one decision that the workflow, the preview and `explain` share (REQ 46-56, X1, X2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from speedlead.domain.lead import LeadState, Owed
from speedlead.domain.outcomes import Stage
from speedlead.domain.plan import Step, Track

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reminder:
    after: timedelta
    audience: str  # 'rep' (the owner) or 'manager'


@dataclass(frozen=True, slots=True)
class Following:
    """Who is reminded while the plan waits for a person, and when the waiting ends."""

    why: str
    reminders: tuple[Reminder, ...]
    limit: timedelta
    reason_at_limit: str


# A reply has a target of its own and is escalated like any other; connected waits for the outcome, 14 days at most.
FOLLOW_UPS: dict[str, Following] = {
    "replied": Following(
        "reply_received",
        (
            Reminder(timedelta(0), "rep"),
            Reminder(15 * MINUTE, "rep"),
            Reminder(HOUR, "manager"),
            Reminder(DAY, "manager"),
            Reminder(7 * DAY, "manager"),
        ),
        14 * DAY,
        "no_outcome",
    ),
    "connected": Following(
        "waiting_for_outcome",
        (
            Reminder(15 * MINUTE, "rep"),
            Reminder(4 * HOUR, "rep"),
            Reminder(DAY, "manager"),
            Reminder(7 * DAY, "manager"),
        ),
        14 * DAY,
        "no_outcome",
    ),
    "booked": Following(
        "meeting_booked", (Reminder(14 * DAY, "rep"), Reminder(21 * DAY, "manager")), 30 * DAY, "no_outcome"
    ),
    "nurturing": Following(
        "nurturing", (Reminder(timedelta(0), "rep"), Reminder(7 * DAY, "rep")), 30 * DAY, "no_outcome"
    ),
    # nothing can be sent and nobody answered yet: a person of ours has to decide
    "unreachable": Following(
        "no_channel", (Reminder(timedelta(0), "rep"), Reminder(DAY, "manager")), 14 * DAY, "no_outcome"
    ),
}


@dataclass(frozen=True, slots=True)
class Skip:
    step: Step
    reason: str


@dataclass(frozen=True, slots=True)
class Act:
    """Do this step, not before `earliest`; `skips` are the steps before it that have no usable channel.

    `calendar` says that `earliest` is only the anchor: local days, a slot, or skipped steps have to be placed first.
    """

    step: Step
    earliest: datetime
    skips: tuple[Skip, ...] = ()
    calendar: bool = False
    manual: bool = False


@dataclass(frozen=True, slots=True)
class Substitute:
    """The step's channel is missing: its owner gets it as a task of their own, with the same deadline."""

    step: Step
    reason: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Remind:
    audience: str
    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Await:
    until: datetime | None
    why: str


@dataclass(frozen=True, slots=True)
class Resume:
    """A pause has run out."""


@dataclass(frozen=True, slots=True)
class Finish:
    reason: str
    stage: Stage
    skips: tuple[Skip, ...] = ()


@dataclass(frozen=True, slots=True)
class HandOver:
    """Not one touch of the plan could go out: that is for a person, not for the archive."""

    skips: tuple[Skip, ...] = ()


Decision = Act | Substitute | Remind | Await | Resume | HandOver | Finish


def planned(step: Step, track: Track, opened: datetime, anchors: Mapping[str, datetime]) -> datetime:
    """The instant a step is due by the plan alone: anchor + delay, not past its deadline, not nearer than its gap.

    All in UTC: elapsed time, never wall-clock time. `anchors` holds every earlier step of the track.
    """
    at = (opened if step.after == "lead" else anchors[step.after]) + timedelta(seconds=step.delay)
    if step.by is not None and not step.local_days:
        at = min(at, opened + timedelta(seconds=step.by - track.lead_time))
    if step.min_gap:
        earlier = [anchors[s.id] for s in _before(step, track) if s.channel == step.channel and s.id in anchors]
        if earlier:
            at = max(at, max(earlier) + timedelta(seconds=step.min_gap))
    return max(at, opened)


def decide(lead: LeadState, now: datetime) -> Decision:
    """The next thing for this lead. Every answer either does something or names what it waits for."""
    if lead.ending is not None:
        reason, stage = lead.ending
        return Finish(reason, stage)
    if lead.paused:
        if lead.paused_until is not None and lead.paused_until <= now:
            return Resume()
        return Await(lead.paused_until, lead.pause_reason)
    if lead.callbacks:
        return _callback(lead)
    if lead.follow_up is not None:
        return _follow(lead, now)
    if lead.opened is None:
        raise ValueError("decide: the lead has no opening yet; route it first")
    return _plan(lead, lead.opened, now)


def _plan(lead: LeadState, opened: datetime, now: datetime) -> Decision:
    track = lead.track
    anchors = {step: settled.at for step, settled in lead.settled.items()}
    skips: list[Skip] = []
    calendar = False
    for step in track.steps:
        if step.id in lead.settled:
            continue
        at = planned(step, track, opened, anchors)
        reason = lead.unusable(step.channel)
        calendar = calendar or bool(step.local_days or step.slot)
        if reason is None:
            if lead.owed is not None and lead.owed.retry_at <= at:
                return _owed(lead, lead.owed)
            return Act(step, at, tuple(skips), calendar or bool(skips))
        if step.instead is not None:
            return Substitute(step, reason, max(opened + timedelta(seconds=step.by or 0), now))
        skips.append(Skip(step, reason))
        # an estimate; the calendar's own answer replaces it when the next usable step is placed
        anchors[step.id] = at + step.local_days * DAY
    if lead.owed is not None:
        return _owed(lead, lead.owed)
    if lead.last_touch_at is None:
        return HandOver(tuple(skips))
    until = lead.last_touch_at + timedelta(seconds=track.settle)
    if now >= until:
        return Finish("plan_completed", Stage.EXHAUSTED, tuple(skips))
    return Await(until, "plan_completed")


def _callback(lead: LeadState) -> Decision:
    lead_wants = min(lead.callbacks)
    step = Step(id=f"callback-{lead.manual_calls + 1}", channel="call")
    reason = lead.unusable("call")
    if reason is not None:
        return Substitute(step, reason, lead_wants)
    return Act(step, lead_wants, manual=True)


def _owed(lead: LeadState, owed: Owed) -> Act:
    step = next(s for s in lead.track.steps if s.id == owed.step)
    return Act(step, owed.retry_at)


def _follow(lead: LeadState, now: datetime) -> Decision:
    follow = lead.follow_up
    assert follow is not None
    rule = FOLLOW_UPS[follow.kind]
    if now >= follow.since + rule.limit:
        return Finish(rule.reason_at_limit, Stage.CLOSED)
    if follow.reminded < len(rule.reminders):
        reminder = rule.reminders[follow.reminded]
        at = follow.since + reminder.after
        if at <= now:
            return Remind(reminder.audience, rule.why, follow.reminded + 1)
        return Await(at, rule.why)
    return Await(follow.since + rule.limit, rule.why)


def _before(step: Step, track: Track) -> list[Step]:
    steps: list[Step] = []
    for other in track.steps:
        if other.id == step.id:
            break
        steps.append(other)
    return steps
