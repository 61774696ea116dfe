"""Experiments under way as intake needs them: in memory, with the plans of their arms at hand."""

from collections.abc import Sequence

import structlog

from speedlead.domain.experiment import Running, RunningArm, bounds
from speedlead.domain.plan import Plan
from speedlead.plan_shelf import PlanShelf
from speedlead.store.experiments import Known, StartedArm

log = structlog.get_logger(__name__)


def running_of(known: Sequence[Known], shelf: PlanShelf) -> tuple[Running, ...]:
    """One with a plan that is not on the shelf is left out as a whole: half an experiment would compare nothing."""
    found = []
    for one in known:
        try:
            found.append(_running(one, shelf))
        except LookupError as error:
            log.error("an experiment cannot be run", experiment=one.definition.id, plan=str(error))
    return tuple(found)


def _running(known: Known, shelf: PlanShelf) -> Running:
    ends = bounds({arm.variant: arm.share for arm in known.arms})
    return Running(
        known.definition.id,
        known.salt,
        known.definition.segment,
        tuple(RunningArm(arm.variant, ends[arm.variant], _plan(arm, shelf)) for arm in known.arms),
        sticks=known.definition.question is not None,
    )


def _plan(arm: StartedArm, shelf: PlanShelf) -> Plan | None:
    """Raises LookupError."""
    if arm.plan is None:
        return None
    plan_id, _, version = arm.plan.partition(":")
    plan = shelf.plan(plan_id, int(version))
    if plan is None:
        raise LookupError(arm.plan)
    return plan
