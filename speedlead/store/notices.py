"""Notices that people of ours have taken note of."""

from datetime import datetime
from typing import Any


async def mark_seen(conn: Any, notice_id: str, rep_id: str | None, wall: datetime) -> bool:
    """Takes the notice off the rep's list; managers may also take off what all of them were told. False if gone.

    Without a rep it is the list of operations.
    """
    return (
        await conn.fetchval(
            """
update notice n set seen_wall = $3 where n.id = $1::text::uuid and n.seen_wall is null
    and (n.rep_id = $2::text::uuid or (n.rep_id is null and n.audience = 'manager'
        and exists (select 1 from rep r where r.id = $2::text::uuid and r.manager))
        or ($2 is null and n.audience = 'ops'))
returning true""",
            notice_id,
            rep_id,
            wall,
        )
        is True
    )
