"""How far a house has come with its first steps, from what is really there."""

from typing import Any

from speedlead.store.flow_checks import REAL

_COUNTED = """
select
    count(*)::int as reps, count(r.phone)::int as reps_with_phone,
    (count(*) filter (where cardinality(r.territories) > 0))::int as reps_with_territory,
    (count(*) filter (where exists (select from push_device d where d.rep_id = r.id)))::int as reps_with_push,
    (count(*) filter (where exists (select from script_answer s where s.rep_id = r.id)))::int as reps_with_script,
    (select array_agg(distinct a.role) from account a where a.active) as roles,
    (select max(at) from audit_run) as audited_at
from rep r where r.active and not r.manager
"""

_OF_LEADS = f"""
select
    (select count(distinct l.form_key) from lead l where {REAL})::int as forms,
    (select count(distinct l.form_key) from lead l where {REAL} and l.acknowledged_at is not null)::int
        as forms_acknowledged,
    (select count(*) from outcome o join lead l on l.id = o.lead_id where {REAL} and l.program is null
        and o.outcome is not null)::int
        as outcomes
"""  # noqa: S608  a constant of ours


async def counted(conn: Any) -> dict[str, Any]:
    """Fields of Counted: what a house has."""
    row = dict(await conn.fetchrow(_COUNTED))
    return row | {"roles": frozenset(row["roles"] or ()), "flow_ok": await flow_ok(conn)}


async def of_leads(conn: Any) -> dict[str, Any]:
    """Fields of Counted that all leads are looked at for."""
    return dict(await conn.fetchrow(_OF_LEADS))


async def flow_ok(conn: Any) -> bool | None:
    """Did the newest flow check come through? None: none has run."""
    found: bool | None = await conn.fetchval("select ok from flow_check order by id desc limit 1")
    return found


async def failing_chores(conn: Any) -> list[str]:
    """Names of those whose last round failed; what was switched off is none."""
    rows = await conn.fetch(
        "select name from chore where failures_in_a_row > 0 and next_wall is not null order by name"
    )
    return [row["name"] for row in rows]
