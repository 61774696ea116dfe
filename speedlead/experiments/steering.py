"""What people do with an experiment: save, start, stop, roll out. Each is one transaction with a line in the audit."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from speedlead.domain.experiment import PLAN_NAME, Arm, Experiment, Segment, with_changes
from speedlead.domain.plan import Plan
from speedlead.experiments.reading import planned_size
from speedlead.store import audit, experiments, plans
from speedlead.store.experiments import ExperimentRefused, Known, StartedArm, variant_of
from speedlead.store.transactions import transact

NEW, REST = "new", "rest"
Check = Callable[[Plan], Awaitable[Sequence[str]]]
"""Says what is wrong with a plan that is to be published; nothing: it may be."""


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, why, and when."""

    author: str
    role: str
    note: str
    wall: datetime
    account_id: str | None = None


async def save(pool: Any, definition: Experiment, by: By, *, new: bool, seen: datetime | None = None) -> None:
    """A draft. Raises ExperimentRefused: started or changed already, or `new` and the id is taken."""

    async def work(conn: Any) -> None:
        await experiments.save(conn, definition, author=by.author, wall=by.wall, new=new, seen=seen)
        await _noted(conn, "experiment save", definition.id, by, {"arms": len(definition.arms)})

    await transact(pool, work)


async def copy(pool: Any, experiment_id: str, by: By) -> str:
    """A draft that says the same, under an id of its own, which is returned. Raises ExperimentRefused."""

    async def work(conn: Any) -> str:
        known = await experiments.known(conn, experiment_id)
        made = known.definition.model_copy(update={"id": await _free(conn, f"{experiment_id}-again")})
        await experiments.save(conn, made, author=by.author, wall=by.wall, new=True)
        await _noted(conn, "experiment save", made.id, by, {"copy_of": experiment_id})
        return made.id

    return await transact(pool, work)


async def start(pool: Any, experiment_id: str, by: By, check: Check, *, seen: datetime | None = None) -> None:
    """Leads take part from a few seconds later on. `seen`: when it was changed last, as the one who starts it knows it.

    Raises ExperimentRefused.
    """

    async def look(conn: Any) -> tuple[Known, list[_Made]]:
        known = await experiments.known(conn, experiment_id)
        return known, await _made(conn, known.definition)

    known, made = await transact(pool, look)
    if known.state != "draft":
        raise ExperimentRefused(f"{experiment_id}: it was started before; copy it under another id to run it again")
    if seen not in (None, known.changed_wall):
        raise ExperimentRefused(f"{experiment_id}: somebody else has changed it meanwhile: look again")
    planned = _planned(known.definition)
    for one in made:
        if one.unpublished is not None and (faults := await check(one.unpublished)):
            raise ExperimentRefused(f"arm {one.arm.key}: its plan cannot be used: {'; '.join(faults)}")

    async def work(conn: Any) -> None:
        others = await experiments.lock_starts(conn)
        still = await experiments.known(conn, experiment_id, lock=True)
        if still.state != "draft" or still.changed_wall != known.changed_wall:
            raise ExperimentRefused(f"{experiment_id}: somebody else has changed or started it meanwhile: look again")
        await _begin(conn, known.definition, made, planned, others, by)
        await _noted(conn, "experiment start", experiment_id, by, {"planned": planned})

    await transact(pool, work)


async def stop(pool: Any, experiment_id: str, by: By) -> None:
    """No further lead takes part; who does keeps what they have. Raises ExperimentRefused."""

    async def work(conn: Any) -> None:
        _running(await experiments.known(conn, experiment_id, lock=True))
        await experiments.end(conn, experiment_id, "stopped")
        await _noted(conn, "experiment stop", experiment_id, by, {})

    await transact(pool, work)


