"""Open leads as the watchdog looks at them, and what it found."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from speedlead.contracts import LeadStatus
from speedlead.domain.flow_check import SOURCE
from speedlead.domain.limbo import OpenLead
from speedlead.store.rows import put_notice
from speedlead.store.story import tell_story

# after its lease nobody tries a claim for longer than an hour, and no call is longer (workflows/options.py)
_CLAIM_IS_OVER = timedelta(hours=2)

_OPEN = """
select l.id::text as lead_id, $1::timestamptz + l.clock_offset_us * interval '1 microsecond' as now,
    l.next_step as step, l.next_touch_at as next_at, l.next_why as why,
    exists (select from message m where m.lead_id = l.id and m.delivered_wall is null)
        or exists (select from touch t where t.lead_id = l.id and t.state = 'claimed'
            and (t.lease_until_wall < $4) is not true)
        or exists (select from touch t join leg g on g.touch_id = t.id where t.lead_id = l.id
            and g.state in ('claimed', 'ringing', 'answered', 'accepted')) as busy,
    l.plan_stopped is not null or coalesce(l.paused_until > $1, false) as held,
    case when l.owner_id is null then l.open_at is not null else r.active or l.plan_stopped is null end
        or l.source = $3 as routed
from lead l left join rep r on r.id = l.owner_id where l.closed_at is null and exists (select from message m
    where m.lead_id = l.id and m.kind = 'start' and m.delivered_wall < $2)
"""


async def open_leads(conn: Any, wall: datetime, started: timedelta) -> list[OpenLead]:
    """Those whose start was delivered that long ago, and more."""
    found = await conn.fetch(_OPEN, wall, wall - started, SOURCE, wall - _CLAIM_IS_OVER)
    return [OpenLead(**row) for row in found]


async def note(conn: Any, found: Mapping[str, str], wall: datetime) -> dict[str, int]:
    """Lead -> how many rounds have found it, this one included. Whoever is not among `found` is well again."""
    await conn.execute("delete from limbo where lead_id <> all($1::text[]::uuid[])", list(found))
    rows = await conn.fetch(
        """insert into limbo (lead_id, reason, found_wall, rounds)
           select lead_id::uuid, reason, $3, 1 from unnest($1::text[], $2::text[]) as f (lead_id, reason)
           on conflict (lead_id) do update set reason = excluded.reason, rounds = limbo.rounds + 1
           returning lead_id::text, rounds""",
        list(found), list(found.values()), wall,
    )  # fmt: skip
    return {row["lead_id"]: row["rounds"] for row in rows}


async def healed(conn: Any, lead_id: str, reason: str, now: datetime) -> None:
    key = f"healed:{reason}:{now.isoformat(timespec='minutes')}"
    await tell_story(conn, lead_id, kind="healed", at=now, reason=reason, dedupe=key)


async def show_next(conn: Any, lead_id: str, status: LeadStatus) -> None:
    """What the workflow itself waits for, where the rows have lost it."""
    await conn.execute(
        """update lead set next_step = $2, next_touch_at = $3, next_why = $4
           where id = $1 and closed_at is null and plan_stopped is null""",
        lead_id, status.next_step, status.next_at, status.why,
    )  # fmt: skip


async def tell(conn: Any, words: str, wall: datetime) -> None:
    """Once an hour."""
    await put_notice(
        conn, audience="ops", kind="leads_in_limbo", at=wall, reason=words,
        dedupe=f"leads_in_limbo:{wall:%Y-%m-%dT%H}",
    )  # fmt: skip


async def leads_in_limbo(conn: Any) -> int:
    """As the watchdog's last round found them."""
    return int(await conn.fetchval("select count(*) from limbo"))
