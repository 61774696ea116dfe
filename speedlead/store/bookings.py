"""Meetings that leads have booked: chosen, moved, called off, missed. Each change is one commit with its effects.

Locks are taken in the order person, lead, bookings; of bookings one is made or moved at a time, so that of many who
want the same time the first has it and the others are told at once. The constraint of the table holds whatever races.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from speedlead.contracts import AssignedSignal
from speedlead.domain.booking import BookingRules
from speedlead.domain.outcomes import Outcome
from speedlead.domain.plan import Plan
from speedlead.ports import Clock
from speedlead.store import routing
from speedlead.store.booking_rows import BOOKING, Booking, Source, booking, of_row
from speedlead.store.outcomes import Logged, OutcomeRefused, log_outcome
from speedlead.store.programs import leave, own_lead
from speedlead.store.reopening import reopen
from speedlead.store.rows import lock_person, newest_lead, put_message, put_notice
from speedlead.store.story import tell_story

# keeps this lock apart from the other advisory locks
_BOOKINGS = 8
SOON = timedelta(minutes=5)

# who of these, in this order, is free for all of $2
_FREE = """
select c.rep_id from unnest($1::uuid[]) with ordinality c (rep_id, n) join rep r on r.id = c.rep_id and r.active
where not exists (select from booking b where b.rep_id = c.rep_id and b.state = 'booked' and b.held && $2
        and b.id is distinct from $3)
    and not exists (select from rep_busy y where y.rep_id = c.rep_id and tstzrange(y.starts_at, y.ends_at) && $2)
order by n limit 1
"""


@dataclass(frozen=True, slots=True)
class Wish:
    """`reps`: who may have it, the first choice first. `zone`: the clock on which the lead chose."""

    lead_id: str
    start: datetime
    reps: Sequence[str]
    zone: str


class SlotTaken(Exception):
    """Somebody else has the time by now, or nobody of ours is free then."""


class BookingRefused(Exception):
    """`reason`: `has_one` (the lead has a meeting already), `over`, `not_standing` or `lead_closed`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def book(conn: Any, clock: Clock, plan: Plan, rules: BookingRules, wish: Wish) -> Booking:
    """The meeting, the plan's stop, the owner's notice, the invitation. Raises SlotTaken, BookingRefused, LookupError.

    For a lead that has closed it opens a new one of the same person, as a reply does.
    """
    lead = await _open_lead(conn, clock, plan, wish.lead_id)
    now = clock.business(lead["clock_offset_us"])
    await one_at_a_time(conn)
    if await conn.fetchval("select exists (select from booking where lead_id = $1 and state = 'booked')", lead["id"]):
        raise BookingRefused("has_one")
    if wish.start <= now:
        raise SlotTaken
    rep_id = await _free(conn, rules, wish.start, wish.reps, None)
    booking_id = await insert(
        conn, lead["id"], rep_id, wish.start, rules.ends(wish.start), rules.held(wish.start), wish.zone, now, "page"
    )
    if lead["owner_id"] is None:
        await _give(conn, lead["id"], rep_id, now)
    await stop_plan(conn, clock, lead["id"], booking_id, wish.start, "booked_by_lead")
    await tell_reps(conn, lead, rep_id, "meeting_new", wish.start, now, f"{booking_id}:0")
    await _mail(conn, booking_id, "booked", 0, now)
    await _remind(conn, booking_id, 0, wish.start, rules, now)
    return await booking(conn, booking_id)


