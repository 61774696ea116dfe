"""The audit: one row for each change that a person asks for, committed before the change, closed after it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from speedlead import ids
from speedlead.contracts import Steered

# the line that a lead's row draws: no word that anybody wrote
_LEAD = """
select stage, owner_id::text as owner_id, plan_id || ' v' || plan_version as plan, plan_stopped, close_reason,
    case when isfinite(paused_until) then to_jsonb(paused_until) #>> '{}' else paused_until::text end as paused_until,
    (select count(*) from outcome o where o.lead_id = l.id)::int as outcomes,
    (select count(*) from answer a where a.lead_id = l.id)::int as answers
from lead l where id = $1::text::uuid"""


_ERASES = ("lead erase", "/leads/{lead_id}/erase")
# keeps these locks apart from the other advisory locks
_UPDATES = 10


@dataclass(frozen=True, slots=True)
class Change:
    """`account_id` is None for the command line (`whoami.command_line`) and the API key; `asked` holds codes and ids of
    the request, `note` why it was made.
    """

    account_id: str | None
    role: str
    rep_id: str | None
    action: str
    object: str | None
    asked: dict[str, Any]
    note: str | None = None
    request_id: str = field(default_factory=ids.new_id)


@dataclass(frozen=True, slots=True)
class Line:
    at_wall: datetime
    who: str
    role: str
    action: str
    object: str | None
    asked: dict[str, Any]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    status: int | None
    request_id: str
    # in the words of whoever did it, or began the run that asks many leads
    why: str | None


async def lead_facts(conn: Any, lead_id: str) -> dict[str, Any] | None:
    row = await conn.fetchrow(_LEAD, lead_id)
    return dict(row) if row else None


async def begin(conn: Any, change: Change, before: dict[str, Any] | None, wall: datetime) -> int:
    return int(
        await conn.fetchval(
            """insert into audit (at_wall, account_id, role, rep_id, action, object, asked, before, request_id,
                   note)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning id""",
            wall, change.account_id, change.role, change.rep_id, change.action, change.object, change.asked, before,
            change.request_id, change.note,
        )
    )  # fmt: skip


async def end(conn: Any, audit_id: int, after: dict[str, Any] | None, status: int, *, made: str | None = None) -> None:
    """`made` is the id of what did not exist when the change began."""
    await conn.execute(
        "update audit set after = $2, status = $3, object = coalesce($4, object) where id = $1",
        audit_id, after, status, made,
    )  # fmt: skip


async def lines(conn: Any, *, object_id: str | None = None, limit: int = 200) -> list[Line]:
    """Newest first."""
    rows = await conn.fetch(
        """select u.at_wall, coalesce(a.email, r.email, nullif(split_part(u.role, ': ', 2), ''), u.role) as who,
               split_part(u.role, ': ', 1) as role, u.action, u.object, u.asked, u.before, u.after, u.status,
               u.request_id::text as request_id, coalesce(u.note, s.reason) as why
           from audit u left join account a on a.id = u.account_id left join rep r on r.id = u.rep_id
           left join steering_run s on s.id::text = u.asked ->> 'run'
           where $1::text is null or u.object = $1 order by u.id desc limit $2""",
        object_id, limit,
    )  # fmt: skip
    return [Line(**row) for row in rows]


class AuditStore:
    """Lines of what was asked of Temporal itself, as activities write them (`records.AuditLines`)."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def stands(self, request_id: str, lead_id: str) -> bool:
        # the line of an erasure stands for every lead of the person
        found = """select exists (select from audit where object = $2 and request_id = $1)
                       or exists (select from audit where request_id = $1 and action = any($3::text[]))"""
        return bool(await self._pool.fetchval(found, request_id, lead_id, _ERASES))

    async def begin(self, lead_id: str, steered: Steered, client: str | None, wall: datetime) -> int | None:
        request_id = ids.request_id(lead_id, steered.update_id)
        asked = {"by": steered.by, "client": client, **steered.asked}
        change = Change(
            # they have no account of ours there
            None, f"temporal: {steered.by or client or 'somebody'}", None, f"temporal {steered.update}", lead_id,
            {name: text for name, text in asked.items() if text}, steered.reason, request_id,
        )  # fmt: skip
        async with self._pool.acquire() as conn, conn.transaction():
            await conn.execute("select pg_advisory_xact_lock($1, hashtext($2))", _UPDATES, request_id)
            # an erased lead writes nothing any more
            before = await lead_facts(conn, lead_id)
            if before is None:
                return None
            known = "select id from audit where object = $1 and request_id = $2"
            return await conn.fetchval(known, lead_id, request_id) or await begin(conn, change, before, wall)

    async def end(self, line: int, status: int) -> None:
        async with self._pool.acquire() as conn, conn.transaction():
            about = await conn.fetchval("select object from audit where id = $1", line)
            await end(conn, line, await lead_facts(conn, about), status)
