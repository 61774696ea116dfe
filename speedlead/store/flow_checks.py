"""Rows of the flow check: how far its lead has come, what was measured, and the end of what it left behind."""

from datetime import datetime, timedelta
from typing import Any

from speedlead.domain.flow_check import SOURCE, Result, news
from speedlead.store.rows import put_notice

# of a lead `l` that lists and figures may count
REAL = f"l.source <> '{SOURCE}'"
# what was measured stays for a quarter, its leads for a day
_KEEP_RESULTS = timedelta(days=90)
KEEP_LEADS = timedelta(days=1)

_PROGRESS = """
select l.id::text as lead_id,
    exists (select from message m where m.lead_id = l.id and m.kind = 'start' and m.delivered_wall is not null)
        as started,
    exists (select from touch t where t.lead_id = l.id and t.step = 'ack-1' and t.state = 'sent') as acknowledged,
    exists (select from touch t where t.lead_id = l.id and t.step = 'ack-1' and t.delivery = 'delivered') as delivered,
    l.closed_at is not null as ended
from person_email e join lead l on l.person_id = e.person_id where e.address = $1 and l.source = $2
"""

# What points to others first. People of ours can do with a check's lead whatever they do with leads: pass it on, answer
# it, give it a number.
_BY_LEAD = (
    "quality_pick", "booking", "feedback", "notice", "story", "message", "outcome", "placement", "assignment", "offer",
    "breach", "script_answer", "known_fact", "judgement", "assistant_turn", "answer", "reply", "inbound_call",
    "ai_voice_consent", "touch", "inquiry",
)  # fmt: skip
_FORGET = (
    "delete from provider_event where split_part(touch_id, '.', 1) = any($1::text[])",
    "delete from leg where split_part(touch_id, '.', 1) = any($1::text[])",
    *(f"delete from {table} where lead_id = any($1::text[]::uuid[])" for table in _BY_LEAD),  # noqa: S608
    "delete from lead where id = any($1::text[]::uuid[])",
)
# whoever has got another lead meanwhile is nobody's check any more
_ALONE = """select id::text from person p
where id = any($1::text[]::uuid[]) and not exists (select from lead l where l.person_id = p.id)"""
_BY_PERSON = ("person_email", "person_phone", "suppression", "reply", "merge")
_FORGET_PEOPLE = (
    "update person set possible_duplicate_of = null where possible_duplicate_of = any($1::text[]::uuid[])",
    *(f"delete from {table} where person_id = any($1::text[]::uuid[])" for table in _BY_PERSON),  # noqa: S608
    "delete from person where id = any($1::text[]::uuid[])",
)


async def progress(conn: Any, address: str) -> Any | None:
    """lead_id, started, acknowledged, delivered, ended; None before its form is taken in."""
    return await conn.fetchrow(_PROGRESS, address, SOURCE)


async def write_result(conn: Any, result: Result, wall: datetime) -> None:
    """With what operations have to hear of it: an outage once, and its end once."""
    before = await conn.fetchrow("select id, ok from flow_check order by id desc limit 1")
    number = await conn.fetchval(
        """insert into flow_check (at_wall, ok, stage, form_ms, acknowledged_ms, delivered_ms, ended_ms, error, lead_id)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id""",
        wall, result.ok, result.stage,
        *(result.ms.get(stage) for stage in ("form", "acknowledged", "delivered", "ended")),
        result.error, result.lead_id,
    )  # fmt: skip
    match news(before["ok"] if before else None, result.ok):
        case "failed":
            await put_notice(
                conn, audience="ops", kind="flow_check_failed", at=wall, reason=result.error,
                dedupe=f"flow_check_failed:{number}",
            )  # fmt: skip
        case "recovered":
            await put_notice(
                conn, audience="ops", kind="flow_check_works", at=wall, dedupe=f"flow_check_works:{number}"
            )


async def clean(conn: Any, wall: datetime) -> int:
    """Deletes checks' leads of more than a day ago that have ended, and old results; how many leads.

    One that is still open belongs to a workflow: it is told to stop first, by `left_open`.
    """
    leads = await conn.fetch(
        """select id::text, person_id::text as person from lead
           where source = $1 and created_wall < $2 and closed_at is not null limit 1000""",
        SOURCE, wall - KEEP_LEADS,
    )  # fmt: skip
    if leads:
        for statement in _FORGET:
            await conn.execute(statement, [row["id"] for row in leads])
        alone = [row["id"] for row in await conn.fetch(_ALONE, [row["person"] for row in leads])]
        for statement in _FORGET_PEOPLE:
            await conn.execute(statement, alone)
    await conn.execute("delete from flow_check where at_wall < $1", wall - _KEEP_RESULTS)
    return len(leads)


async def left_open(conn: Any, wall: datetime) -> list[str]:
    """Leads of earlier checks that nobody has ended, because the check broke off."""
    rows = await conn.fetch(
        """select id::text from lead where source = $1 and closed_at is null and created_wall < $2
           order by created_wall limit 100""",
        SOURCE, wall - timedelta(minutes=2),
    )  # fmt: skip
    return [row["id"] for row in rows]
