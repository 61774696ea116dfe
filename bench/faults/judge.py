"""What the provider's own file says, held against our rows: what went twice, what was lost, what people were told."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

STEPS = 3  # rows of a lead: its acknowledgement and two steps of the plan
_REPEATED_ACK = "-again"


class Accepted(NamedTuple):
    """A message or call that the provider took. `direction`: outbound-api is ours, outbound-dial the lead's phone."""

    channel: str
    direction: str
    touch_id: str | None
    leg_id: str | None


class Touch(NamedTuple):
    """Our row. `told`: a person of ours has a notice about it; `repeated`: it was in doubt and went once more."""

    id: str
    channel: str
    purpose: str
    state: str
    reason: str | None
    repeated: bool
    told: bool


@dataclass
class Verdict:
    touches: int = 0
    duplicates: list[str] = field(default_factory=list)
    # our row says that it went, or says nothing, and the provider never had it
    missed: list[str] = field(default_factory=list)
    # our row says that it did not go, and the provider has it
    wrong: list[str] = field(default_factory=list)
    # in doubt to the end: a person was told, whether the provider had it or not
    handed_over: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    repeated: int = 0
    acknowledged_twice: int = 0
    states: Counter[str] = field(default_factory=Counter)


def twice(accepted: Iterable[Accepted]) -> list[str]:
    """Touch or leg, once for every time too often. A phone counts each time that it was made to ring."""
    keys: Counter[str] = Counter()
    for taken in accepted:
        rings = taken.channel == "call"
        # an attempt rings several reps, a leg each, and the lead's phone once
        key = taken.leg_id if rings and taken.direction == "outbound-api" else taken.touch_id
        if key is not None:
            keys[f"{key} (the lead's phone)" if taken.direction == "outbound-dial" else key] += 1
    return [key for key, times in keys.items() for _ in range(times - 1)]


def judge(touches: Sequence[Touch], accepted: Sequence[Accepted], leads: int) -> Verdict:
    """Every touch of every lead ends as exactly one of these, and nothing is said of it that is not so."""
    taken = {a.touch_id for a in accepted}
    verdict = Verdict(len(touches), twice(accepted))
    steps: Counter[str] = Counter()
    for touch in touches:
        lead, _, step = touch.id.partition(".")
        steps[lead] += not step.endswith(_REPEATED_ACK)
        verdict.states[f"{touch.channel} {touch.state}" + (f": {touch.reason}" if touch.reason else "")] += 1
        verdict.repeated += touch.repeated
        if step.endswith(_REPEATED_ACK) and {touch.id, touch.id.removesuffix(_REPEATED_ACK)} <= taken:
            verdict.acknowledged_twice += 1
        _ended(touch, touch.id in taken, verdict)
    verdict.missed += ["a lead without any row"] * (leads - len(steps))
    verdict.missed += [lead for lead, rows in steps.items() if rows < STEPS]
    return verdict


def _ended(touch: Touch, taken: bool, verdict: Verdict) -> None:
    match touch.state:
        case "sent":
            if not taken:
                verdict.missed.append(touch.id)
        case "in_doubt":
            (verdict.handed_over if touch.told else verdict.missed).append(touch.id)
        case "failed" | "skipped":
            # a call is failed when the lead's number is out of service, and then the rep's phone did ring
            if taken and touch.channel != "call":
                verdict.wrong.append(touch.id)
            elif not taken and not touch.told:
                verdict.missed.append(touch.id)
        case _:
            verdict.unfinished.append(touch.id)
