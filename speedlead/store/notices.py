"""Notices that ask people of ours for something, and those that they have taken note of."""

from datetime import datetime
from typing import Any

from speedlead.store.rows import put_notice


async def ask_for_call(
    conn: Any, lead_id: str, leg_id: str, rep_id: str, *, at: datetime, due: datetime | None
) -> None:
    """Asks a rep to call by hand, once: whoever was asked when the lead became hotter is asked still, by the same
    notice with the new deadline, unless they have taken it off their page. Of the other form they hear anyway.
    """
    still = await conn.fetchval(
        """update notice n set due_at = $4 from leg g, inquiry i
           where n.lead_id = $1::text::uuid and n.rep_id = $2::text::uuid and n.kind = 'call_task'
               and n.seen_wall is null and n.dedupe = n.lead_id || ':task:' || g.id
               and g.touch_id <> (select touch_id from leg where id = $3)
               and i.lead_id = n.lead_id and i.number = (select max(number) from inquiry where lead_id = n.lead_id)
               and n.at < i.submitted_at and g.ended_at >= i.submitted_at returning true""",
        lead_id, rep_id, leg_id, due,
    )  # fmt: skip
    if not still:
        await put_notice(
            conn, audience="rep", kind="call_task", at=at, lead_id=lead_id, rep_id=rep_id, due=due,
            dedupe=f"{lead_id}:task:{leg_id}",
        )  # fmt: skip


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
