"""The touches of a lead that have ended, acknowledgements among them, as its workflow remembers them."""

from typing import Any

from speedlead.domain.settling import STAYS_DUE
from speedlead.telling import NOT_ARRIVED, Past

# a call counts from its start, and is over when its result is known. One that found nobody of ours is told as put off,
# and keeps its time when another step comes first
_PAST = """
select case when t.state = 'deferred' or t.reason = 'superseded' then t.planned_at
    else coalesce(t.sent_at, t.settled_at, t.placed_at, t.planned_at) end as at, t.step, t.channel, t.state,
    case when t.state <> 'sent' then t.reason
        when t.delivery = any($3::text[]) then t.delivery
        else t.call_result end as reason
from touch t
where t.lead_id = $1::text::uuid and t.purpose in ('plan', 'acknowledgement')
    and (t.state in ('sent', 'skipped', 'failed', 'in_doubt')
        or t.channel = 'call' and t.state = 'deferred' and t.reason = any($2::text[]))
    and not (t.channel = 'call' and t.state = 'sent' and t.call_result is null)
order by 1, t.id"""


async def past_of(conn: Any, lead_id: str) -> tuple[Past, ...]:
    """In the order in which they happened. Of a message that did not arrive `reason` says so: rows alone know that."""
    rows = await conn.fetch(_PAST, lead_id, list(STAYS_DUE), list(NOT_ARRIVED))
    return tuple(Past(**dict(row)) for row in rows)
