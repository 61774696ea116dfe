"""Erases people whose last lead closed long ago, and old stories; opt-outs stay as marks (docs/personal-data.md).

Temporal forgets by the retention of its own namespace, which is much shorter.
"""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.chores.runner import Chore
from speedlead.ports import Clock
from speedlead.store import retention
from speedlead.store.erasure import erase
from speedlead.store.transactions import transact

EVERY = timedelta(minutes=10)
# of a round: 100 people every ten minutes are more than 14,000 a day
MOST_PEOPLE = 100
MOST_LEADS = 500


def retention_chore(
    pool: "asyncpg.Pool[Any]", clock: Clock, secret: bytes, *, leads_days: int, story_days: int
) -> Chore:
    async def run() -> str | None:
        now = clock.business(0)
        leads_before, stories_before = now - timedelta(days=leads_days), now - timedelta(days=story_days)
        people = await transact(pool, lambda conn: retention.people_due(conn, leads_before, MOST_PEOPLE))
        erased = 0
        for person_id in people:
            # one transaction each: nobody who writes to one of them waits for all
            erased += await transact(pool, lambda conn, who=person_id: _erase(conn, who))  # type: ignore[misc]
        stories = await transact(pool, lambda conn: retention.delete_stories(conn, stories_before, MOST_LEADS))
        strangers = await transact(pool, lambda conn: retention.delete_strangers(conn, leads_before, MOST_LEADS))
        wall = clock.wall()
        answers = await transact(pool, lambda conn: retention.delete_answers(conn, wall, MOST_LEADS))
        done = {
            "people erased": erased, "rows of old stories": stories, "rows of strangers": strangers,
            "old answers about companies": answers,
        }  # fmt: skip
        return ", ".join(f"{many} {what}" for what, many in done.items() if many) or None

    async def _erase(conn: Any, person_id: str) -> int:
        if not await conn.fetchval("select id from person where id = $1 for update", person_id):
            return 0  # became part of another entry
        if await conn.fetchval(
            "select exists (select from lead where person_id = $1 and closed_at is null)", person_id
        ):
            return 0  # they have just come back
        await erase(conn, clock, [person_id], secret)
        return 1

    return Chore("retention", EVERY, run)
