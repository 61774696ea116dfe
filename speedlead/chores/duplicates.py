"""Every night: who may be one person, and which domains one company. By itself it merges what is certain, if set."""

from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.chores.runner import Chore
from speedlead.ports import Clock
from speedlead.store import audit
from speedlead.store.company_alike import look_for_alike
from speedlead.store.duplicates import certain_pairs, look_for_duplicates
from speedlead.store.merging import Asked, MergeRefused, merge
from speedlead.store.transactions import transact

log = structlog.get_logger(__name__)

EVERY = timedelta(days=1)
# of a round: what was found at once is looked at by somebody before the next night
MOST_MERGES = 200
ROLE = "rule"


def duplicates_chore(pool: "asyncpg.Pool[Any]", clock: Clock, *, merges: bool) -> Chore:
    """`merges`: two entries with one mailbox, and no name that speaks against it, become one without being asked."""

    async def run() -> str:
        async with pool.acquire() as conn:
            companies = await look_for_alike(conn, clock.wall())
            look = await look_for_duplicates(conn, clock.wall())
        done = await merge_certain(pool, clock) if merges else 0
        said = f"{look.people} people, {look.proposed} pairs, {look.new} of them new"
        said += f"; {companies} pairs of companies" if companies else ""
        return said + (f"; {done} merged" if done else "")

    return Chore("duplicates", EVERY, run)


async def merge_certain(pool: "asyncpg.Pool[Any]", clock: Clock) -> int:
    """How many; each in a transaction of its own. What is refused tonight is proposed to somebody."""
    pairs = await transact(pool, lambda conn: certain_pairs(conn, MOST_MERGES))
    merged = 0
    for one, other in pairs:
        asked = Asked(one, other, role=ROLE, by_rule=True)
        try:
            await transact(pool, lambda conn, asked=asked: _merge(conn, clock, asked))  # type: ignore[misc]
        except MergeRefused as refused:
            log.info("duplicates.not_merged", why=str(refused))
        else:
            merged += 1
    return merged


async def _merge(conn: Any, clock: Clock, asked: Asked) -> None:
    done = await merge(conn, clock, asked)
    change = audit.Change(None, ROLE, None, "duplicates merge", done.lead_id, {"merge": done.merge_id})
    await audit.end(conn, await audit.begin(conn, change, None, clock.wall()), None, 200)
