"""Our people as managers see them: everybody, with who is there, how full they are, and how their calendar is read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from speedlead.domain.business import Calendars
from speedlead.domain.opening import Shift
from speedlead.domain.standing import Why
from speedlead.records import RepRecord
from speedlead.store.reps import rep_record

Presence = Literal["available", "busy", "away"]

_PEOPLE = """
select r.*, (select count(*)::int from lead l where l.owner_id = r.id and l.closed_at is null
        and (l.program is null or not r.active)) as open_leads,  -- who has left hands over programs as well
    null as not_there, c.read_wall, c.failures, c.problem, c.remark,
    (select array_agg(array[b.source, b.starts_at::text, b.ends_at::text] order by b.starts_at) from rep_busy b
        where b.rep_id = r.id) as spans
from rep r left join rep_calendar c on c.rep_id = r.id and c.url = r.ics_url
"""


@dataclass(frozen=True, slots=True)
class Person:
    """`calendar_host`: None without a calendar; `read_wall`: when it was last read well."""

    rep: RepRecord
    active: bool
    team: str | None
    usual: Shift
    not_there: tuple[tuple[Why, datetime, datetime], ...]
    calendar_host: str | None
    read_wall: datetime | None
    failures: int
    problem: str | None
    remark: str | None


async def people(conn: Any, calendars: Calendars) -> list[Person]:
    """Who has left stands at the end."""
    rows = await conn.fetch(_PEOPLE + " order by not r.active, lower(r.name), r.id")
    return [_person(row, calendars) for row in rows]


async def person(conn: Any, calendars: Calendars, rep_id: str) -> Person | None:
    row = await conn.fetchrow(_PEOPLE + " where r.id = $1", rep_id)
    return _person(row, calendars) if row else None


def _person(row: Any, calendars: Calendars) -> Person:
    from urllib.parse import urlsplit

    rep = rep_record(row, calendars)
    team = calendars.team_of(rep.email)
    spans = tuple((why, _instant(start), _instant(end)) for why, start, end in row["spans"] or ())
    return Person(
        rep=rep, active=row["active"], team=team.id if team else None, usual=rep.shifts[0], not_there=spans,
        calendar_host=urlsplit(row["ics_url"]).hostname if row["ics_url"] else None,
        read_wall=row["read_wall"], failures=row["failures"] or 0, problem=row["problem"], remark=row["remark"],
    )  # fmt: skip


def _instant(text: str) -> datetime:
    # Postgres writes a zone as +00, which Python reads from 3.11 on
    return datetime.fromisoformat(text)


async def rep_facts(conn: Any, rep_id: str) -> dict[str, Any] | None:
    """For the audit: nothing that says where somebody lives, what they are called, or their calendar's address."""
    row = await conn.fetchrow(
        """select active, manager, zone, capacity, weight, lane, presence, away_until::text as away_until, channels,
               territories, products, languages, weekly::text as hours, ics_url is not null as has_calendar,
               (select count(*)::int from rep_busy b where b.rep_id = r.id and b.source = 'time_off') as times_off
           from rep r where id = $1::text::uuid""",
        rep_id,
    )
    return (
        {name: ", ".join(value) if isinstance(value, list) else value for name, value in row.items()} if row else None
    )
