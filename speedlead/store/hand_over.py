"""Whose leads are handed over, and to whom, as rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from speedlead.domain.hand_over import Heir, spread
from speedlead.store.steering import Wanted, begin_run


async def rep_named(conn: Any, name: str) -> tuple[str, str] | None:
    """(id, name) of the rep with this e-mail address or id, also of one who has left."""
    row = await conn.fetchrow("select id, name from rep where lower(email) = lower($1) or id::text = $1", name.strip())
    return None if row is None else (row["id"], row["name"])


async def plan_hand_over(conn: Any, rep_id: str, to: str | None) -> dict[str, str]:
    """Lead -> new owner of every open lead of the rep, what is due first on top; `to` None: spread over the others.

    Raises LookupError when `to` cannot have them, NoRoom when there is no place for all.
    """
    rows = await conn.fetch(
        """select id, program from lead where owner_id = $1 and closed_at is null
           order by next_touch_at nulls last, first_attempt_due nulls last, created_at""",
        rep_id,
    )
    leads = [row["id"] for row in rows]
    if to is not None:
        if to == rep_id:
            raise LookupError("expected somebody else than who has the leads now")
        if not await conn.fetchval("select exists (select from rep where id = $1 and active)", to):
            raise LookupError("expected an active rep")
        return dict.fromkeys(leads, to)
    heirs = await conn.fetch(
        """select r.id, r.capacity, r.weight,
               (select count(*)::int from lead l where l.owner_id = r.id and l.closed_at is null
                   and l.program is null) as open_leads
           from rep r where r.active and not r.manager and r.id <> $1
               and not (r.presence = 'away' and r.away_until is null)""",
        rep_id,
    )
    programs = [row["id"] for row in rows if row["program"] is not None]
    return spread(
        [row["id"] for row in rows if row["program"] is None],
        [Heir(row["id"], row["open_leads"], row["capacity"], row["weight"]) for row in heirs],
    ) | spread(
        # they count for no capacity, and thousands of them leave nobody without room for those who wait
        programs,
        [Heir(row["id"], 0, len(programs), row["weight"]) for row in heirs],
    )


async def begin_hand_over(
    conn: Any, rep_id: str, plan: Mapping[str, str], reason: str, *,
    role: str, account_id: str | None, wall: datetime, background: bool = False,
) -> str:  # fmt: skip
    """Writes the run in which each lead goes to its new owner, unless it is not the rep's any more by then; its id."""
    leads = {lead_id: {"rep_id": heir, "expected_owner": rep_id} for lead_id, heir in plan.items()}
    wanted = Wanted("reassign", {}, reason, leads, {"owner": rep_id}, role, account_id, background=background)
    return await begin_run(conn, wanted, wall)