async def move(conn: Any, clock: Clock, rules: BookingRules, booking_id: str, start: datetime, zone: str) -> Booking:
    """To another time of the same rep. Raises SlotTaken, BookingRefused, LookupError."""
    row = await _locked(conn, booking_id)
    now = clock.business(row["clock_offset_us"])
    _must_stand(row, now)
    if start == row["starts_at"]:
        return of_row(row)
    await one_at_a_time(conn)
    if start <= now:
        raise SlotTaken
    await _free(conn, rules, start, [row["rep_id"]], booking_id)
    sequence = row["sequence"] + 1
    held = rules.held(start)
    try:
        await conn.execute(
            """update booking set starts_at = $2, ends_at = $3, held = $4, zone = $5, sequence = $6, asked_at = null,
                   calendar_tries = 0 where id = $1""",
            booking_id, start, rules.ends(start), asyncpg.Range(*held), zone, sequence,
        )  # fmt: skip
    except asyncpg.ExclusionViolationError:
        raise SlotTaken from None
    await _to_calendar(conn, booking_id, clock.wall())
    await stop_plan(conn, clock, row["lead_id"], booking_id, start, "meeting_moved", sequence)
    await tell_story(
        conn, row["lead_id"], kind="meeting_moved", at=now, dedupe=f"moved:{booking_id}:{sequence}",
        data={"at": start.isoformat(), "rep_id": row["rep_id"]},
    )  # fmt: skip
    await tell_reps(conn, row, row["rep_id"], "meeting_moved", start, now, f"{booking_id}:{sequence}")
    await _forget_mails(conn, booking_id)
    await _mail(conn, booking_id, "moved", sequence, now)
    await _remind(conn, booking_id, sequence, start, rules, now)
    return await booking(conn, booking_id)


async def cancel(conn: Any, clock: Clock, booking_id: str, again_at: datetime | None, by: str = "lead") -> Booking:
    """The lead calls it off; a second time changes nothing. `again_at`: when the lead's plan goes on with a call.

    Raises BookingRefused, LookupError.
    """
    row = await _locked(conn, booking_id)
    now = clock.business(row["clock_offset_us"])
    if row["state"] == "cancelled":
        return of_row(row)
    _must_stand(row, now)
    await _settle(conn, booking_id, "cancelled", now, raised=True)
    await _to_calendar(conn, booking_id, clock.wall())
    await tell_story(
        conn, row["lead_id"], kind="meeting_cancelled", at=now, dedupe=f"cancelled:{booking_id}", data={"by": by}
    )
    await tell_reps(conn, row, row["rep_id"], "meeting_cancelled", row["starts_at"], now, f"{booking_id}:off")
    await _forget_mails(conn, booking_id)
    if row["source"] == "page":
        await _mail(conn, booking_id, "cancelled", row["sequence"] + 1, now)
    await _go_on(conn, clock, row, again_at, "meeting_cancelled")
    return await booking(conn, booking_id)


async def missed(conn: Any, clock: Clock, booking_id: str, again_at: datetime | None, by: str) -> Booking:
    """Nobody came: the lead goes back to a call, and gets a mail with the page. `by`: `rep` or `nobody_joined`.

    Raises BookingRefused, LookupError.
    """
    row = await _locked(conn, booking_id)
    now = clock.business(row["clock_offset_us"])
    if row["state"] == "no_show":
        return of_row(row)
    if row["state"] != "booked" or row["starts_at"] > now:
        raise BookingRefused("not_standing" if row["state"] != "booked" else "not_begun")
    await _settle(conn, booking_id, "no_show", now)
    await tell_story(conn, row["lead_id"], kind="no_show", at=now, reason=by, dedupe=f"no_show:{booking_id}")
    if by != "rep":
        await tell_reps(conn, row, row["rep_id"], "meeting_missed", None, now, f"{booking_id}:missed")
    await _forget_mails(conn, booking_id)
    await _mail(conn, booking_id, "missed", row["sequence"], now)
    await _go_on(conn, clock, row, again_at, "no_show")
    return await booking(conn, booking_id)


async def took_place(conn: Any, booking_id: str, now: datetime) -> None:
    await _settle(conn, booking_id, "took_place", now)


# ── the parts of a change ────────────────────────────────────────────────────────────────────────────────────────────