async def begin_roll_out(pool: Any, plan: str, segment: Segment, share: int, by: By) -> str:
    """A share of the segment's leads starts on this version. Returns the roll-out's id. Raises ExperimentRefused."""
    if re.fullmatch(PLAN_NAME, plan) is None:
        raise ExperimentRefused(f"plan: expected a published version such as inbound:7, got {plan[:60]!r}")

    async def work(conn: Any) -> str:
        others = await experiments.lock_starts(conn)
        title = f"Roll-out of {plan}"
        arm = Arm(key=NEW, share=_share(share), plan=plan)
        return await _roll(conn, f"roll-out-{plan.replace(':', '-')}", title, segment, arm, others, by)

    return await transact(pool, work)


async def roll_out(pool: Any, experiment_id: str, key: str, share: int, by: By) -> str:
    """Ends the experiment, and its arm goes to a share of its segment. Returns the roll-out's id.

    Raises ExperimentRefused.
    """

    async def work(conn: Any) -> str:
        others = await experiments.lock_starts(conn)
        known = await experiments.known(conn, experiment_id, lock=True)
        if known.state == "draft":
            raise ExperimentRefused(f"{experiment_id}: it was not started yet")
        arm = next((arm for arm in known.arms if arm.key == key), None)
        if arm is None:
            raise ExperimentRefused(f"{experiment_id}: there is no arm {key}; expected {_keys(known)}")
        if arm.plan is None and arm.weights is None:
            raise ExperimentRefused(f"{experiment_id}: {key} is what everybody has anyway; stop the experiment instead")
        if known.state == "running":
            await experiments.end(conn, experiment_id, "rolled_out")
        goes_on = Arm.model_validate({"key": NEW, "share": _share(share), "plan": arm.plan, "weights": arm.weights})
        title = f"Roll-out of {key} from {known.definition.title}"[:120]
        rest = [one for one in others if one.definition.id != experiment_id]
        return await _roll(conn, f"{experiment_id}-roll-out", title, known.definition.segment, goes_on, rest, by)

    return await transact(pool, work)


async def set_share(pool: Any, experiment_id: str, share: int, by: By) -> None:
    """Of a roll-out. Whoever was in stays in while the share grows. Raises ExperimentRefused."""

    async def work(conn: Any) -> None:
        known = _roll_out(await experiments.known(conn, experiment_id, lock=True))
        new, rest = (arm.variant for arm in known.arms)
        await experiments.set_shares(conn, {new: _share(share), rest: 100 - share})
        await _noted(conn, "experiment share", experiment_id, by, {"share": share}, {"share": known.arms[0].share})

    await transact(pool, work)


async def adopt(pool: Any, experiment_id: str, by: By) -> None:
    """The plan of a roll-out becomes the one in use, and the roll-out ends. Raises ExperimentRefused."""

    async def work(conn: Any) -> None:
        known = _roll_out(await experiments.known(conn, experiment_id, lock=True))
        plan = known.arms[0].plan
        if plan is None:
            raise ExperimentRefused("weights are adopted in the routing file; stop the roll-out when it has them")
        if known.definition.segment != Segment():
            raise ExperimentRefused(
                "it is about a part of the leads, and the plan in use is for all; publish one that is"
            )
        if known.arms[0].share < 100:
            raise ExperimentRefused(f"only {known.arms[0].share} % of the leads start on it; expected 100 % first")
        before = await plans.in_use(conn)
        plan_id, _, version = plan.partition(":")
        await plans.use(conn, plan_id, int(version))
        await experiments.end(conn, experiment_id, "rolled_out")
        was = {"in_use": f"{before[0]}:{before[1]}"} if before else None
        await _noted(conn, "experiment adopt", experiment_id, by, {"in_use": plan}, was)

    await transact(pool, work)


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Made:
    """An arm with the plan that it really is. `unpublished`: made of another one, and not stored yet."""

    arm: StartedArm
    unpublished: Plan | None = None


