"""Missed targets as rows: found once for each round of a lead, told to its owner and the managers (REQ 73, 74)."""

from datetime import datetime
from typing import Any

import asyncpg

from speedlead.domain.phases import Instants, slow_phase
from speedlead.domain.watching import named
from speedlead.store.rows import put_notice
from speedlead.store.story import tell_story

_KNOWN = """
select l.owner_id, l.open_at, l.created_at, l.assigned_at, l.accepted_at, l.first_attempt_at,
    l.decided_at, l.closed_at, l.next_why, l.next_touch_at,
    (select min(g.claimed_at) from leg g join touch t on t.id = g.touch_id
        where t.lead_id = l.id and g.role = 'rep') as rang,
    (select t.reason from touch t where t.lead_id = l.id and t.purpose in ('plan', 'manual')
        and t.state in ('deferred', 'failed', 'in_doubt') order by t.claimed_at desc nulls last limit 1) as hindered
from lead l where l.id = $1 for no key update of l
"""

# what was owed was done all the same, or the lead has closed: when
_ENDED = """
update breach b set ended_at = e.at from (
    select o.lead_id, o.target, o.round, coalesce(case o.target
        -- a lead that became hotter since has another first attempt
        when 'first_attempt' then case when l.earlier_attempt_at > o.due_at then l.earlier_attempt_at
            else l.first_attempt_at end
        when 'assignment' then l.assigned_at
        when 'acceptance' then l.accepted_at
        when 'qualification' then (select min(w.at) from outcome w where w.lead_id = l.id and w.outcome is not null)
        else (select min(x.at) from (select w.at from outcome w where w.lead_id = l.id and w.at > o.due_at
            union all select t.sent_at from touch t where t.lead_id = l.id and t.sent_at > o.due_at) x) end,
        l.closed_at) as at
    from breach o join lead l on l.id = o.lead_id where o.ended_at is null) e
where b.lead_id = e.lead_id and b.target = e.target and b.round = e.round and e.at is not null returning 1
"""


class BreachStore:
    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def found(self, lead_id: str, target: str, due: datetime, now: datetime, number: int = 1) -> str | None:
        """The slow phase of a target that the rows say was missed; None when it was met, or the lead has closed.

        `number`: the round of the lead in which it was due.
        """
        async with self._pool.acquire() as conn, conn.transaction():
            row = await conn.fetchrow(_KNOWN, lead_id)
            if row is None:
                raise LookupError(f"lead {lead_id}: there is no such lead")
            met = {
                "first_attempt": row["first_attempt_at"], "assignment": row["assigned_at"],
                "acceptance": row["accepted_at"], "qualification": row["decided_at"],
            }.get(target)  # fmt: skip
            if row["closed_at"] is not None or (met is not None and met <= due):
                return None
            known = Instants(
                opened=row["open_at"] or row["created_at"],
                assigned=row["assigned_at"],
                accepted=row["accepted_at"],
                rang=row["rang"],
                attempted=row["first_attempt_at"],
                owned=row["owner_id"] is not None,
                waits=row["hindered"] or row["next_why"] or "",
                waits_until=row["next_touch_at"],
            )
            phase = slow_phase(known, target, due, now)
            written = await conn.fetchval(
                """insert into breach (lead_id, target, phase, owner_id, due_at, found_at, ended_at, round)
                   values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning phase""",
                lead_id, target, phase, row["owner_id"], due, now, met, number,
            )  # fmt: skip
            if written is not None:
                await self._tell(conn, lead_id, row["owner_id"], target, phase, due, now, number)
            return phase

    async def _tell(
        self, conn: Any, lead_id: str, owner: str | None, target: str, phase: str, due: datetime, now: datetime,
        number: int,
    ) -> None:  # fmt: skip
        once = f"breach:{named(target, number)}"
        reason = f"{target}: {phase}"
        await tell_story(
            conn, lead_id, kind="breach", at=now, reason=reason, dedupe=once,
            data={"target": target, "phase": phase, "due": due.isoformat()},
        )  # fmt: skip
        if owner is not None:
            await put_notice(
                conn, audience="rep", kind="breach", at=now, lead_id=lead_id, rep_id=owner, reason=reason, due=due,
                dedupe=f"{lead_id}:{once}:rep",
            )  # fmt: skip
        await put_notice(
            conn, audience="manager", kind="breach", at=now, lead_id=lead_id, reason=reason, due=due,
            dedupe=f"{lead_id}:{once}:manager",
        )  # fmt: skip


async def end_breaches(conn: Any) -> int:
    """Writes down when what was missed was done after all; how many ended."""
    return len(await conn.fetch(_ENDED))
