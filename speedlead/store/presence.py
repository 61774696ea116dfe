"""Whether somebody of ours is there: said by them, or learned from a call or task that they did not take."""

from dataclasses import dataclass
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
        """update rep set presence = 'away', away_until = $2, away_said = false where id = $1
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
        """update rep set presence = 'available', away_until = null
           where id = $1 and away_until is not null and not away_said""",
        rep_id,
    )


async def say(conn: Any, rep_id: str, presence: Literal["available", "busy", "away"], until: datetime | None) -> bool:
    """The rep's own word, which no call changes; `until`: the end of being away. False when there is no such rep."""
    return bool(
        await conn.fetchval(
            """update rep set presence = $2, away_until = $3, away_said = $2 = 'away' where id = $1 and active
               returning true""",
            rep_id, presence, until if presence == "away" else None,
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """Who is there at this instant; an absence that is over is none. `own`: by the rep's own word."""

    presence: Literal["available", "busy", "away"]
    until: datetime | None
    own: bool
    zone: str


async def presence_of(conn: Any, rep_id: str, now: datetime) -> Said | None:
    row = await conn.fetchrow("select presence, away_until, away_said, zone from rep where id = $1", rep_id)
    if row is None:
        return None
    if row["presence"] == "away" and row["away_until"] is not None and row["away_until"] <= now:
        return Said("available", None, False, row["zone"])
    own = row["away_said"] or row["presence"] == "busy"
    return Said(row["presence"], row["away_until"], own, row["zone"])
