"""Meetings of leads, as rows are read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Source = Literal["page", "calcom", "calendly"]

BOOKING = """
select b.*, r.name as rep_name, r.email as rep_email, r.zone as rep_zone, l.clock_offset_us, l.person_id, l.owner_id,
    l.closed_at
from booking b join lead l on l.id = b.lead_id left join rep r on r.id = b.rep_id
"""

_OF_PERSON = """where b.state = 'booked' and l.person_id = (select person_id from lead where id = $1)
order by b.created_at desc limit 1"""


@dataclass(frozen=True, slots=True)
class Booking:
    """Instants are business time of the lead. `rep_*`: None where another system's host is none of ours."""

    id: str
    lead_id: str
    number: int
    rep_id: str | None
    rep_name: str | None
    rep_email: str | None
    starts_at: datetime
    ends_at: datetime
    zone: str
    state: str
    sequence: int
    source: Source
    created_at: datetime
    clock_offset_us: int
    calendar: str
    calendar_problem: str | None

    @property
    def stands(self) -> bool:
        return self.state == "booked"


@dataclass(frozen=True, slots=True)
class Known:
    """`before`: there is more of this person than one post of a form; `mailed`: our mails reach them."""

    before: bool
    mailed: bool


async def known_person(conn: Any, lead_id: str) -> Known:
    """What was known of a lead's person. Raises LookupError."""
    row = await conn.fetchrow(
        """select (select count(*) from inquiry i where i.person_id = l.person_id) > 1
                   or exists (select from reply y where y.person_id = l.person_id and y.channel <> 'chat') as before,
               exists (select from person_email e where e.person_id = l.person_id and e.bad_reason is null) as mailed
           from lead l where l.id = $1::text::uuid""",
        lead_id,
    )
    if row is None:
        raise LookupError(f"lead {lead_id}: there is no such lead")
    return Known(row["before"], row["mailed"])


async def booking(conn: Any, booking_id: str) -> Booking:
    """Raises LookupError."""
    row = await conn.fetchrow(f"{BOOKING} where b.id = $1", booking_id)
    if row is None:
        raise LookupError(f"booking {booking_id}: there is no such booking")
    return of_row(row)


async def standing(conn: Any, lead_id: str) -> Booking | None:
    """The meeting that the person of this lead has, be it of a newer lead of theirs."""
    row = await conn.fetchrow(f"{BOOKING} {_OF_PERSON}", lead_id)
    return None if row is None else of_row(row)


async def of_lead(conn: Any, lead_id: str) -> list[Booking]:
    """Every meeting of the lead, the newest first."""
    return [of_row(row) for row in await conn.fetch(f"{BOOKING} where b.lead_id = $1 order by b.number desc", lead_id)]


async def held(conn: Any, start: datetime, end: datetime, but: str | None = None) -> dict[str, list[Any]]:
    """What bookings keep of each rep's time between the two, as spans."""
    rows = await conn.fetch(
        """select rep_id, held from booking where state = 'booked' and rep_id is not null
               and held && tstzrange($1, $2) and id is distinct from $3""",
        start, end, but,
    )  # fmt: skip
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row["rep_id"], []).append((row["held"].lower, row["held"].upper))
    return found


async def outside_booking(conn: Any, source: Source, external_id: str) -> str | None:
    """The id of our row for another system's booking."""
    found: str | None = await conn.fetchval(
        "select id from booking where source = $1 and external_id = $2", source, external_id
    )
    return found


def of_row(row: Any) -> Booking:
    return Booking(**{name: row[name] for name in Booking.__slots__})
