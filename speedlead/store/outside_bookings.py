"""Bookings that another system made (Cal.com, Calendly): taken over, moved and called off as it says."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from speedlead.ports import Clock
from speedlead.store.booking_rows import BOOKING, Source
from speedlead.store.bookings import insert, lock_lead, one_at_a_time, stop_plan, tell_reps
from speedlead.store.rows import newest_lead
from speedlead.store.story import tell_story


@dataclass(frozen=True, slots=True)
class Outside:
    """A booking as another system tells it. `before`: the id that it had before it was moved."""

    source: Source
    external_id: str
    starts_at: datetime
    ends_at: datetime
    zone: str
    host_email: str | None
    before: str | None = None


async def lead_of(conn: Any, lead_id: str | None, email: str, phone: str) -> str | None:
    """The newest lead, an open one first, of whom a booking is for; None when that is nobody, or not one person."""
    people = await conn.fetch(
        """select person_id from lead where id = $1
           union select person_id from person_email where $1::uuid is null and address = $2""",
        lead_id, email,
    )  # fmt: skip
    if not people and phone:
        people = await conn.fetch("select distinct person_id from person_phone where number = $1", phone)
    if len(people) != 1:
        return None
    lead = await newest_lead(conn, people[0]["person_id"])
    return None if lead is None else str(lead["id"])


async def put_outside(conn: Any, clock: Clock, lead_id: str, told: Outside) -> str | None:
    """Takes over a booking that was made or moved elsewhere, once; the lead that has a message now.

    The invitation and its reminders are the other system's.
    """
    lead = await lock_lead(conn, lead_id)
    now = clock.business(lead["clock_offset_us"])
    await one_at_a_time(conn)
    mine = [told.external_id, told.before] if told.before else [told.external_id]
    known = await conn.fetchrow(
        f"{BOOKING} where b.source = $1 and b.external_id = any($2) order by b.created_at desc limit 1",
        told.source, mine,
    )  # fmt: skip
    if known is not None and (known["external_id"] == told.external_id and known["starts_at"] == told.starts_at):
        return None
    if lead["closed_at"] is not None:
        return None
    rep_id = await conn.fetchval("select id from rep where lower(email) = lower($1) and active", told.host_email)
    if known is not None and known["state"] == "booked":
        booking_id, sequence, kind = known["id"], known["sequence"] + 1, "meeting_moved"
        await conn.execute(
            """update booking set starts_at = $2, ends_at = $3, held = $4, sequence = $5, external_id = $6,
                   rep_id = coalesce($7, rep_id), asked_at = null where id = $1""",
            booking_id, told.starts_at, told.ends_at, asyncpg.Range(told.starts_at, told.ends_at), sequence,
            told.external_id, rep_id,
        )  # fmt: skip
        await tell_story(
            conn, lead["id"], kind="meeting_moved", at=now, dedupe=f"moved:{booking_id}:{sequence}",
            data={"at": told.starts_at.isoformat(), "rep_id": rep_id},
        )  # fmt: skip
    else:
        # one meeting stands at a time: the newer word counts
        await conn.execute(
            "update booking set state = 'cancelled', settled_at = $2 where lead_id = $1 and state = 'booked'",
            lead["id"], now,
        )  # fmt: skip
        booking_id = await insert(
            conn, lead["id"], rep_id, told.starts_at, told.ends_at, (told.starts_at, told.ends_at), told.zone, now,
            told.source, told.external_id,
        )  # fmt: skip
        sequence, kind = 0, "meeting_new"
    await stop_plan(conn, clock, lead["id"], booking_id, told.starts_at, "booked_elsewhere", sequence)
    await tell_reps(conn, lead, rep_id, kind, told.starts_at, now, f"{booking_id}:{sequence}")
    return str(lead["id"])
