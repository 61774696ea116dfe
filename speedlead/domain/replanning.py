"""What a lead that is under way takes along to another plan: nothing comes again, and nothing that is due is lost.

A step of the new plan counts as done when its id has been settled; or when it stands in the place of a settled step
that the new plan does not have: the same number among the touches of its channel behind the last step that both have.
Pure, and the same forward and back.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from speedlead.domain.lead import LeadState, Owed
from speedlead.domain.plan import Cadence, Step, Track

PLAN_CHANGED = "plan_changed"
"""Why a step is passed over: another one stood in its place, or the lead was behind it when the plan changed."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A step that is passed over by the change. `step` is its id; `at` anchors the steps after it."""

    step: str
    channel: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Moving:
    """What a change would do. `done`: new step -> the settled step in whose place it stands. `behind`: new steps that
    the lead has passed already. `owed`: the step that goes on being owed, under its new id.
    """

    done: dict[str, str]
    behind: tuple[str, ...]
    owed: str | None = None


def cannot_move(lead: LeadState, cadence: Cadence) -> str | None:
    """Why the lead has to stay where it is, in a sentence; None when it can go."""
    if lead.cadence.program != cadence.program:
        return f"{cadence.id} is {_for(cadence)}, and {lead.cadence.id} is {_for(lead.cadence)}"
    track = cadence.tracks[lead.lead_type]
    if lead.owed is None or _moving(lead, track).owed is not None:
        return None
    if any(step.channel == "call" and step.id not in lead.settled for step in track.steps):
        return None  # the next call takes its place
    return (
        f"{lead.owed.step} is still due, and the {lead.lead_type} track of {cadence.id} version {cadence.version} "
        "has no call that could take its place"
    )


def _for(cadence: Cadence) -> str:
    return "for inquiries" if cadence.program is None else f"a {cadence.program} plan"


def move(lead: LeadState, cadence: Cadence, now: datetime) -> tuple[Carried, ...]:
    """Takes the lead to another plan; answers the steps that this passes over. `cannot_move` was asked before."""
    steps = {step.id: step for step in cadence.tracks[lead.lead_type].steps}
    moving = _moving(lead, cadence.tracks[lead.lead_type])
    carried: list[Carried] = []
    for new, old in moving.done.items():
        before = lead.settled[old]
        if new == moving.owed and lead.owed is not None:
            # nobody has made it yet: on the way back it is the old one that is owed
            lead.owed = Owed(new, lead.owed.retry_at, lead.owed.tries)
            lead.settled[new] = lead.settled.pop(old)
            continue
        carried.append(Carried(new, steps[new].channel, before.at))
        lead.settle(new, "skipped", before.at, steps[new].channel, PLAN_CHANGED)
        if old in lead.repeats:
            lead.repeats[new] = replace(lead.repeats.pop(old), step=new)
    for new in moving.behind:
        at = max((s.at for s in lead.settled.values() if s.at <= now), default=now)
        carried.append(Carried(new, steps[new].channel, at))
        lead.settle(new, "skipped", at, steps[new].channel, PLAN_CHANGED)
    lead.cadence = cadence
    # a lead that had nothing yet is like a new one on the other plan, with all its deadlines
    lead.replanned = lead.replanned or bool(lead.settled)
    return tuple(carried)


def _moving(lead: LeadState, track: Track) -> Moving:
    old = lead.cadence.tracks[lead.lead_type]
    stands_for = _same_places(old, track)
    done = {
        step.id: stands_for[step.id]
        for step in track.steps
        if step.id not in lead.settled and stands_for.get(step.id) in lead.settled
    }
    known = {step.id for step in old.steps}
    reached = [n for n, step in enumerate(track.steps) if step.id in lead.settled or step.id in done]
    behind = tuple(
        step.id
        for step in track.steps[: max(reached, default=0)]
        if step.id not in lead.settled and step.id not in known and step.id not in stands_for
    )
    owed = lead.owed.step if lead.owed is not None else None
    if owed is not None and all(step.id != owed for step in track.steps):
        owed = next((new for new, before in done.items() if before == owed), None)
    return Moving(done, behind, owed)


def _same_places(old: Track, new: Track) -> dict[str, str]:
    """New step -> old step, of those that only one of the two has."""
    both = {step.id for step in old.steps} & {step.id for step in new.steps}
    there = {place: step.id for place, step in _places(old, both).items()}
    return {step.id: there[place] for place, step in _places(new, both).items() if place in there}


def _places(track: Track, both: set[str]) -> dict[tuple[str, str, int], Step]:
    """(the last step before it that both have, channel, its number there) -> step."""
    places: dict[tuple[str, str, int], Step] = {}
    behind, counted = "", Counter[str]()
    for step in track.steps:
        if step.id in both:
            behind, counted = step.id, Counter()
            continue
        counted[step.channel] += 1
        places[behind, step.channel, counted[step.channel]] = step
    return places
