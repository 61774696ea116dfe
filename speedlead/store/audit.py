"""The audit: one row for each change that a person asks for, committed before the change, closed after it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead import ids

# the line that a lead's row draws: no word that anybody wrote
_LEAD = """
select stage, owner_id::text as owner_id, plan_id || ' v' || plan_version as plan, plan_stopped, close_reason,
    case when isfinite(paused_until) then to_jsonb(paused_until) #>> '{}' else paused_until::text end as paused_until,
    (select count(*) from outcome o where o.lead_id = l.id)::int as outcomes,
    (select count(*) from answer a where a.lead_id = l.id)::int as answers
from lead l where id = $1::text::uuid"""


@dataclass(frozen=True, slots=True)
class Change:
    """`account_id` is None for the command line and the API key; `asked` holds codes and ids of the request, `note` why
    it was made.
    """

    account_id: str | None
    role: str
    rep_id: str | None
    action: str
    object: str | None
    asked: dict[str, Any]
    note: str | None = None


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
            ids.new_id(), change.note,
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
        """select u.at_wall, coalesce(a.email, r.email, u.role) as who, u.role, u.action, u.object, u.asked, u.before,
               u.after, u.status, u.request_id::text as request_id, coalesce(u.note, s.reason) as why
           from audit u left join account a on a.id = u.account_id left join rep r on r.id = u.rep_id
           left join steering_run s on s.id::text = u.asked ->> 'run'
           where $1::text is null or u.object = $1 order by u.id desc limit $2""",
        object_id, limit,
    )  # fmt: skip
    return [Line(**row) for row in rows]
