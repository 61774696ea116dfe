"""Taking a lead, as rows: one of those who are asked has it, exactly once, whatever comes at once (REQ 74, 85, 88).

`lead.accepted_at` is what decides; whoever holds the lead's row sees it. Locks in the order lead, routing, rep.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from speedlead.domain.acceptance import MANAGER_LEVEL
from speedlead.domain.scoring import Decision
from speedlead.records import Moved, Standing, Taken
from speedlead.store.presence import came_back, missed
from speedlead.store.routing import STANDINGS, has_room, lock_routing, own
from speedlead.store.rows import put_notice
from speedlead.store.story import tell_story

_LEAD = """
select id, owner_id, assigned_at, open_at, accepted_at, closed_at, first_attempt_due from lead where id = $1
for no key update
"""
CLOSED = "The lead is closed; nothing was changed."
FULL = "You have as many open leads as your capacity. Nothing was changed."
_OPEN = "select rep_id, level, kind from offer where lead_id = $1 and ended_at is null order by id"

_MANAGERS = """
select r.id from rep r where r.active and r.manager and r.id <> all($1::uuid[])
    and not (r.presence = 'away' and (r.away_until is null or r.away_until > $2))
    and not exists (select from rep_busy b where b.rep_id = r.id and b.source = 'time_off'
        and b.starts_at <= $2 and b.ends_at > $2)
order by r.id = any($3::uuid[]) desc, r.presence = 'busy',
    (select count(*) from lead l where l.owner_id = r.id and l.closed_at is null and l.program is null), r.id
