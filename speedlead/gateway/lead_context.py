"""What the templates of one lead need: its rows, read in one transaction, and its own present."""

from datetime import timedelta
from typing import Any

from speedlead.gateway import rendering
from speedlead.gateway.deps import GatewayDeps
from speedlead.store import views
from speedlead.store.assignments import why_this_rep
from speedlead.store.booking_rows import of_lead
from speedlead.store.conversations import conversation
from speedlead.store.known_lead import known_of, life_of
from speedlead.store.transactions import transact
from speedlead.telling import lines
from speedlead.times import clock

# REQ 28: every inquiry is acknowledged within 30 seconds; from when it lawfully may be, as `metric_lead` counts
ACKNOWLEDGE_WITHIN = timedelta(seconds=30)

_PLANS = "select id || ':' || version as plan from plan order by id, version desc"
# the newest first; which of them is meant, where a result is logged, only a person can say
_OPEN_CALLS = """
select t.id as touch_id, t.step, coalesce(t.sent_at, t.claimed_at) as at from touch t
where t.lead_id = $1::text::uuid and t.channel = 'call'
    and (t.state = 'claimed' or t.state = 'sent' and t.call_result is null)
    and not exists (select from outcome o where o.touch_id = t.id and o.call_result is not null)
order by at desc, t.id"""
_PUT_OFF = """
select max(put_off_to) from touch
where lead_id = $1::text::uuid and purpose = 'acknowledgement' and split_part(step, '-', 2) = '1'"""


# a program and the lead behind it, by each other; `since`: what the program counts from
_PROGRAM = """
select l.program, l.follows::text as behind, l.open_at as since, (select n.id::text from lead n where n.follows = l.id
    order by n.created_at desc limit 1) as goes_on
from lead l where l.id = $1::text::uuid"""


async def lead_context(deps: GatewayDeps, lead_id: str) -> dict[str, Any] | None:
    """None when there is no such lead."""

    async def read(conn: Any) -> dict[str, Any]:
        return {
            "view": await views.lead_view(conn, lead_id),
            "explained": await views.explain(conn, lead_id),
            "entries": await views.timeline(conn, lead_id),
            "talk": await conversation(conn, lead_id),
            "routing": await why_this_rep(conn, lead_id),
            "known": await known_of(conn, lead_id),
            "life": await life_of(conn, lead_id),
            "meetings": await of_lead(conn, lead_id),
            "open_calls": await conn.fetch(_OPEN_CALLS, lead_id),
            "owners": [(rep.rep_id, rep.name) for rep in await views.reps(conn)],
            "plans": [row["plan"] for row in await conn.fetch(_PLANS)],
            "put_off": await conn.fetchval(_PUT_OFF, lead_id),
            "program": await conn.fetchrow(_PROGRAM, lead_id),
        }

    found = await transact(deps.pool, read)
    view = found["view"]
    if view is None or found["explained"] is None or found["talk"] is None:
        return None
    card, told = view.card, found["explained"].told
    return found | {
        "lines": lines(told, lambda at: clock(at, card.zone)),
        "now": deps.clock.business(view.card.clock_offset_us),
        "ack_due": max(card.created_at, found["put_off"] or card.created_at) + ACKNOWLEDGE_WITHIN,
        "temporal_url": rendering.workflow_url(deps.settings, lead_id),
    }
