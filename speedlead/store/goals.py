"""Goals as rows: one standing goal for each figure, and a line of the audit for every change."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead.domain.goals import AIMS, Goal
from speedlead.ids import new_id
from speedlead.store import audit


@dataclass(frozen=True, slots=True)
class Standing:
    goal_id: str
    goal: Goal
    set_by: str
    set_wall: datetime


@dataclass(frozen=True, slots=True)
class By:
    """Who does it; without an account somebody at the command line, whose name stands in the role."""

    account_id: str | None
    role: str
    wall: datetime


async def standing(conn: Any) -> list[Standing]:
    rows = await conn.fetch(
        """select g.id::text as id, g.aim, g.target, g.starts_on, g.horizon, g.set_wall,
               coalesce(a.name, 'the command line') as set_by
           from goal g left join account a on a.id = g.account_id where g.ended_wall is null"""
    )
    found = {
        row["aim"]: Standing(
            row["id"], Goal(AIMS[row["aim"]], row["target"], row["starts_on"], row["horizon"]), row["set_by"],
            row["set_wall"],
        )
        for row in rows if row["aim"] in AIMS
    }  # fmt: skip
    return [found[name] for name in AIMS if name in found]


async def set_goal(conn: Any, goal: Goal, by: By) -> str:
    """In place of the standing one of the same figure. Returns its id."""
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('goal', 0))")
    before = await _end(conn, goal.aim.name, by.wall)
    goal_id = new_id()
    await conn.execute(
        """insert into goal (id, aim, target, starts_on, horizon, account_id, set_wall)
           values ($1, $2, $3, $4, $5, $6, $7)""",
        goal_id, goal.aim.name, goal.target, goal.starts_on, goal.horizon, by.account_id, by.wall,
    )  # fmt: skip
    after = {"target": goal.target, "starts_on": goal.starts_on.isoformat(), "horizon": goal.horizon}
    await _noted(conn, "goal set", goal.aim.name, by, before, after)
    return goal_id


async def end_goal(conn: Any, aim: str, by: By) -> bool:
    """False where there is none of this figure."""
    before = await _end(conn, aim, by.wall)
    if before is not None:
        await _noted(conn, "goal end", aim, by, before, None)
    return before is not None


async def _end(conn: Any, aim: str, wall: datetime) -> dict[str, Any] | None:
    row = await conn.fetchrow(
        """update goal set ended_wall = $2 where aim = $1 and ended_wall is null
           returning target, starts_on::text as starts_on, horizon""",
        aim, wall,
    )  # fmt: skip
    return dict(row) if row else None


async def _noted(
    conn: Any, action: str, aim: str, by: By, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    change = audit.Change(by.account_id, by.role, None, action, aim, {})
    await audit.end(conn, await audit.begin(conn, change, before, by.wall), after, 200)