limit 1
"""


class AcceptanceStore:
    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def accept(self, lead_id: str, rep_id: str, now: datetime) -> Taken:
        async with self._pool.acquire() as conn, conn.transaction():
            return await _accept(conn, lead_id, rep_id, now)

    async def escalate(
        self,
        lead_id: str,
        reason: str,
        decide: Callable[[Sequence[Standing], Sequence[str]], Decision],
        *,
        level: int,
        asked: Sequence[str],
        declined: Sequence[str],
        asked_at: datetime,
        team: Sequence[str],
        managers: Sequence[str],
        now: datetime,
    ) -> Moved:
        """The next level: a rep by `decide(standings, tried)`, then a manager; nobody left: the owner keeps the lead.

        `asked`: who did not take it, since `asked_at`, on the level before; `declined`: those of them who said no.
        `managers`: those who are on shift, who come before the others. Asked again, the answer is the same.
        """
        async with self._pool.acquire() as conn, conn.transaction():
            lead = await conn.fetchrow(_LEAD, lead_id)
            if lead is None:
                raise LookupError(f"lead {lead_id}: there is no such lead")
            if lead["accepted_at"] is not None or lead["closed_at"] is not None:
                return Moved(lead["owner_id"], accepted=True, level=level)
            waiting = await conn.fetch(_OPEN, lead_id)
            done = next((row for row in waiting if row["level"] >= level and row["rep_id"] == lead["owner_id"]), None)
            if done is not None:  # this very request, answered before
                return Moved(lead["owner_id"], accepted=False, level=done["level"])
            for rep_id in asked:
                result = "declined" if rep_id in declined else reason
                await _end(conn, lead_id, rep_id, result, now, level=max(1, level - 1), asked_at=asked_at)
            silent = [rep_id for rep_id in asked if rep_id not in declined]
            claimed = any(row["kind"] == "claim" for row in waiting)
            found = await self._next(conn, lead_id, decide, level, silent if claimed else [], team, managers, now)
            # after the decision, which holds the lock that goes before the reps' rows; whoever is asked next is there
            for rep_id in sorted(set(silent) - {found[0] if found else None}):
                await missed(conn, rep_id, lead_id, f"{lead_id}:{rep_id}:{level}", now)
            if found is None:
                await _tell_managers(conn, lead, now)
                return Moved(lead["owner_id"], accepted=False, level=None)
            rep_id, on = found
            await own(conn, lead_id, rep_id, now, "escalated" if lead["owner_id"] else "assigned", reason)
            await _ask(conn, lead_id, rep_id, on, now)
            await _tell(conn, lead, rep_id, on, now)
            return Moved(rep_id, accepted=False, level=on)

    async def _next(
        self, conn: Any, lead_id: str, decide: Callable[[Sequence[Standing], Sequence[str]], Decision], level: int,
        again: Sequence[str], team: Sequence[str], managers: Sequence[str], now: datetime,
    ) -> tuple[str, int] | None:  # fmt: skip
        """`again`: who may be asked although they did not claim the lead: one of them has it by force."""
        rows = await conn.fetch("select distinct rep_id from offer where lead_id = $1", lead_id)
        tried = [row["rep_id"] for row in rows if row["rep_id"] not in again]
        await lock_routing(conn)
        if level < MANAGER_LEVEL:
            standings = [Standing(*row) for row in await conn.fetch(STANDINGS, list(team), lead_id)]
            wanted = [standing for standing in standings if not again or standing.rep_id in again]
            decision = decide(wanted, tried)
            if decision.rep_id is not None:
                return decision.rep_id, level
        manager = await conn.fetchval(_MANAGERS, tried, now, list(managers))
        return None if manager is None else (manager, MANAGER_LEVEL)


async def taken(conn: Any, lead_id: str, rep_id: str | None, now: datetime) -> bool:
    """Somebody works on the lead: whoever it belongs to has taken it, and by a call that is whoever took the call.

    `rep_id` None: its owner. The first one counts: False when the lead was taken before, or is nobody's. The caller
    holds the transaction of what was done.
    """
    lead = await conn.fetchrow(_LEAD, lead_id)
    rep_id = rep_id or (lead["owner_id"] if lead else None)
    if lead is None or rep_id is None or lead["accepted_at"] is not None or lead["closed_at"] is not None:
        return False
    await _take(conn, lead, rep_id, now)
    return True


async def _accept(conn: Any, lead_id: str, rep_id: str, now: datetime) -> Taken:
    lead = await conn.fetchrow(_LEAD, lead_id)
    if lead is None:
        raise LookupError(f"lead {lead_id}: there is no such lead")
    if lead["closed_at"] is not None:
        return Taken(False, lead["owner_id"], CLOSED)
    ours = await conn.fetchval(
        """select exists (select from leg g join touch t on t.id = g.touch_id where t.lead_id = $1 and g.rep_id = $2
               and g.role = 'rep' and g.state not in ('ended', 'failed'))""",
        lead_id, rep_id,
    )  # fmt: skip
    if lead["accepted_at"] is not None and lead["owner_id"] == rep_id:
        return Taken(True, rep_id)
    waiting = [row["rep_id"] for row in await conn.fetch(_OPEN, lead_id)]
    free = lead["accepted_at"] is None and (
        rep_id in waiting or lead["owner_id"] == rep_id or (lead["owner_id"] is None and not waiting)
    )
    # a call that is offered to this rep at this moment is theirs, whoever has had the lead before
    if not free and not ours:
        return Taken(False, lead["owner_id"], await _why_not(conn, lead, rep_id))
    if lead["owner_id"] != rep_id and not ours:
        await lock_routing(conn)
        if not await has_room(conn, rep_id):
            return Taken(False, lead["owner_id"], FULL)
    await _take(conn, lead, rep_id, now)
    return Taken(True, rep_id)


async def _take(conn: Any, lead: Any, rep_id: str, now: datetime) -> None:
    lead_id = lead["id"]
    if lead["owner_id"] != rep_id:
        await lock_routing(conn)
        await own(conn, lead_id, rep_id, now, "reassigned" if lead["owner_id"] else "assigned", "accepted")
    await conn.execute("update lead set accepted_at = coalesce(accepted_at, $2) where id = $1", lead_id, now)
    asked_at = max(lead["assigned_at"] or now, lead["open_at"] or now)
    await tell_story(conn, lead_id, kind="accepted", at=now, data={"rep_id": rep_id})
    others = [row["rep_id"] for row in await conn.fetch(_OPEN, lead_id) if row["rep_id"] != rep_id]
    await _end(conn, lead_id, rep_id, "accepted", now, level=1, asked_at=min(asked_at, now))
    for other in others:
        await _end(conn, lead_id, other, "taken", now, level=1, asked_at=now)
        await put_notice(
            conn, audience="rep", kind="lead_taken", at=now, lead_id=lead_id, rep_id=other,
            dedupe=f"{lead_id}:taken:{other}",
        )  # fmt: skip
    await came_back(conn, rep_id)


async def too_late(conn: Any, lead_id: str, rep_id: str) -> str | None:
    """What to say to a rep who was asked once and is not any more; None when this rep was not, or still is."""
    lead = await conn.fetchrow("select id, owner_id, accepted_at, closed_at from lead where id = $1", lead_id)
    asked = await conn.fetchval(
        "select bool_and(ended_at is not null) from offer where lead_id = $1 and rep_id = $2", lead_id, rep_id
    )
    if lead is None or not asked:
        return None
    return CLOSED if lead["closed_at"] is not None else await _why_not(conn, lead, rep_id)


async def _why_not(conn: Any, lead: Any, rep_id: str) -> str:
    """Who has it now, in a sentence for the rep who was wrong or late."""
    asked = await conn.fetchval(
        "select max(ended_at) from offer where lead_id = $1 and rep_id = $2 and result <> 'accepted'",
        lead["id"], rep_id,
    )  # fmt: skip
    late = (
        f"Your time to take this lead was over at {asked:%H:%M:%S} UTC" if asked else "This lead is not yours to take"
    )
    # not joined to the lead: behind a lock only the locked row is read anew
    name = await conn.fetchval("select name from rep where id = $1", lead["owner_id"])
    if name is None:
        return f"{late}; it is offered to others at this moment. Nothing was changed."
    has = "has it" if lead["accepted_at"] is not None else "is asked now"
    return f"{late}; {name} {has}. Nothing was changed."


async def _ask(conn: Any, lead_id: str, rep_id: str, level: int, now: datetime) -> None:
    await conn.execute(
        """insert into offer (lead_id, rep_id, level, kind, asked_at) values ($1, $2, $3, 'ask', $4)
           on conflict (lead_id, rep_id) where ended_at is null do nothing""",
        lead_id, rep_id, level, now,
    )  # fmt: skip


async def _end(
    conn: Any, lead_id: str, rep_id: str, result: str, now: datetime, *, level: int, asked_at: datetime
) -> None:
    """The first owner is asked by being the owner, so their row is written when that ends."""
    ended = await conn.fetchval(
        """update offer set ended_at = $3, result = $4 where lead_id = $1 and rep_id = $2 and ended_at is null
           returning true""",
        lead_id, rep_id, now, result,
    )  # fmt: skip
    if not ended:
        await conn.execute(
            """insert into offer (lead_id, rep_id, level, kind, asked_at, ended_at, result)
               values ($1, $2, $3, 'ask', $4, $5, $6)""",
            lead_id, rep_id, level, asked_at, now, result,
        )  # fmt: skip


async def _tell(conn: Any, lead: Any, rep_id: str, level: int, now: datetime) -> None:
    if lead["owner_id"] is not None:
        await put_notice(
            conn, audience="rep", kind="lead_moved_on", at=now, lead_id=lead["id"], rep_id=lead["owner_id"],
            dedupe=f"{lead['id']}:moved_on:{level}:{lead['owner_id']}",
        )  # fmt: skip
    await put_notice(
        conn, audience="rep", kind="asked_next", at=now, lead_id=lead["id"], rep_id=rep_id,
        due=lead["first_attempt_due"], dedupe=f"{lead['id']}:asked:{level}:{rep_id}",
    )  # fmt: skip


async def _tell_managers(conn: Any, lead: Any, now: datetime) -> None:
    await put_notice(
        conn, audience="manager", kind="nobody_accepted", at=now, lead_id=lead["id"], due=lead["first_attempt_due"],
        dedupe=f"{lead['id']}:nobody_took_it",
    )  # fmt: skip
    await tell_story(
        conn, lead["id"], kind="notified", at=now, reason="nobody_accepted", data={"audience": "manager"},
        dedupe="nobody_took_it",
    )  # fmt: skip
