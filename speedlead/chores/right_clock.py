"""What deletes for good trusts no clock alone: where this host's is not the database's, the round is left out."""

from dataclasses import replace
from typing import Any

import asyncpg
import structlog

from speedlead.chores.runner import Chore
from speedlead.ports import Clock
from speedlead.store.fitness import off, write_and_ask_time

log = structlog.get_logger(__name__)


def by_the_right_clock(pool: "asyncpg.Pool[Any]", clock: Clock, chore: Chore) -> Chore:
    """The same chore; a host whose clock is years ahead would find everybody old."""

    async def run() -> str | None:
        async with pool.acquire() as conn:
            asked = await write_and_ask_time(conn, clock.wall)
        wrong = off(asked.skew_s)
        if wrong is not None:
            log.error("chore left out", chore=chore.name, why=wrong)
            return f"left out: {wrong}"
        return await chore.run()

    return replace(chore, run=run)
