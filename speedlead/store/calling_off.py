"""A call that is no longer wanted while only a rep's phone rings: from the commit on, a key connects nobody."""

from datetime import datetime
from typing import Any

from speedlead.store.story import tell_story


async def take_back(conn: Any, touch_id: str, *, state: str, reason: str, at: datetime) -> tuple[str, ...] | None:
    """The provider's ids of what rings; None when the lead has been dialled, or the call is over.

    The caller holds the person's lock; legs come before their touch, as in whatever writes both.
    """
    legs = await conn.fetch("select * from leg where touch_id = $1 order by id for update", touch_id)
    touch = await conn.fetchrow("select * from touch where id = $1 for update", touch_id)
    if touch["state"] != "claimed" or any(leg["role"] == "lead" or leg["state"] == "accepted" for leg in legs):
        return None
    ringing = [leg for leg in legs if leg["state"] not in ("ended", "failed")]
    await conn.execute(
        "update leg set state = 'ended', result = 'called_off', ended_at = $2 where id = any($1::text[])",
        [leg["id"] for leg in ringing],
        at,
    )
    # a pause without an end has no instant at which the call would be due
    next_at = await conn.fetchval(
        "select paused_until from lead where id = $1 and $2 = 'deferred' and paused_until < '9000-01-01'",
        touch["lead_id"],
        state,
    )
    await conn.execute(
        """update touch set state = $2, reason = $3, reasons = array[$3], next_at = $4, lease_until_wall = null,
               settled_at = case when $2 = 'skipped' then $5::timestamptz end where id = $1""",
        touch_id, state, reason, next_at, at,
    )  # fmt: skip
    await tell_story(
        conn, touch["lead_id"], kind=state, at=at, step=touch["step"], reason=reason,
        data={"channel": "call", "next_at": next_at and next_at.isoformat()},
        dedupe=f"{state}:{touch_id}:{at.isoformat()}",
    )  # fmt: skip
    return tuple(leg["provider_id"] for leg in ringing if leg["provider_id"] is not None)
