"""Can a plan keep what it promises? Each target against the steps of the tracks that it is for. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import get_args

from speedlead.domain.cadence import planned
from speedlead.domain.plan import LeadTypeName, Plan, Target, Track

_OPENED = datetime(2026, 1, 6, 12, tzinfo=UTC)  # any instant: only the distances from it count
LEAD_TYPES: tuple[LeadTypeName, ...] = get_args(LeadTypeName)


def unreachable(plan: Plan) -> Iterator[str]:
    """One sentence for each target that no lead of some type can ever meet, with the steps as they stand."""
    for target in plan.targets:
        for lead_type in types_of(plan, target):
            for problem in _problems(target, plan.tracks[lead_type]):
                yield f"targets: {target.id}: {problem} of the {lead_type} track"


def types_of(plan: Plan, target: Target) -> tuple[LeadTypeName, ...]:
    """The lead types that a target can be of."""
    when = target.when
    types = {when.lead_type} if when.lead_type is not None else set(LEAD_TYPES)
    if when.intent is not None:
        types &= {plan.lead_type(intent) for intent in when.intent}
    return tuple(name for name in LEAD_TYPES if name in types)


def _problems(target: Target, track: Track) -> Iterator[str]:
    """The n-th attempt is the n-th step that could go out; a day's own time of day counts from the day's start."""
    if target.same_business_day and all(step.local_days for step in track.steps if step.after == "lead"):
        yield "expected a step on the day of the inquiry, got none"
    starts = _starts(track, timedelta(seconds=target.attempts[0]) if target.attempts else None)
    for number, seconds in enumerate(target.attempts, 1):
        if number > len(starts):
            yield f"attempts: expected {len(target.attempts)} steps at least, got the {len(starts)}"
            return
        step, at = starts[number - 1]
        rings = at + track.lead_time
        if rings > seconds:
            yield (
                f"attempts: attempt {number} is promised within {_span(seconds)}, expected a step by then, got "
                f"{step} after {_span(rings)} as the next"
            )


def _starts(track: Track, due: timedelta | None) -> list[tuple[str, int]]:
    """(step, seconds from the opening) in the order of time, by the plan alone, with the first deadline `due`."""
    anchors: dict[str, datetime] = {}
    for step in track.steps:
        at = planned(step, track, _OPENED, anchors, _OPENED + due if due is not None else None)
        anchors[step.id] = at + timedelta(days=step.local_days)
    return sorted(((name, int((at - _OPENED).total_seconds())) for name, at in anchors.items()), key=lambda one: one[1])


def _span(seconds: int) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s" if seconds < 60 else f"{seconds // 60}m {seconds % 60}s"
