"""Keeps the shelf of a process like the tables `plan` and `experiment`: what is published or started comes into use
without a restart.
"""

import asyncio
from typing import Any

import asyncpg
import structlog

from speedlead.domain.plan import Plan
from speedlead.experiments.running import running_of
from speedlead.plan_shelf import PlanShelf
from speedlead.store import experiments, plans

log = structlog.get_logger(__name__)

# a plan comes into use `plans.COMES_INTO_USE_AFTER` after it was published, by when every process has read it
LOOK_EVERY_S = 1.0


async def open_shelf(pool: "asyncpg.Pool[Any]", plan: Plan) -> PlanShelf:
    """`plan`: the file's, for a database in which none is in use yet."""
    shelf = PlanShelf(plan)
    await refresh(pool, shelf)
    return shelf


async def refresh(pool: "asyncpg.Pool[Any]", shelf: PlanShelf) -> bool:
    """One look; True when another plan has come into use."""
    names, current = await plans.published(pool)
    for plan_id, version in names:
        if (plan_id, version) not in shelf.known:
            shelf.put(await plans.PlanStore(pool).plan(plan_id, version))
    shelf.running = running_of(await experiments.under_way(pool), shelf)
    return current is not None and shelf.use(*current)


async def keep(pool: "asyncpg.Pool[Any]", shelf: PlanShelf) -> None:
    """Until cancelled. Without a database everything goes on with what is known."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            if await refresh(pool, shelf):
                log.info("a plan has come into use", plan=shelf.in_use.id, version=shelf.in_use.version)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
            log.warning("plans cannot be read", error=type(error).__name__)
