"""Reps' own calendars as they were read: busy times, and how reading them goes. Times of reading are the wall's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from speedlead.ics import Span
from speedlead.store.rows import put_notice

# two times are a provider's bad moment; a quarter of an hour is a calendar that somebody should look at
TOLD_AFTER = 3
# whoever changes an address says so on this channel
WAKE = "calendars"

_GONE = "select id from rep where ics_url is null or not active"


@dataclass(frozen=True, slots=True)
class RepCalendar:
    """`etag`, `modified`, `digest`, `expanded_wall`: None until this address was read."""

    rep_id: str
    email: str
    zone: str
    url: str
    etag: str | None
    modified: str | None
    digest: str | None
    expanded_wall: datetime | None


async def calendars(conn: Any) -> list[RepCalendar]:
    rows = await conn.fetch(
        """select r.id as rep_id, lower(r.email) as email, r.zone, r.ics_url as url, c.etag, c.modified, c.digest,
               c.expanded_wall
           from rep r left join rep_calendar c on c.rep_id = r.id and c.url = r.ics_url
           where r.ics_url is not null and r.active order by r.id"""
    )
    return [RepCalendar(**row) for row in rows]


async def forget_gone(conn: Any) -> None:
    """Of those who have none any more nothing stays."""
    await conn.execute(f"delete from rep_busy where source = 'calendar' and rep_id in ({_GONE})")  # noqa: S608
    await conn.execute(f"delete from rep_calendar where rep_id in ({_GONE})")  # noqa: S608


async def note_same(conn: Any, read: RepCalendar, wall: datetime) -> None:
    await conn.execute(
        """update rep_calendar set read_wall = $3, failures = 0, failing_wall = null, problem = null
           where rep_id = $1 and url = $2""",
        read.rep_id, read.url, wall,
    )  # fmt: skip


async def note_read(conn: Any, read: RepCalendar, spans: Sequence[Span], remark: str | None, wall: datetime) -> None:
    """Puts the busy times in the place of the earlier ones, all at once; `read` has the new marks and digest."""
    if not await _still(conn, read):
        return
    await conn.execute(
        """insert into rep_calendar (rep_id, url, etag, modified, digest, remark, read_wall, expanded_wall)
           values ($1, $2, $3, $4, $5, $6, $7, $7)
           on conflict (rep_id) do update set url = $2, etag = $3, modified = $4, digest = $5, remark = $6,
               read_wall = $7, expanded_wall = $7, failures = 0, failing_wall = null, problem = null""",
        read.rep_id, read.url, read.etag, read.modified, read.digest, remark, wall,
    )  # fmt: skip
    await conn.execute("delete from rep_busy where rep_id = $1 and source = 'calendar'", read.rep_id)
    await conn.executemany(
        "insert into rep_busy (rep_id, source, starts_at, ends_at) values ($1, 'calendar', $2, $3)",
        [(read.rep_id, start, end) for start, end in spans],
    )


async def note_failure(conn: Any, read: RepCalendar, problem: str, wall: datetime) -> None:
    """What was read stays. The third time in a row the rep and operations are told, once until it is read again."""
    if not await _still(conn, read):
        return
    row = await conn.fetchrow(
        """insert into rep_calendar as c (rep_id, url, failures, failing_wall, problem) values ($1, $2, 1, $3, $4)
           on conflict (rep_id) do update set problem = $4,
               failures = case when c.url = $2 then c.failures + 1 else 1 end,
               failing_wall = case when c.url = $2 then coalesce(c.failing_wall, $3) else $3 end,
               -- the marks are another address's; its busy times stay until this one is read
               etag = case when c.url = $2 then c.etag end, modified = case when c.url = $2 then c.modified end,
               digest = case when c.url = $2 then c.digest end, url = $2
           returning failures, failing_wall""",
        read.rep_id, read.url, wall, problem,
    )  # fmt: skip
    if row["failures"] < TOLD_AFTER:
        return
    told: tuple[tuple[Literal["rep", "ops"], str | None], ...] = (("rep", read.rep_id), ("ops", None))
    for audience, rep_id in told:
        await put_notice(
            conn, audience=audience, kind="calendar_failing", at=wall, rep_id=rep_id, reason=problem,
            dedupe=f"calendar:{audience}:{read.rep_id}:{row['failing_wall']:%Y%m%dT%H%M%S}",
        )  # fmt: skip


async def _still(conn: Any, read: RepCalendar) -> bool:
    """False when somebody has changed or removed the address meanwhile."""
    return bool(await conn.fetchval("select ics_url = $2 from rep where id = $1 for share", read.rep_id, read.url))
