"""What next, and why: the one decision that the workflow, the preview and `explain` share (REQ 46-56, X1, X2)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from speedlead.domain.lead import LeadState
from speedlead.domain.outcomes import Stage
from speedlead.domain.plan import Step, Track
from speedlead.domain.recovery import again, at_once

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# after a call that somebody asked for, the plan's next one waits as long as between its own first two (REQ 47)
_AFTER_MANUAL = 7 * MINUTE
# a call that nobody of ours has made this long after the last step is given up, so that a lead ends
_OWED_AT_MOST = 7 * DAY
_MANUAL = "callback-"


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
    # we wrote back: the lead's turn, and then ours to say what came of it
    "answered": Following(
        "answer_sent", (Reminder(2 * DAY, "rep"), Reminder(7 * DAY, "manager")), 14 * DAY, "no_outcome"
    ),
    # a further form while the plan has stopped, or is through: a person of ours was promised again
    "inquired": Following(
        "new_inquiry",
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
    `at_once`: it takes the place of a touch that could not arrive, and counts from nothing but `earliest`.
    `latest`: it is of no use from then on.
    """

    step: Step
    earliest: datetime
    skips: tuple[Skip, ...] = ()
    calendar: bool = False
    manual: bool = False
    at_once: bool = False
    latest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Substitute:
    """The step's channel is missing: its owner gets it as a task of their own, with the same deadline.

    `at`: when the step would have been; the next ones count from then, although the owner is told at once.
    """

    step: Step
    reason: str
    due: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class Remind:
    audience: str
    kind: str
    number: int
    due: datetime | None = None


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
    """Not one touch of the plan could go out: that is for a person, not for the archive.

    `reminded`: how many reminders of `unreachable` their tasks have taken the place of.
    """

    skips: tuple[Skip, ...] = ()
    reminded: int = 0


Decision = Act | Substitute | Remind | Await | Resume | HandOver | Finish


def planned(
    step: Step, track: Track, opened: datetime, anchors: Mapping[str, datetime], deadline: datetime | None = None
) -> datetime:
    """The instant a step is due by the plan alone: anchor + delay, not past its deadline, not nearer than its gap.

    All in UTC: elapsed time, never wall-clock time. `anchors` holds every earlier step of the track, and the calls that
    somebody asked for. `deadline`: the lead's own, which may be stricter than its track's and was promised to it.
    """
    at = (opened if step.after == "lead" else anchors[step.after]) + timedelta(seconds=step.delay)
    if step.after == "lead" and deadline is not None:
        at = min(at, deadline - timedelta(seconds=track.lead_time))
    if step.by is not None and not step.local_days:
        at = min(at, opened + timedelta(seconds=step.by - track.lead_time))
    gap = timedelta(seconds=step.min_gap)
    if gap:
        earlier = [anchors[s.id] for s in _before(step, track) if s.channel == step.channel and s.id in anchors]
        at = max([at, *(start + gap for start in earlier)])
    if step.channel == "call":
        manual = [start for name, start in anchors.items() if name.startswith(_MANUAL)]
        at = max([at, *(start + max(gap, _AFTER_MANUAL) for start in manual)])
    return max(at, opened)


