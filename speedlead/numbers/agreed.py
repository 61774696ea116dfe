"""The figures that the departments have agreed on: eight at most, each with somebody who answers (REQ 131, 132)."""

import math
from dataclasses import dataclass
from typing import Literal

from speedlead.numbers.chance import ENOUGH_LEADS, SURE
from speedlead.numbers.filters import Filter
from speedlead.numbers.read import Numbers
from speedlead.numbers.rows import Spread


@dataclass(frozen=True, slots=True)
class Part:
    """So many of so many."""

    part: int
    whole: int

    @property
    def share(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Value:
    """A share of `leads`, or the median time of so many in seconds; None of nothing."""

    value: float | None
    leads: int
    part: Part | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """`metric`: its definition. `goal`: at least that share, at most so many seconds; `target` says it in words."""

    metric: str
    title: str
    owner: str
    kind: Literal["share", "seconds"]
    goal: float | None = None
    target: str = "none: watched for changes"

    def tone(self, value: float | None) -> str:
        """good, bad, or nothing where no target says."""
        if value is None or self.goal is None:
            return ""
        return "good" if (value >= self.goal if self.kind == "share" else value <= self.goal) else "bad"


FIGURES = (
    Figure("acknowledgement", "Acknowledged within 30 s", "Operations", "share", 0.99, "99 % of leads"),
    Figure("first_attempt_business", "Answered within target", "Sales lead", "share", 0.95, "95 %"),
    Figure("first_attempt", "First attempt at hot leads", "Sales lead", "seconds", 300, "5 min, the median"),
    Figure("outcomes", "Spoken to", "Sales lead", "share"),
    Figure("qualification", "Talk to decision", "Sales lead", "seconds", 14_400, "4 h, the median"),
    Figure("outcomes", "Became customers", "Sales and marketing", "share"),
    Figure("promises", "Promises kept", "Operations", "share", 0.95, "95 %"),
    Figure("quality", "Can be reached", "Marketing", "share", 0.9, "90 % of leads"),
)


async def values(numbers: Numbers, wanted: Filter) -> tuple[Value, ...]:
    """Of every figure of FIGURES, in their order."""
    found = await numbers.compared(["acknowledgement", "first_attempt_business", "qualification"], wanted)
    promises, quality = await numbers.promises(wanted), await numbers.quality(wanted)
    by_type = await numbers.spread("first_attempt", wanted, by="type")
    hot = next((row for row in by_type if row.keys == ("hot",)), None)
    acknowledged, answered, decided = found[0][1] if found else (None, None, None)
    leads = sum(row.leads for row, _ in found)
    return (
        _share(_judged(acknowledged)),
        _share(_judged(answered)),
        _median(hot),
        _share(Part(sum(row.contacted for row, _ in found), leads)),
        _median(decided),
        _share(Part(sum(row.converted for row, _ in found), leads)),
        _share(Part(promises.kept, promises.due)),
        _share(Part(quality.valid, quality.known)),
    )


def differs(now: Part, old: Part) -> bool:
    """Two shares are further apart than chance explains (99 %, two-sided, pooled)."""
    if min(now.whole, old.whole) < ENOUGH_LEADS:
        return False
    pooled = (now.part + old.part) / (now.whole + old.whole)
    error = math.sqrt(pooled * (1 - pooled) * (1 / now.whole + 1 / old.whole))
    return error > 0 and abs(now.part / now.whole - old.part / old.whole) > SURE * error


def _judged(row: Spread | None) -> Part:
    return Part(row.in_time or 0, row.judged or 0) if row is not None else Part(0, 0)


def _share(part: Part) -> Value:
    return Value(part.share, part.whole, part)


def _median(row: Spread | None) -> Value:
    return Value(row.median, row.count) if row is not None else Value(None, 0)
