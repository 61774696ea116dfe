"""Targets of a lead: which apply, which one is the deadline, and what was promised (REQ 18-27, 39-41, X4, X5)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from speedlead.domain.plan import Plan, Target, When


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """What a target may ask about.

    `regions`: where the lead may be ('US', 'US-TX'). `times`: what the moment is at which its clock opens ('tue',
    'weekday', 'business_hours'); empty where its zone is unknown, so that no target for a time applies.
    """

    lead_type: str
    intent: str
    source: str
    segment: str | None = None
    channel: str = "form"
    regions: tuple[str, ...] = ()
    times: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Deadline:
    target: str
    at: datetime


def applying(plan: Plan, facts: LeadFacts) -> tuple[Target, ...]:
    """All targets that match, without those that another one replaces (`type`: the lead type's own)."""
    matching = [target for target in plan.targets if matches(target.when, facts)]
    replaced = {target.replaces for target in matching}
    return tuple(target for target in matching if not _replaced(target, replaced))


def _replaced(target: Target, replaced: set[str | None]) -> bool:
    of_type = target.when.lead_type is not None and target.replaces is None
    return target.id in replaced or (of_type and "type" in replaced)


def attempt_deadlines(
    plan: Plan,
    facts: LeadFacts,
    opened: datetime,
    *,
    attempt: int = 1,
    end_of_day: Callable[[], datetime] | None = None,
    later: Callable[[timedelta], datetime] | None = None,
) -> tuple[Deadline, ...]:
    """Every deadline of the given attempt, earliest first; the first is the effective one, all are reported.

    `opened` is the instant targets count from, `later` how they count (default: elapsed time); `end_of_day` says the
    end of that business day, for same-day targets.
    """
    count = later or (lambda span: opened + span)
    deadlines = []
    for target in applying(plan, facts):
        if len(target.attempts) >= attempt:
            deadlines.append(Deadline(target.id, count(timedelta(seconds=target.attempts[attempt - 1]))))
        elif target.same_business_day and attempt == 1 and end_of_day is not None:
            deadlines.append(Deadline(target.id, end_of_day()))
    return tuple(sorted(deadlines, key=lambda d: (d.at, d.target)))


def assign_deadline(plan: Plan, facts: LeadFacts, opened: datetime) -> Deadline | None:
    found = [Deadline(t.id, opened + timedelta(seconds=t.assign)) for t in applying(plan, facts) if t.assign]
    return min(found, key=lambda d: d.at, default=None)


def matches(when: When, facts: LeadFacts) -> bool:
    """Does every given field match?"""
    return (
        (when.lead_type is None or when.lead_type == facts.lead_type)
        and (when.intent is None or facts.intent in when.intent)
        and (when.source is None or facts.source in when.source)
        and (when.segment is None or facts.segment in when.segment)
        and (when.channel is None or facts.channel in when.channel)
        and (when.region is None or any(region in when.region for region in facts.regions))
        and (when.time is None or not facts.times.isdisjoint(when.time))
    )


def may_meet(one: When, other: When) -> bool:
    """Can a lead match both? Places count as apart unless they are the same, or one is a part of the other."""
    for name in ("lead_type", "intent", "source", "segment", "channel"):
        words, others = (_words(getattr(when, name)) for when in (one, other))
        if words and others and words.isdisjoint(others):
            return False
    if one.region is None or other.region is None:
        return True
    return any(f"{a}-".startswith(f"{b}-") or f"{b}-".startswith(f"{a}-") for a in one.region for b in other.region)


def _words(value: str | tuple[str, ...] | None) -> frozenset[str]:
    return frozenset((value,) if isinstance(value, str) else value or ())