async def _open_lead(conn: Any, clock: Clock, plan: Plan, lead_id: str) -> Any:
    """The person's newest lead, locked and open."""
    person_id = await conn.fetchval("select person_id from lead where id = $1", lead_id)
    if person_id is None or await lock_person(conn, person_id):
        raise LookupError(f"lead {lead_id}: there is no such lead")
    lead = await newest_lead(conn, person_id)
    assert lead is not None
    now = clock.business(lead["clock_offset_us"])
    if lead["closed_at"] is not None or await leave(conn, lead, reason="replied", at=now) is None:
        barred = "select exists (select from barred where person_id = $1 and channel = 'all')"
        if await conn.fetchval(barred, person_id):
            raise BookingRefused("lead_closed")
        address = await conn.fetchval(
            "select address from person_email where person_id = $1 order by created_at limit 1", person_id
        )
        new = await reopen(
            conn, plan, await own_lead(conn, lead), owner_id=lead["owner_id"], channel="email", sender=address,
            body="Chose a time on our booking page.", now=now, wall=clock.wall(),
        )  # fmt: skip
        return await conn.fetchrow("select * from lead where id = $1 for update", new)
    return await conn.fetchrow("select * from lead where id = $1 for update", lead["id"])


async def lock_lead(conn: Any, lead_id: str) -> Any:
    person_id = await conn.fetchval("select person_id from lead where id = $1", lead_id)
    if person_id is None or await lock_person(conn, person_id):
        raise LookupError(f"lead {lead_id}: there is no such lead")
    return await conn.fetchrow("select * from lead where id = $1 for update", lead_id)


async def _locked(conn: Any, booking_id: str) -> Any:
    """The booking under the locks of its person and lead."""
    lead_id = await conn.fetchval("select lead_id from booking where id = $1", booking_id)
    if lead_id is None:
        raise LookupError(f"booking {booking_id}: there is no such booking")
    await lock_lead(conn, lead_id)
    return await conn.fetchrow(f"{BOOKING} where b.id = $1 for update of b", booking_id)


def _must_stand(row: Any, now: datetime) -> None:
    if row["state"] != "booked":
        raise BookingRefused("not_standing")
    if row["starts_at"] <= now:
        raise BookingRefused("over")
    if row["source"] != "page":
        return
    if row["closed_at"] is not None:
        raise BookingRefused("lead_closed")


async def one_at_a_time(conn: Any) -> None:
    await conn.execute("select pg_advisory_xact_lock($1)", _BOOKINGS)


async def _free(conn: Any, rules: BookingRules, start: datetime, reps: Sequence[str], but: str | None) -> str:
    found: str | None = await conn.fetchval(_FREE, list(reps), asyncpg.Range(*rules.held(start)), but)
    if found is None:
        raise SlotTaken
    return found


async def insert(
    conn: Any, lead_id: str, rep_id: str | None, start: datetime, end: datetime, kept: tuple[datetime, datetime],
    zone: str, now: datetime, source: Source, external_id: str | None = None,
) -> str:  # fmt: skip
    number = await conn.fetchval("select coalesce(max(number), 0) + 1 from booking where lead_id = $1", lead_id)
    booking_id = str(uuid.uuid5(uuid.UUID(lead_id), f"booking-{number}"))
    try:
        await conn.execute(
            """insert into booking (id, lead_id, number, rep_id, starts_at, ends_at, held, zone, source, external_id,
                   created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)""",
            booking_id, lead_id, number, rep_id, start, end, asyncpg.Range(*kept), zone, source, external_id, now,
        )  # fmt: skip
    except asyncpg.ExclusionViolationError:
        raise SlotTaken from None
    await tell_story(
        conn, lead_id, kind="meeting_new", at=now, dedupe=f"booked:{booking_id}",
        data={"at": start.isoformat(), "rep_id": rep_id, "source": source},
    )  # fmt: skip
    if source == "page":
        await conn.execute("update booking set calendar = 'waiting' where id = $1", booking_id)
    return booking_id


async def _give(conn: Any, lead_id: str, rep_id: str, now: datetime) -> None:
    """Who has the meeting has the lead, where nobody had it."""
    await routing.lock_routing(conn)
    await routing.own(conn, lead_id, rep_id, now, "assigned", "booked_by_lead")
    await conn.execute(
        "update offer set ended_at = $2, result = 'reassigned' where lead_id = $1 and ended_at is null", lead_id, now
    )
    await put_message(conn, lead_id, "assigned", AssignedSignal(rep_id=rep_id))


