"""Meetings whose time is over: what their rows and the calls around them say about whether the lead came."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

# somebody logged a decision since it began, or a call connected us from shortly before it on
_OVER = """
select b.id, b.lead_id, b.rep_id, b.ends_at, b.asked_at, b.source, l.owner_id, l.clock_offset_us, l.closed_at,
    exists (select from outcome o where o.lead_id = b.lead_id and o.at >= b.starts_at
            and (o.outcome is not null or o.call_result = 'connected'))
        or exists (select from touch t where t.lead_id = b.lead_id and t.call_result = 'connected'
            and coalesce(t.sent_at, t.claimed_at) >= b.starts_at - interval '15 minutes')
        or exists (select from inbound_call i where i.lead_id = b.lead_id and i.rep_id is not null
            and i.at >= b.starts_at - interval '15 minutes') as spoken
from booking b join lead l on l.id = b.lead_id
where b.state = 'booked' and b.ends_at <= $1::timestamptz + l.clock_offset_us * interval '1 microsecond'
order by b.ends_at limit $2
"""


@dataclass(frozen=True, slots=True)
class Over:
    """`spoken`: somebody of ours spoke with the lead, or said what came of it, since shortly before it began."""

    id: str
    lead_id: str
    rep_id: str | None
    ends_at: datetime
    asked_at: datetime | None
    source: str
    owner_id: str | None
    clock_offset_us: int
    closed_at: datetime | None
    spoken: bool


async def over(conn: Any, wall: datetime, most: int) -> list[Over]:
    return [Over(**row) for row in await conn.fetch(_OVER, wall, most)]


async def asked(conn: Any, booking_id: str, now: datetime) -> None:
    await conn.execute("update booking set asked_at = $2 where id = $1", booking_id, now)
