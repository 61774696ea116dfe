"""Keeps the facts of reports: rows of the view `fact_of_lead`, one for each lead, as the table `lead_fact` has them.

A change leaves marks in `lead_stale`; a mark is taken away in the transaction that writes the row anew. Who reads
meanwhile takes the marked leads from the view (migration …410_lead_fact.sql), so none of this can make a figure wrong
but what leaves no mark; `compare` looks for that.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

BATCH = 1_000
# of so many changes it is known what was there before
_KNOWN = 20_000
# any constant of our own: rows are written by one process at a time, else an older look could come last
_LOCK = 7_233_002

# the newest first: what has just happened, then, of leads that were there before the table, the newest ones
_TAKE = """
delete from lead_stale where id in (select id from lead_stale order by id desc limit $1) returning lead_id"""
_WRITE = """
insert into lead_fact select f.* from unnest($1::uuid[]) s (lead_id)
-- one lead at a time, by its key
cross join lateral (select * from fact_of_lead w where w.lead_id = s.lead_id offset 0) f"""

_FORGET = """
with old as (
    delete from lead_fact_was where place <= (select max(place) from lead_fact_was) - $1)
delete from lead_fact_floor where xid < (select f.xid from lead_fact_floor f order by f.xid desc limit 1)"""

_COMPARE = """
with begin as materialized (select gen_random_uuid() as id),
lot as (
    (select l.id from lead l, begin b where l.id >= b.id order by l.id limit $1)
    union all (select l.id from lead l, begin b where l.id < b.id order by l.id limit $1) limit $1
),
seen as (
    select s.id, to_jsonb(f) is distinct from to_jsonb(k) as wrong
    from lot s left join lead_fact k on k.lead_id = s.id
    left join lateral (select * from fact_of_lead w where w.lead_id = s.id offset 0) f on true
    where not exists (select from lead_stale m where m.lead_id = s.id)
),
again as (insert into lead_stale (lead_id) select id from seen where wrong)
insert into lead_fact_check as c (checked_wall, leads, differ)
select $2, count(*), count(*) filter (where wrong) from seen
on conflict (one) do update set checked_wall = excluded.checked_wall, leads = excluded.leads, differ = excluded.differ
returning c.leads, c.differ"""


@dataclass(frozen=True, slots=True)
class Compared:
    """`differ`: of so many `leads`; they are marked, so that they are written anew."""

    leads: int
    differ: int


async def more_than(conn: Any, many: int) -> bool:
    """Are there facts of so many leads and one more?"""
    found: bool = await conn.fetchval("select exists (select from lead_fact offset $1)", many)
    return found


async def waiting(conn: Any) -> int:
    """Leads whose rows are to be written anew."""
    return int(await conn.fetchval("select count(distinct lead_id) from lead_stale"))


async def write_some(conn: Any, most: int = BATCH) -> int:
    """Takes that many marks within the caller's transaction, which holds others off; 0: there are none."""
    await conn.execute("select pg_advisory_xact_lock($1)", _LOCK)
    marks = await conn.fetch(_TAKE, most)
    leads = list({mark["lead_id"] for mark in marks})
    if leads:
        await conn.execute("delete from lead_fact where lead_id = any($1::uuid[])", leads)
        await conn.execute(_WRITE, leads)
        await conn.execute(_FORGET, _KNOWN)
    return len(marks)


async def write_all(conn: Any) -> AsyncIterator[int]:
    """All that are marked, a transaction for each BATCH; after each, how many marks it took."""
    while True:
        async with conn.transaction():
            marks = await write_some(conn)
        if not marks:
            return
        yield marks


async def mark_all(conn: Any) -> int:
    """Every lead, and every row whose lead is gone."""
    done: str = await conn.execute(
        """insert into lead_stale (lead_id) select lead_id from
               (select id as lead_id, created_at from lead union all select lead_id, created_at from lead_fact f
                   where not exists (select from lead l where l.id = f.lead_id)) l order by created_at"""
    )
    return int(done.split()[-1])


async def compare(conn: Any, leads: int, wall: datetime) -> Compared:
    """So many leads by lot, without those that are marked: what the table has of them against the view."""
    row = await conn.fetchrow(_COMPARE, leads, wall)
    return Compared(row["leads"], row["differ"])
