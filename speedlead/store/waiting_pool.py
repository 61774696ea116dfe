"""The waiting pool: open leads that were routed and have no owner, and that nobody is being asked to take.

Who waits, in which order, and who takes one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from speedlead.contracts import AssignedSignal
from speedlead.domain.scoring import Decision
from speedlead.records import Standing
from speedlead.store.routing import STANDINGS, keep, lock_routing, own, tell_owner
from speedlead.store.rows import put_message

# $1: wall time; each lead has its own present
_POOL = """
select l.*,
    l.deal_at is null or l.deal_at <= $1::timestamptz + l.clock_offset_us * interval '1 microsecond' as ready
from lead l where l.closed_at is null and l.owner_id is null and l.open_at is not null and l.program is null
    and not exists (select from offer o where o.lead_id = l.id and o.ended_at is null)
"""
# both: nothing in them but names of ours
_IN_ORDER = f"""
with pool as ({_POOL}) select id::text from pool where ready
order by first_attempt_due nulls last, array_position(array['hot', 'warm', 'cold'], lead_type), created_at, id
"""  # noqa: S608
_NOW = f"""
with pool as ({_POOL}) select (count(*) filter (where ready))::int as waiting,
    min(created_at) filter (where ready) as oldest, min(first_attempt_due) filter (where ready) as due,
    (count(*) filter (where not ready))::int as held, min(deal_at) filter (where not ready) as next_deal
from pool
"""  # noqa: S608
_LOCKED = """
select first_attempt_due from lead where id = $1 and owner_id is null and closed_at is null and open_at is not null
    and program is null and not exists (select from offer f where f.lead_id = lead.id and f.ended_at is null)
for no key update
"""


@dataclass(frozen=True, slots=True)
class Pool:
    """What waits at this moment. `oldest`: when the one that has waited longest wrote to us; `due`: the next deadline.

    `held`: those that get their owner later on purpose, `next_deal` the first of them.
    """

    waiting: int
    oldest: datetime | None
    due: datetime | None
    held: int
    next_deal: datetime | None


class WaitingPool:
    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def in_order(self, wall: datetime) -> list[str]:
        """By deadline, then hot before warm before cold, then by age."""
        return [row["id"] for row in await self._pool.fetch(_IN_ORDER, wall)]

    async def take(
        self,
        lead_id: str,
        inquiry_number: int,
        decide: Callable[[Sequence[Standing]], Decision],
        *,
        team: Sequence[str],
        weights: Mapping[str, float],
        peak: str | None,
        now: datetime,
    ) -> str | None:
        """Gives a waiting lead to whom `decide` says and tells them and its workflow, in one commit; answers who.

        None: it has got an owner, has closed, or nobody may have it; then nothing is written.
        """
        async with self._pool.acquire() as conn, conn.transaction():
            lead = await conn.fetchrow(_LOCKED, lead_id)
            if lead is None:
                return None
            await lock_routing(conn)
            decision = decide([Standing(*row) for row in await conn.fetch(STANDINGS, list(team), lead_id)])
            if decision.rep_id is None:
                return None
            await own(conn, lead_id, decision.rep_id, now, "assigned", "from_the_pool")
            await keep(conn, lead_id, inquiry_number, decision.rep_id, "from_the_pool", decision, weights, now, peak)
            await tell_owner(conn, lead_id, inquiry_number, decision.rep_id, lead["first_attempt_due"], now)
            await put_message(conn, lead_id, "assigned", AssignedSignal(rep_id=decision.rep_id))
            return decision.rep_id


async def pool_now(conn: Any, wall: datetime) -> Pool:
    return Pool(**await conn.fetchrow(_NOW, wall))
