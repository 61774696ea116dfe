"""What reps' calendars on servers are told of meetings, and what they are busy with."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead.ics import Span
from speedlead.store.booking_rows import BOOKING, Booking, of_row


@dataclass(frozen=True, slots=True)
class ToWrite:
    """`erased`: nothing of this person may stand in a calendar any more."""

    met: Booking
    tries: int
    erased: bool


async def to_write(conn: Any, wall: datetime, most: int) -> list[ToWrite]:
    rows = await conn.fetch(
        f"""select b.*, p.erased_wall is not null as erased from ({BOOKING}) b join person p on p.id = b.person_id
            where b.calendar = 'waiting' and (b.calendar_next_wall is null or b.calendar_next_wall <= $1)
            order by b.starts_at limit $2""",  # noqa: S608  nothing in it comes from outside
        wall, most,
    )  # fmt: skip
    return [ToWrite(of_row(row), row["calendar_tries"], row["erased"]) for row in rows]


async def written(conn: Any, met: Booking, calendar: str) -> None:
    """`calendar`: `written`, or `none` where there is no calendar. What changed meanwhile is written again."""
    await conn.execute(
        """update booking set calendar = $2, calendar_problem = null, calendar_tries = 0, calendar_next_wall = null
           where id = $1 and sequence = $3 and state = $4""",
        met.id, calendar, met.sequence, met.state,
    )  # fmt: skip


async def not_written(conn: Any, met: Booking, problem: str, next_wall: datetime) -> None:
    await conn.execute(
        """update booking set calendar_problem = $2, calendar_next_wall = $3, calendar_tries = calendar_tries + 1
           where id = $1""",
        met.id, problem, next_wall,
    )  # fmt: skip


async def names(conn: Any, rep_id: str) -> set[str]:
    """Of our own entries in the rep's calendar."""
    return {row["id"] for row in await conn.fetch("select id from booking where rep_id = $1", rep_id)}


async def reps_of(conn: Any, emails: Collection[str]) -> list[Any]:
    return list(
        await conn.fetch(
            "select id, lower(email) as email, zone from rep where active and lower(email) = any($1) order by id",
            list(emails),
        )
    )


async def put_busy(conn: Any, rep_id: str, spans: Sequence[Span]) -> None:
    """In the place of what was read before."""
    await conn.execute("delete from rep_busy where rep_id = $1 and source = 'caldav'", rep_id)
    await conn.executemany(
        "insert into rep_busy (rep_id, source, starts_at, ends_at) values ($1, 'caldav', $2, $3)",
        [(rep_id, start, end) for start, end in spans],
    )


async def forget_others(conn: Any, rep_ids: Collection[str]) -> None:
    """Of those who have no such calendar any more nothing stays."""
    await conn.execute("delete from rep_busy where source = 'caldav' and rep_id <> all($1::uuid[])", list(rep_ids))
