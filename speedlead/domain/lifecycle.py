"""Where somebody stands on the way from an inquiry to a customer, in six steps and two sidings. Pure.

Stages are what the plan does with a lead; these are what the house calls it (docs/enrichment.md). Each step begins at
an instant that a row has; a lead may pass over some.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from speedlead.domain.outcomes import Stage

Step = Literal["inquiry", "lead", "working", "engaged", "qualified", "customer"]
Siding = Literal["nurture", "lost"]

STEPS: tuple[Step, ...] = ("inquiry", "lead", "working", "engaged", "qualified", "customer")
OF_STAGE: Mapping[Stage, Step | Siding] = {
    Stage.NEW: "inquiry",
    Stage.ACKNOWLEDGED: "inquiry",
    Stage.ASSIGNED: "lead",
    Stage.ATTEMPTING: "working",
    Stage.CONNECTED: "engaged",
    Stage.BOOKED: "engaged",
    Stage.QUALIFIED: "qualified",
    Stage.CONVERTED: "customer",
    Stage.NURTURING: "nurture",
    Stage.EXHAUSTED: "nurture",
    Stage.CLOSED: "lost",
}


def stands(stage: str, reached: Mapping[Step, datetime]) -> Step | Siding:
    """By its stage, or further along where rows say so: a sale of a lead that has closed makes a customer."""
    now: Step | Siding = OF_STAGE[Stage(stage)]
    furthest = max((STEPS.index(step) for step in reached), default=0)
    if STEPS[furthest] in ("qualified", "customer") and (now not in STEPS or STEPS.index(now) < furthest):
        return STEPS[furthest]
    return now
