"""What becomes of a lead's rows when its workflow is ended because no code of ours can go on with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from speedlead.store.rows import put_notice
from speedlead.store.story import tell_story

# the clock of Temporal, which says when a lead last went on, and that of Postgres, which marks what was delivered
_CLOCKS_DIFFER = timedelta(seconds=10)


@asynccontextmanager
async def nobody_delivers(pool: "asyncpg.Pool[Any]", lead_id: str) -> AsyncIterator[Any | None]:
    """A connection that keeps the relay from this lead; None while the relay is at it."""
    async with pool.acquire() as connection:
        # the relay's own lock, of the session: what is written below is committed before the workflow is ended
        if not await connection.fetchval("select pg_try_advisory_lock(hashtextextended($1, 0))", lead_id):
            yield None
            return
        try:
            yield connection
        finally:
            await connection.execute("select pg_advisory_unlock(hashtextextended($1, 0))", lead_id)


async def deliver_again(conn: Any, lead_id: str, since: datetime) -> int:
    """Messages that the workflow got after it last went on were never read; how many. The start is not among them."""
    done: str = await conn.execute(
        """update message set delivered_wall = null, delivery = null
           where lead_id = $1 and kind <> 'start' and delivered_wall >= $2""",
        lead_id, since - _CLOCKS_DIFFER,
    )  # fmt: skip
    return int(done.split()[-1])


async def times_restarted(conn: Any, lead_id: str, wall: datetime, within: timedelta) -> int:
    found: int = await conn.fetchval(
        """select count(*) from story s join lead l on l.id = s.lead_id where lead_id = $1 and kind = 'restarted'
           and s.reason = 'code_changed' and s.at > $2::timestamptz + l.clock_offset_us * interval '1 microsecond'""",
        lead_id, wall - within,
    )  # fmt: skip
    return found


async def tell_restarted(conn: Any, lead_id: str, wall: datetime, build: str) -> None:
    at: datetime = await conn.fetchval(
        "select $2::timestamptz + clock_offset_us * interval '1 microsecond' from lead where id = $1", lead_id, wall
    )
    await tell_story(conn, lead_id, kind="restarted", at=at, reason="code_changed", data={"version": build})


async def tell_ops(conn: Any, kind: str, words: str, wall: datetime) -> None:
    """Once an hour for each kind."""
    await put_notice(conn, audience="ops", kind=kind, at=wall, reason=words, dedupe=f"{kind}:{wall:%Y-%m-%dT%H}")
