"""Targets of a lead: which apply, which one is the deadline, and what was promised (REQ 18-24, 39-41, X4, X5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from speedlead.domain.plan import Plan, Target


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """What a target may ask about."""

    lead_type: str
    intent: str
    source: str
    segment: str | None = None
    channel: str = "form"


@dataclass(frozen=True, slots=True)
class Deadline:
    target: str
    at: datetime


def applying(plan: Plan, facts: LeadFacts) -> tuple[Target, ...]:
    """All targets that apply; one marked `replaces: type` takes the place of the lead type's own."""
    matching = [target for target in plan.targets if _matches(target, facts)]
    if any(target.replaces == "type" for target in matching):
        matching = [t for t in matching if t.replaces == "type" or t.when.lead_type is None]
    return tuple(matching)


def attempt_deadlines(
    plan: Plan, facts: LeadFacts, opened: datetime, *, attempt: int = 1, end_of_day: datetime | None = None
) -> tuple[Deadline, ...]:
    """Every deadline of the given attempt, earliest first; the first is the effective one, all are reported.

    `opened` is the instant targets count from; `end_of_day` the end of that business day, for same-day targets.
    """
    deadlines = []
    for target in applying(plan, facts):
        if len(target.attempts) >= attempt:
            deadlines.append(Deadline(target.id, opened + timedelta(seconds=target.attempts[attempt - 1])))
        elif target.same_business_day and attempt == 1 and end_of_day is not None:
            deadlines.append(Deadline(target.id, end_of_day))
    return tuple(sorted(deadlines, key=lambda d: (d.at, d.target)))


def assign_deadline(plan: Plan, facts: LeadFacts, opened: datetime) -> Deadline | None:
    found = [Deadline(t.id, opened + timedelta(seconds=t.assign)) for t in applying(plan, facts) if t.assign]
    return min(found, key=lambda d: d.at, default=None)


def _matches(target: Target, facts: LeadFacts) -> bool:
    when = target.when
    return (
        (when.lead_type is None or when.lead_type == facts.lead_type)
        and (when.intent is None or facts.intent in when.intent)
        and (when.source is None or facts.source in when.source)
        and (when.segment is None or facts.segment in when.segment)
        and (when.channel is None or facts.channel in when.channel)
    )
