"""Touches that nobody sees to any more get an end: the lead closes, or its acknowledgement was given up.

What was claimed may have reached the provider, so it ends in doubt and its report still puts it right; what was put off
ends as left out, unless an earlier request of it was in doubt. The caller holds the person's lock.
"""

from datetime import datetime
from typing import Any

from speedlead.store.story import tell_story

# a claim says that a request may have been made; nothing else is known of it
_IN_DOUBT = "state = 'claimed' or doubted_wall is not null"


async def end_touches(conn: Any, lead_id: str, at: datetime) -> None:
    """With the lead end the touches that it has left open. A call that is talked on is none: its phone has rung."""
    await conn.execute(
        """update leg set state = 'failed', result = 'no_call_result', ended_at = $2
           from touch t where t.id = leg.touch_id and t.lead_id = $1 and t.state = 'claimed'
               and leg.state in ('claimed', 'ringing', 'answered')""",
        lead_id,
        at,
    )
    await _end(conn, lead_id, at, "state in ('claimed', 'deferred')", otherwise="skipped", why="lead_closed")


async def end_acknowledgement(conn: Any, lead_id: str, number: int, at: datetime) -> list[Any]:
    """The tries of an hour have all failed, or died. Answers step, channel, state and reason of what it has ended."""
    mine = f"purpose = 'acknowledgement' and state in ('claimed', 'deferred') and step ~ '^ack-{int(number)}(-|$)'"
    return await _end(conn, lead_id, at, mine, otherwise="failed", why="provider_down")


async def _end(conn: Any, lead_id: str, at: datetime, which: str, *, otherwise: str, why: str) -> list[Any]:
    ended: list[Any] = await conn.fetch(
        f"""update touch t set state = case when {_IN_DOUBT} then 'in_doubt' else $3 end,
               reason = case when t.state = 'claimed' and channel = 'call' then 'no_call_result'
                   when t.state = 'claimed' then 'no_answer_from_provider' else $4 end,
               reasons = array[case when t.state = 'claimed' and channel = 'call' then 'no_call_result'
                   when t.state = 'claimed' then 'no_answer_from_provider' else $4 end],
               doubted_wall = case when channel = 'call' then doubted_wall
                   when t.state = 'claimed' then coalesce(doubted_wall, claimed_wall) else doubted_wall end,
               lease_until_wall = null, next_at = null, settled_at = $2
           where lead_id = $1 and {which} returning id, step, channel, state, reason""",  # noqa: S608  all of it is ours
        lead_id,
        at,
        otherwise,
        why,
    )
    for touch in ended:
        if touch["state"] != "skipped":  # what ends with its lead is said by the lead's own end
            await tell_story(
                conn, lead_id, kind=touch["state"], at=at, step=touch["step"], reason=touch["reason"],
                data={"channel": touch["channel"]}, dedupe=f"{touch['state']}:{touch['id']}",
            )  # fmt: skip
    return ended