def decide(lead: LeadState, now: datetime) -> Decision:
    """The next thing for this lead. Every answer either does something or names what it waits for."""
    if lead.ending is not None:
        reason, stage = lead.ending
        return Finish(reason, stage)
    if lead.paused:
        if lead.paused_until is not None and lead.paused_until <= now:
            return Resume()
        if _has_just_written(lead):
            return _follow(lead, now)
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
    if (task := _owed_to_a_person(lead, track, opened, now)) is not None:
        return task
    owed = _still_owed(lead, track, opened, now, skips)
    for step in track.steps:
        if step.id in lead.settled:
            continue
        at = planned(step, track, opened, anchors, lead.due)
        if not step.local_days and (apart := lead.apart(step)) is not None:
            at = max(at, apart)
        reason = lead.unusable(step.channel)
        calendar = calendar or bool(step.local_days or step.slot)
        if step.task and reason != "opted_out":
            # a way to reach the person is the owner's to find
            return _task_of_plan(step, max(at, opened), now)
        if reason is None:
            if owed is not None and lead.owed is not None and lead.owed.retry_at <= at:
                return Act(owed, lead.owed.retry_at)
            return _usable(lead, step, at, tuple(skips), calendar or bool(skips))
        if _is_for_a_person(lead, step, reason):
            return _task(lead, step, reason, opened, at + step.local_days * DAY, now)
        skips.append(Skip(step, reason))
        # an estimate; the calendar's own answer replaces it when the next usable step is placed
        anchors[step.id] = at + step.local_days * DAY
    if owed is not None and lead.owed is not None:
        return Act(owed, lead.owed.retry_at)
    if lead.cadence.program is not None:
        return _program_over(lead, opened, tuple(skips), now)
    return _plan_over(lead, tuple(skips), now)


def _plan_over(lead: LeadState, skips: tuple[Skip, ...], now: datetime) -> Decision:
    if lead.last_touch_at is None:
        return HandOver(skips, reminded=1 if _has_a_task(lead) else 0)
    until = lead.last_touch_at + timedelta(seconds=lead.track.settle)
    if (repeat := again(lead, until)) is not None:
        return Act(*repeat, calendar=True, latest=until)
    if now >= until:
        return Finish("plan_completed", Stage.EXHAUSTED, skips)
    return Await(until, "plan_completed")


def _task_of_plan(step: Step, at: datetime, now: datetime) -> Decision:
    """The owner is told when it is due and not before: nobody keeps a list for a year."""
    if now < at:
        return Await(at, "owner_task")
    return Substitute(step, "owner_task", at + DAY, at)


def _program_over(lead: LeadState, opened: datetime, skips: tuple[Skip, ...], now: datetime) -> Decision:
    """Nobody asked for it, so nobody has to decide what becomes of one that ran out, or that may send nothing."""
    done = [
        settled.at for settled in lead.settled.values() if settled.state != "skipped" or settled.reason == "owner_task"
    ]
    until = max(done) + timedelta(seconds=lead.track.settle) if done else opened
    return Finish("program_over", Stage.CLOSED, skips) if now >= until else Await(until, "program_over")


def _usable(lead: LeadState, step: Step, at: datetime, skips: tuple[Skip, ...], calendar: bool) -> Act:
    """The next step that can go: at its own time, unless it takes the place of one that could not arrive.

    A message that is sent once more goes before it, and never after.
    """
    own = at + step.local_days * DAY
    sooner = at_once(lead, step)
    if sooner is not None and sooner < own:
        bare = step.model_copy(update={"local_days": 0, "slot": None})
        return Act(bare, sooner, skips, calendar=True, at_once=True)
    if (repeat := again(lead, own)) is not None:
        return Act(*repeat, calendar=True, latest=own)
    return Act(step, at, skips, calendar)


def _is_for_a_person(lead: LeadState, step: Step, reason: str) -> bool:
    """A step that says so; and of all the calls that a lead cannot get, the first one for each reason.

    Not where the lead itself wants no more calls: that was somebody's decision already.
    """
    if step.instead is not None:
        return True
    return step.channel == "call" and reason != "opted_out" and not lead.without_calls(reason)


def _has_a_task(lead: LeadState) -> bool:
    """Was a step of the track given to a person, for a reason that still holds?"""
    mine = [(step, lead.settled[step.id]) for step in lead.track.steps if step.id in lead.settled]
    return any(
        settled.state == "skipped" and settled.reason is not None and settled.reason == lead.unusable(step.channel)
        for step, settled in mine
        if step.instead is not None or step.channel == "call"
    )