async def stop_plan(
    conn: Any, clock: Clock, lead_id: str, booking_id: str, start: datetime, reason: str, sequence: int = 0
) -> None:
    logged = Logged(
        lead_id, outcome=Outcome.MEETING_BOOKED, at=start, reason=reason,
        outcome_id=str(uuid.uuid5(uuid.UUID(booking_id), f"booked-{sequence}")),
    )  # fmt: skip
    try:
        await log_outcome(conn, clock, logged)
    except OutcomeRefused as refused:
        raise BookingRefused("lead_closed") from refused


async def _go_on(conn: Any, clock: Clock, row: Any, again_at: datetime | None, reason: str) -> None:
    """The lead waits for a meeting no more: a call at `again_at`, and what the plan has left after it."""
    now = clock.business(row["clock_offset_us"])
    if row["closed_at"] is not None or again_at is None:
        return
    await log_outcome(
        conn, clock,
        Logged(
            row["lead_id"], outcome=Outcome.CALLBACK_REQUESTED, at=max(again_at, now + SOON), reason=reason,
            outcome_id=str(uuid.uuid5(uuid.UUID(row["id"]), reason)),
        ),
    )  # fmt: skip
    await conn.execute(
        "update lead set stage = 'attempting', decided_at = null where id = $1 and stage = 'booked'", row["lead_id"]
    )


async def _settle(conn: Any, booking_id: str, state: str, now: datetime, *, raised: bool = False) -> None:
    await conn.execute(
        "update booking set state = $2, settled_at = $3, sequence = sequence + $4 where id = $1",
        booking_id, state, now, int(raised),
    )  # fmt: skip


async def _to_calendar(conn: Any, booking_id: str, wall: datetime) -> None:
    await conn.execute(
        """update booking set calendar = 'waiting', calendar_tries = 0, calendar_next_wall = $2
           where id = $1 and source = 'page'""",
        booking_id, wall,
    )  # fmt: skip


async def _mail(conn: Any, booking_id: str, kind: str, sequence: int, due: datetime, before_s: int = 0) -> None:
    await conn.execute(
        """insert into booking_mail (booking_id, kind, sequence, before_s, due_at) values ($1, $2, $3, $4, $5)
           on conflict do nothing""",
        booking_id, kind, sequence, before_s, due,
    )  # fmt: skip


async def _remind(
    conn: Any, booking_id: str, sequence: int, start: datetime, rules: BookingRules, now: datetime
) -> None:
    """A reminder that would come with the invitation, or just after it, is none."""
    for before in rules.reminders:
        due = start - timedelta(seconds=before)
        if due > now + timedelta(seconds=before) / 4:
            await _mail(conn, booking_id, "reminder", sequence, due, before)


async def _forget_mails(conn: Any, booking_id: str) -> None:
    """What was to be said about a meeting that is another one now, or none."""
    await conn.execute(
        """update booking_mail set state = 'skipped', reason = 'superseded'
           where booking_id = $1 and state = 'waiting'""",
        booking_id,
    )


async def tell_reps(
    conn: Any, lead: Any, rep_id: str | None, kind: str, due: datetime | None, now: datetime, key: str
) -> None:
    """Whose meeting it is, and the owner where that is somebody else; a lead of nobody's is the managers'."""
    lead_id = lead["lead_id"] if "lead_id" in lead else lead["id"]
    for told in dict.fromkeys((rep_id, lead["owner_id"])):
        if told is not None:
            await put_notice(
                conn, audience="rep", kind=kind, at=now, lead_id=lead_id, rep_id=told, due=due,
                dedupe=f"{kind}:{key}:{told}",
            )  # fmt: skip
    if rep_id is None and lead["owner_id"] is None:
        await put_notice(conn, audience="manager", kind=kind, at=now, lead_id=lead_id, due=due, dedupe=f"{kind}:{key}")
