"""Whether somebody of ours is there: said by them, or learned from a call or task that they did not take."""

from datetime import datetime, timedelta
from typing import Any, Literal

from speedlead.store.rows import put_notice

# long enough to spare the next leads the ringing, short enough that nobody has to remember to come back
AWAY_AFTER_MISSED = timedelta(minutes=15)


async def missed(conn: Any, rep_id: str | None, lead_id: str, offer: str, now: datetime) -> None:
    """The rep did not take what was offered, so is away for a while, and that is said; `offer`: told once for each.

    Somebody who is away or busy by their own word stays so.
    """
    went = await conn.fetchval(
        """update rep set presence = 'away', away_until = $2 where id = $1
               and (presence = 'available' or presence = 'away' and away_until <= $3) returning true""",
        rep_id, now + AWAY_AFTER_MISSED, now,
    )  # fmt: skip
    if not went:
        return
    concerned: tuple[tuple[Literal["rep", "manager"], str | None], ...] = (("rep", rep_id), ("manager", None))
    for audience, told in concerned:
        await put_notice(
            conn, audience=audience, kind="away_after_missed", at=now, lead_id=lead_id, rep_id=told,
            reason="rep_no_answer", dedupe=f"away:{audience}:{offer}",
        )  # fmt: skip


async def came_back(conn: Any, rep_id: str | None) -> None:
    """Who takes a call is there again, unless they said that they are away."""
    await conn.execute(
        "update rep set presence = 'available', away_until = null where id = $1 and away_until is not null", rep_id
    )
