"""What was counted of long periods, for all processes: the table `fact_count` (docs/adr/0017-counted-once.md)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

# any constant of our own: of two processes with the same question one counts, the other waits for the answer
_LOCK = 7_233_003
# and of all gateways one counts before anybody asks
_ALONE = 7_233_004
# a count of so long ago has seen more changes than a new one costs
_OLD = timedelta(hours=6)
# a megabyte at most of a million leads, and mostly far less
_MOST = 2_000

# counting takes a minute at most
_WAIT_S = 90.0

_PUT = """
insert into fact_count as c (question, start_at, end_at, counted_at, snapshot, answer)
select $1, $2, $3, $4, $5::text::pg_snapshot, $6 where fact_good($5::text::pg_snapshot)
on conflict (question, start_at, end_at) do update set counted_at = excluded.counted_at, snapshot = excluded.snapshot,
    answer = excluded.answer where c.counted_at <= excluded.counted_at"""
_TIDY = """
delete from fact_count where counted_at < $1
    or (question, start_at, end_at) in (select question, start_at, end_at from fact_count
        order by counted_at desc offset $2)"""


@dataclass(frozen=True, slots=True)
class Count:
    """`at`: the instant of the figures; `snapshot`: what was seen then."""

    start: datetime
    end: datetime
    at: datetime
    snapshot: str


async def known(conn: Any, question: bytes) -> list[Count]:
    """The newest first."""
    rows = await conn.fetch(
        """select start_at as start, end_at as end, counted_at as at, snapshot::text as snapshot
           from fact_count where question = $1 and fact_good(snapshot) order by counted_at desc""",
        question,
    )
    return [Count(**row) for row in rows]


async def answer_of(conn: Any, question: bytes, count: Count) -> bytes | None:
    """None: there is another one by now."""
    found: bytes | None = await conn.fetchval(
        """select answer from fact_count
           where question = $1 and start_at = $2 and end_at = $3 and snapshot::text = $4""",
        question, count.start, count.end, count.snapshot,
    )  # fmt: skip
    return found


async def put(conn: Any, question: bytes, count: Count, answer: bytes) -> None:
    """Unless something was taken out meanwhile, or there is a newer one."""
    await conn.execute(_PUT, question, count.start, count.end, count.at, count.snapshot, answer)
    await conn.execute(_TIDY, count.at - _OLD, _MOST)


@asynccontextmanager
async def one_at_a_time(conn: Any, question: bytes) -> AsyncIterator[None]:
    """Waits for whoever counts the same."""
    mine = int.from_bytes(question[:4], "big", signed=True)
    try:
        await conn.execute("select pg_advisory_lock($1, $2)", _LOCK, mine, timeout=_WAIT_S)
        yield
        await conn.execute("select pg_advisory_unlock($1, $2)", _LOCK, mine)
    except BaseException:
        conn.terminate()  # and the lock with it: a connection that is given back keeps what it has
        raise


@asynccontextmanager
async def alone(conn: Any) -> AsyncIterator[bool]:
    """False: another gateway counts before anybody asks. As long as `conn` is open, no other one begins."""
    try:
        found = await conn.fetchval("select pg_try_advisory_lock($1)", _ALONE)
        yield found
        if found and not conn.is_closed():
            await conn.execute("select pg_advisory_unlock($1)", _ALONE)
    except BaseException:
        conn.terminate()
        raise


async def more_leads_than(conn: Any, many: int) -> bool:
    found: bool = await conn.fetchval("select exists (select from lead_fact offset $1)", many)
    return found
