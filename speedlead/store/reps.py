"""Our people, as activities and pages of the calendar read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from speedlead.domain.business import Calendars
from speedlead.domain.crew import shifts_of
from speedlead.domain.roster import Roster, rosters
from speedlead.domain.scoring import Track
from speedlead.records import RepRecord

PERFORMANCE_OVER = timedelta(days=90)

_REPS = """
select r.*, (select count(*) from lead l where l.owner_id = r.id and l.closed_at is null
        and l.program is null) as open_leads,
    (select array_agg(tstzrange(b.starts_at, b.ends_at) order by b.starts_at) from rep_busy b where b.rep_id = r.id)
        as not_there,
    (select array_agg(tstzrange(b.starts_at, b.ends_at) order by b.starts_at) from rep_busy b
        where b.rep_id = r.id and b.source = 'time_off') as off,
    (select jsonb_agg(jsonb_build_array(o.cover, o.level, o.day)) from oncall_override o where o.rep_id = r.id)
        as overrides
from rep r where r.active order by r.last_assigned_wall nulls first, r.name
"""

_TRACKS = """
select owner_id, count(*)::int as owned,
    (count(*) filter (where stage in ('booked', 'qualified', 'converted')))::int as won,
    (count(*) filter (where first_attempt_at is not null))::int as attempted,
    (count(*) filter (where first_attempt_at <= first_attempt_due))::int as timely
from lead where owner_id is not null and program is null and created_at > $1
    and (closed_at is not null or first_attempt_at is not null)
group by owner_id
"""


async def read_reps(conn: Any, calendars: Calendars) -> tuple[RepRecord, ...]:
    """Who is active, the one who has waited longest for a lead first."""
    rows = await conn.fetch(_REPS)
    turns = rosters(calendars, [_person(row) for row in rows if row["phone"] and not row["manager"]])
    return tuple(rep_record(row, calendars, turns) for row in rows)


async def read_rosters(conn: Any, calendars: Calendars) -> tuple[Roster, ...]:
    """Who is on call when, in every cover with a rotation. A manager makes no calls, so is not on call either."""
    rows = await conn.fetch(_REPS)
    return rosters(calendars, [_person(row) for row in rows if row["phone"] and not row["manager"]])


async def read_tracks(conn: Any, now: datetime) -> dict[str, Track]:
    """What came of the leads of the last 90 days, by owner."""
    rows = await conn.fetch(_TRACKS, now - PERFORMANCE_OVER)
    return {row["owner_id"]: Track(row["owned"], row["won"], row["attempted"], row["timely"]) for row in rows}


@dataclass(frozen=True, slots=True)
class _Person:
    """As `duty.Person` has it."""

    email: str
    off: tuple[tuple[datetime, datetime], ...]
    overrides: tuple[tuple[str, int, date], ...]


def _person(row: asyncpg.Record) -> _Person:
    overrides = tuple((cover, level, date.fromisoformat(day)) for cover, level, day in row["overrides"] or ())
    return _Person(row["email"], tuple((span.lower, span.upper) for span in row["off"] or ()), overrides)


def rep_record(row: asyncpg.Record, calendars: Calendars, turns: Sequence[Roster] = ()) -> RepRecord:
    weekly = {int(day): tuple((a, b) for a, b in spans) for day, spans in row["weekly"].items()}
    return RepRecord(
        rep_id=row["id"],
        name=row["name"],
        email=row["email"],
        phone=row["phone"],
        zone=row["zone"],
        weekly=weekly,
        capacity=row["capacity"],
        weight=row["weight"],
        presence=row["presence"],
        manager=row["manager"],
        open_leads=row["open_leads"],
        shifts=shifts_of(calendars, email=row["email"], zone=row["zone"], weekly=weekly, rosters=turns),
        away_until=row["away_until"],
        territories=tuple(row["territories"]),
        products=tuple(row["products"]),
        languages=tuple(row["languages"]),
        channels=tuple(row["channels"]),
        lane=row["lane"],
        not_there=tuple((span.lower, span.upper) for span in row["not_there"] or ()),
        last_assigned=row["last_assigned_wall"],
    )


async def set_video(conn: Any, email: str, url: str | None, thumbnail: str | None) -> bool:
    """What the rep has recorded for leads; False when there is no such rep."""
    return bool(
        await conn.fetchval(
            """update rep set video_url = $2, video_thumbnail = case when $2::text is null then null else $3 end
               where lower(email) = $1 returning true""",
            email, url, thumbnail,
        )
    )  # fmt: skip


async def is_one_of_us(conn: Any, address: str) -> bool:
    """A mailbox or number of our own people, also the one that only their notices go to: who answers a notice is no
    lead. `address`: an e-mail address in lower case, or a number.
    """
    return bool(
        await conn.fetchval(
            """select exists (select from rep r left join rep_channel k on k.rep_id = r.id
                   where $1 in (lower(r.email), r.phone, k.mobile))
               or exists (select from account where email = $1)""",
            address,
        )
    )
