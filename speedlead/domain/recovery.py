"""After a touch that did not arrive: the next channel at once, the same message once more, or on with the plan."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from speedlead.domain.lead import Hurry, LeadState, Repeat, Report
from speedlead.domain.outcomes import BAD_NUMBER, CallResult
from speedlead.domain.plan import Step

# a text that the network could not deliver within this time says something that is over; what is sent asks for the same
TEXT_IS_FRESH = timedelta(minutes=15)
# between two calls where the plan names no distance: as between its own first two (REQ 47)
_BETWEEN_CALLS = timedelta(minutes=7)
# reasons for which nothing will arrive by this channel now, so that another one takes the touch's place at once
_OTHER_CHANNEL = frozenset({"invalid_email", "invalid_number", "provider_config", "provider_down"})
_AGAIN = re.compile(r"^(?P<step>.+?)-again(?:-(?P<number>\d+))?$")


class Then(StrEnum):
    """What follows from a refusal, as the table of errors names it."""

    RETRY = "retry"  # the same request again: certainly not processed
    AGAIN = "again"  # the same message once more, later
    RECONCILE = "reconcile"  # ask the provider first
    OTHER_CHANNEL = "other_channel"  # the next step of another channel at once
    PLAN = "plan"  # the next step at its own time
    DECIDE = "decide"  # the workflow looks whether the step's time is over


def name_again(step: str, number: int) -> str:
    """`sms-1-again`, then `sms-1-again-2`: a touch of its own, so that the first one stays what it was."""
    return f"{step}-again" if number == 1 else f"{step}-again-{number}"


def plan_step(name: str) -> tuple[str, int]:
    """The step of the plan behind a name, and how often it was repeated: ('sms-1', 1) of `sms-1-again`."""
    match = _AGAIN.match(name)
    return (name, 0) if match is None else (match["step"], int(match["number"] or 1))


def not_delivered(lead: LeadState, name: str, report: Report, now: datetime) -> None:
    """The provider took the message of step `name` and could not deliver it."""
    step, repeated = plan_step(name)
    settled = lead.settled.get(name)
    # a step that was sent under another plan is still one of this lead's
    if settled is None and all(known.id != step for known in lead.track.steps):
        return
    if settled is None:  # the word overtook the answer to our request
        lead.early[name] = report
    elif report.then == Then.OTHER_CHANNEL:
        # when something went out since, that has taken its place already
        if lead.last_touch_at is None or lead.last_touch_at <= settled.at:
            lead.hurry = Hurry(settled.channel, now)
    elif report.then == Then.AGAIN and repeated < report.times:
        lead.repeats[step] = Repeat(step, repeated + 1, now + report.after)
    elif report.then == Then.DECIDE and repeated == 0 and now < settled.at + TEXT_IS_FRESH:
        lead.repeats[step] = Repeat(step, 1, now)


def ended(
    lead: LeadState, name: str, channel: str, state: str, reason: str | None, result: CallResult | None, at: datetime
) -> None:
    """A touch has ended: what waited to go in place of an earlier one, or once more, is over."""
    broken = (state == "failed" and reason in _OTHER_CHANNEL) or result in BAD_NUMBER
    lead.hurry = Hurry(channel, at) if broken else None
    step, repeated = plan_step(name)
    lead.repeats = {} if repeated == 0 else {s: r for s, r in lead.repeats.items() if s != step}
    early = lead.early.pop(name, None)
    if early is not None and state == "sent":
        not_delivered(lead, name, early, at)


def restored(lead: LeadState, reports: Sequence[tuple[str, Report, datetime]]) -> None:
    """What the provider's word had put off, from rows: steps that ended and reports (step, word, when) in their order.

    A step that was left out is no end of a touch: what waited, waited on.
    """
    ends = [(over.at, name, None) for name, over in lead.settled.items() if over.state != "skipped"]
    words = [(at, name, report) for name, report, at in reports]
    for at, name, report in sorted([*ends, *words], key=lambda event: (event[0], event[2] is not None)):
        if report is None:
            over = lead.settled[name]
            ended(lead, name, over.channel, over.state, over.reason, None, at)
        else:
            not_delivered(lead, name, report, at)


def inquiry_unheard(name: str, then: str | None) -> int | None:
    """The inquiry whose answer goes once more, as step `name` of it did not arrive: once for each inquiry."""
    number = name.split("-")[1] if name.startswith("ack-") else ""
    return int(number) if number.isdigit() and "-again" not in name and then in ("other_channel", "again") else None


def at_once(lead: LeadState, step: Step) -> datetime | None:
    """When `step` goes in place of a touch by another channel that cannot arrive; None: when the plan says.

    Its distance from the last touch of its own channel is kept, its day and time of day are not.
    """
    if lead.hurry is None or lead.hurry.channel == step.channel:
        return None
    gap = timedelta(seconds=step.min_gap)
    if step.channel == "call":
        gap = max(gap, _BETWEEN_CALLS)
    reached = [s.at for s in lead.settled.values() if s.channel == step.channel and s.state in ("sent", "in_doubt")]
    return max([lead.hurry.at, *(at + gap for at in reached)])


def again(lead: LeadState, until: datetime) -> tuple[Step, datetime] | None:
    """The message that goes once more, and when: only while it is of use, which ends with the next step."""
    steps = {step.id: step for step in lead.track.steps if lead.unusable(step.channel) is None}
    of_use = [repeat for name, repeat in lead.repeats.items() if name in steps and repeat.at < until]
    if not of_use:
        return None
    first = min(of_use, key=lambda repeat: repeat.at)
    step = steps[first.step]
    return Step(id=name_again(step.id, first.number), channel=step.channel, template=step.template), first.at


def too_late(lead: LeadState, name: str) -> None:
    """The calendar has no time for the repetition before the next step: it is left out."""
    lead.repeats.pop(plan_step(name)[0], None)
