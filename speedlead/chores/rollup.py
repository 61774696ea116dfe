"""Every five seconds: facts of leads that have changed are written anew; every minute some are compared with the view.

Figures are right without it, and slow: who reads takes what waits here from the view.
"""

from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.chores.runner import Chore
from speedlead.ports import Clock
from speedlead.store import rollup
from speedlead.store.transactions import transact

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=5)
CHECK_EVERY = timedelta(minutes=1)
# half a percent of wrong facts is found within two minutes, at a tenth of a second each
CHECKED = 200
_BATCH_S = 60.0


def rollup_chores(pool: "asyncpg.Pool[Any]", clock: Clock) -> list[Chore]:
    async def write() -> str | None:
        done = 0
        while marks := await transact(pool, rollup.write_some, within_s=_BATCH_S):
            done += marks
            if marks < rollup.BATCH:
                break
        return f"{done:,} changes" if done else None

    async def check() -> str | None:
        found = await transact(pool, lambda conn: rollup.compare(conn, CHECKED, clock.wall()))
        if not found.differ:
            return None
        log.error("facts differ from the view", leads=found.leads, differ=found.differ)
        return f"{found.differ} of {found.leads} leads differed and are written anew"

    return [Chore("figures.rollup", EVERY, write), Chore("figures.check", CHECK_EVERY, check)]