async def _made(conn: Any, definition: Experiment) -> list[_Made]:
    """Raises ExperimentRefused naming the arm."""
    in_use = await plans.in_use(conn)
    made = []
    for number, arm in enumerate(definition.arms):
        weights = arm.weights.by_part() if arm.weights else None
        started = StartedArm(variant_of(definition.id, arm.key), arm.key, arm.share, arm.plan, weights)
        control = number == 0 and definition.question is not None and definition.about == "plan"
        if arm.plan is None and not arm.changes and not control:
            made.append(_Made(started))
            continue
        if arm.plan is None and in_use is None:
            raise ExperimentRefused(f"arm {arm.key}: no plan is in use yet; expected plan: such as inbound:4")
        # what everybody has may change meanwhile; the control may not
        name = arm.plan or ":".join(map(str, in_use or ()))
        try:
            plan = await plans.plan_of(conn, name.partition(":")[0], int(name.partition(":")[2]))
            changed = with_changes(plan, arm.changes) if arm.changes else None
        except (LookupError, ValueError) as wrong:
            raise ExperimentRefused(f"arm {arm.key}: {wrong}") from None
        if changed == plan:
            raise ExperimentRefused(f"arm {arm.key}: changes: {name} says all of that already")
        made.append(_Made(replace(started, plan=name), changed))
    same = [one.arm.plan for one in made if one.arm.plan and one.unpublished is None]
    if len(set(same)) < len(same):
        raise ExperimentRefused(f"two arms are {same[0]}: expected plans that differ")
    return made


async def _begin(
    conn: Any, definition: Experiment, made: Sequence[_Made], planned: int | None, others: Sequence[Known], by: By
) -> None:
    in_the_way = [one.definition.id for one in others if definition.meets(one.definition)]
    if in_the_way:
        what = "plan" if definition.about == "plan" else "routing"
        raise ExperimentRefused(
            f"{', '.join(in_the_way)} sets the {what} of some of the same leads; expected it ended, or another segment"
        )
    arms = []
    for one in made:
        arm = one.arm
        if one.unpublished is not None:
            note = f"arm {arm.key} of {definition.id}, made of {arm.plan}"
            plan = await plans.store_next(conn, one.unpublished, who=by.author, note=note)
            arm = replace(arm, plan=f"{plan.id}:{plan.version}")
        arms.append(arm)
    await experiments.start(conn, definition.id, arms, planned)


async def _roll(conn: Any, wish: str, title: str, segment: Segment, arm: Arm, others: Sequence[Known], by: By) -> str:
    arms = (arm, Arm(key=REST, share=100 - arm.share))
    definition = Experiment(id=await _free(conn, wish), title=title, segment=segment, arms=arms)
    made = await _made(conn, definition)
    await experiments.save(conn, definition, author=by.author, wall=by.wall, new=True)
    await _begin(conn, definition, made, None, others, by)
    await _noted(conn, "experiment roll-out", definition.id, by, {"share": arm.share, "plan": arm.plan})
    return definition.id


async def _free(conn: Any, wish: str) -> str:
    taken = {one.definition.id for one in await experiments.all_known(conn)}
    tries = [wish[:40], *(f"{wish[:36]}-{number}" for number in range(2, 1000))]
    return next(one for one in tries if one not in taken)


def _planned(definition: Experiment) -> int | None:
    if definition.question is None:
        return None
    try:
        return planned_size(definition)
    except ValueError as wrong:
        raise ExperimentRefused(f"question: {wrong}") from None


def _running(known: Known) -> Known:
    if known.state != "running":
        raise ExperimentRefused(f"{known.definition.id}: it does not run: {known.state}")
    return known


def _roll_out(known: Known) -> Known:
    if known.definition.question is not None:
        raise ExperimentRefused(
            f"{known.definition.id}: its shares cannot be changed any more, they are part of the comparison; "
            "stop it, or roll one of its arms out"
        )
    return _running(known)


def _share(share: int) -> int:
    if not 1 <= share <= 100:
        raise ExperimentRefused(f"share: expected 1 to 100, got {share}")
    return share


def _keys(known: Known) -> str:
    return ", ".join(arm.key for arm in known.arms)


async def _noted(
    conn: Any, action: str, experiment_id: str, by: By, after: dict[str, Any], before: dict[str, Any] | None = None
) -> None:
    change = audit.Change(by.account_id, by.role, None, action, experiment_id, {}, by.note or None)
    await audit.end(conn, await audit.begin(conn, change, before, by.wall), after, 200)
