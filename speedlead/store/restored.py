"""What a restore writes into the record: touches that Temporal's histories know of, and leads that closed there."""

from datetime import datetime
from typing import Any

import asyncpg

from speedlead.contracts import CloseRequest
from speedlead.store.programs import begin_next
from speedlead.store.rows import lock_person
from speedlead.store.story import tell_story
from speedlead.store.sweeping import end_touches


async def leads_by_state(pool: "asyncpg.Pool[Any]") -> dict[str, bool]:
    """Lead -> whether it is open."""
    return {row["id"]: row["open"] for row in await pool.fetch("select id, closed_at is null as open from lead")}


async def write_sent(
    pool: "asyncpg.Pool[Any]", touch: str, lead_id: str, step: str, channel: str, purpose: str, *, at: datetime,
    state: str,
) -> bool:  # fmt: skip
    """True when the record did not know it; what has ended in the record stays as it is."""
    async with pool.acquire() as conn, conn.transaction():
        new = await conn.fetchval(
            """insert into touch (id, lead_id, person_id, step, channel, purpose, state, reason, reasons, planned_at,
                   claimed_at, claimed_wall, sent_at, settled_at, attempts)
               select $1, id, person_id, $3, $4, $5, $6, 'restored', '{restored}', $7, $7,
                   $7::timestamptz - clock_offset_us * interval '1 microsecond',
                   case when $6 = 'sent' then $7::timestamptz end, $7, 1
               from lead where id = $2
               on conflict (id) do update set state = excluded.state, sent_at = excluded.sent_at,
                   settled_at = excluded.settled_at, reason = excluded.reason, lease_until_wall = null, next_at = null
               where touch.state in ('claimed', 'deferred') returning true""",
            touch, lead_id, step, channel, purpose, state, at,
        )  # fmt: skip
        if new:
            if purpose == "acknowledgement":
                await conn.execute(
                    "update lead set acknowledged_at = coalesce(acknowledged_at, $2) where id = $1", lead_id, at
                )
            await tell_story(
                conn, lead_id, kind=state, at=at, step=step, reason="restored", data={"channel": channel},
                dedupe=f"{state}:{touch}",
            )  # fmt: skip
        return bool(new)


async def close_as_known(pool: "asyncpg.Pool[Any]", request: CloseRequest, at: datetime) -> bool:
    """True when the lead was open in the record."""
    async with pool.acquire() as conn, conn.transaction():
        await lock_person(conn, await conn.fetchval("select person_id from lead where id = $1", request.lead_id))
        lead = await conn.fetchrow(
            """update lead set closed_at = $2, close_reason = $3, stage = $4, next_step = null, next_touch_at = null,
                   next_why = null where id = $1 and closed_at is null returning *""",
            request.lead_id, at, request.reason, request.stage,
        )  # fmt: skip
        if lead is not None:
            await end_touches(conn, request.lead_id, at)
            await tell_story(
                conn, request.lead_id, kind="closed", at=at, reason=request.reason, data={"by": "restored"},
                dedupe="closed",
            )  # fmt: skip
            await begin_next(conn, lead, reason=request.reason, stage=request.stage, at=at)
        return lead is not None


async def note_restored(pool: "asyncpg.Pool[Any]", open_leads: int) -> None:
    """Chores of the time before are due at once, and nobody's turn of them is still running."""
    await pool.execute("update chore set next_wall = null")
    await pool.execute("delete from limbo")