def _task(lead: LeadState, step: Step, reason: str, opened: datetime, at: datetime, now: datetime) -> Substitute:
    """Due by the step's deadline, and by the lead's own for its first; without one, when the step would go out."""
    due = at if step.by is None else opened + timedelta(seconds=step.by)
    if step.after == "lead" and lead.due is not None:
        due = min(due, lead.due)
    return Substitute(step, reason, max(due, now), max(at, now))


def _callback(lead: LeadState) -> Decision:
    lead_wants = min(lead.callbacks)
    step = Step(id=f"callback-{lead.manual_calls + 1}", channel="call")
    reason = lead.unusable("call")
    if reason is not None:
        return Substitute(step, reason, lead_wants, lead_wants)
    return Act(step, lead_wants, manual=True)


def _owed_to_a_person(lead: LeadState, track: Track, opened: datetime, now: datetime) -> Substitute | None:
    """A call that stayed due and then turned out to be impossible is its owner's task like one that was so at once."""
    step = next((s for s in track.steps if lead.owed is not None and s.id == lead.owed.step), None)
    reason = lead.unusable(step.channel) if step is not None else None
    if step is None or reason is None or not _is_for_a_person(lead, step, reason):
        return None
    at = lead.settled[step.id].at
    return replace(_task(lead, step, reason, opened, at, now), at=at)


def _still_owed(lead: LeadState, track: Track, opened: datetime, now: datetime, skips: list[Skip]) -> Step | None:
    """The step of the call that stays due. One that can no longer be made is added to `skips`."""
    step = next((s for s in track.steps if lead.owed is not None and s.id == lead.owed.step), None)
    if step is None:  # nothing is owed, or the lead has moved to a plan without that step
        return None
    reason = lead.unusable(step.channel)
    ahead = any(s.id not in lead.settled and lead.unusable(s.channel) is None for s in track.steps)
    if reason is None and not ahead:
        last = max([opened, *(settled.at for settled in lead.settled.values())])
        reason = "rep_unavailable" if now >= last + _OWED_AT_MOST else None
    if reason is not None:
        skips.append(Skip(step, reason))
        return None
    return step


def _has_just_written(lead: LeadState) -> bool:
    """A pause of ours holds up the plan, and not that the owner hears of a reply at once."""
    return lead.follow_up is not None and lead.follow_up.kind == "replied" and lead.follow_up.reminded == 0


def _follow(lead: LeadState, now: datetime) -> Decision:
    follow = lead.follow_up
    assert follow is not None
    rule = FOLLOW_UPS[follow.kind]
    end = max(f.since + FOLLOW_UPS[f.kind].limit for f in (follow, follow.interrupted) if f is not None)
    if now >= end:
        return Finish(rule.reason_at_limit, Stage.CLOSED)
    reminders = rule.reminders if follow.due is None else _by_target(follow.since, follow.due)
    if follow.reminded < len(reminders):
        reminder = reminders[follow.reminded]
        at = follow.since + reminder.after
        if at <= now:
            late = follow.due is not None and now >= follow.due and follow.reminded > 0
            return Remind(reminder.audience, "reply_overdue" if late else rule.why, follow.reminded + 1, follow.due)
        return Await(at, rule.why)
    return Await(end, rule.why)


def _by_target(since: datetime, due: datetime) -> tuple[Reminder, ...]:
    """The owner at once and at half time; when the target is missed everybody who can help, until it is done."""
    late = max(timedelta(0), due - since)
    return (
        Reminder(timedelta(0), "rep"),
        Reminder(late / 2, "rep"),
        Reminder(late, "manager"),
        Reminder(late, "rep"),
        Reminder(late + DAY, "manager"),
        Reminder(late + 7 * DAY, "manager"),
    )


def _before(step: Step, track: Track) -> list[Step]:
    steps: list[Step] = []
    for other in track.steps:
        if other.id == step.id:
            break
        steps.append(other)
    return steps
