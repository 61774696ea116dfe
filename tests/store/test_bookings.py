"""Meetings on a real database: one lead has each time, the plan stops at once, a missed one goes back to a call."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from speedlead.booking.door import BookingDoor
from speedlead.chores.booking_over import BookingOver
from speedlead.composer import Composer
from speedlead.composer import House as Company
from speedlead.store import bookings
from speedlead.store.bookings import BookingRefused, SlotTaken
from speedlead.store.leads import LeadStore
from speedlead.store.outside_bookings import Outside, put_outside
from speedlead.store.pool import open_pool
from speedlead.store.transactions import transact
from tests.desks import CALENDARS
from tests.store.meetings import ADA, ANN, BEN, NOW, TUESDAY_10, Meetings

HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[Meetings]:
    pool = await open_pool(database_url)
    house = Meetings(pool)
    await house.rep()
    yield house
    await pool.close()


async def test_of_a_hundred_who_want_one_time_exactly_one_has_it(house: Meetings) -> None:
    leads = [str(uuid4()) for _ in range(100)]
    await asyncio.gather(*(house.lead(lead_id, phone=f"+1212555{n:04}") for n, lead_id in enumerate(leads)))

    async def one(lead_id: str) -> str:
        try:
            return (await house.book(lead_id)).lead_id
        except SlotTaken:
            return "taken"

    got = await asyncio.gather(*(one(lead_id) for lead_id in leads))
    assert got.count("taken") == 99
    assert len(await house.rows("select 1 from booking")) == 1
    # whoever was late has lost nothing: its plan goes on
    assert len(await house.rows("select 1 from message where kind = 'outcome'")) == 1
    assert TUESDAY_10 not in await house.free(leads[0])


async def test_the_table_itself_lets_no_two_meetings_of_a_rep_overlap(house: Meetings) -> None:
    await house.lead()
    await house.lead(other := str(uuid4()), phone="+12125550143")
    await house.book()
    overlapping = """
        insert into booking (id, lead_id, number, rep_id, starts_at, ends_at, held, zone, source, created_at)
        values (gen_random_uuid(), $1, 1, $2, $3, $4, tstzrange($3, $4), 'UTC', 'page', $5)"""
    inside = TUESDAY_10 + timedelta(minutes=35)  # after the meeting, in the ten minutes that are kept free
    with pytest.raises(asyncpg.ExclusionViolationError):
        await house.pool.execute(overlapping, other, ANN, inside, inside + HOUR, NOW)
    later = TUESDAY_10 + timedelta(minutes=40)
    await house.pool.execute(overlapping, other, ANN, later, later + HOUR, NOW)


async def test_a_booking_stops_the_plan_tells_the_rep_and_invites_the_lead(house: Meetings) -> None:
    await house.lead()
    met = await house.book()
    lead = (await house.rows("select plan_stopped, decided_at from lead"))[0]
    assert (lead["plan_stopped"], lead["decided_at"]) == ("meeting_booked", NOW)
    signal = (await house.signals())[-1]
    assert (signal["kind"], signal["outcome"], signal["reason"]) == ("outcome", "meeting_booked", "booked_by_lead")
    assert [row["rep_id"] for row in await house.rows("select rep_id from notice where kind = 'meeting_new'")] == [ANN]
    mails = await house.rows("select kind, before_s, due_at from booking_mail order by due_at")
    assert [(row["kind"], row["before_s"], row["due_at"]) for row in mails] == [
        ("booked", 0, NOW), ("reminder", 3600, TUESDAY_10 - HOUR)]  # fmt: skip
    assert met.calendar == "waiting"
    with pytest.raises(BookingRefused, match="has_one"):
        await house.book(at=TUESDAY_10 + 2 * HOUR)


async def test_who_has_the_meeting_has_a_lead_that_nobody_had(house: Meetings) -> None:
    await house.rep(BEN, "Ben Okafor")
    await house.lead(owner_id=None, stage="acknowledged")
    assert BEN in (await house.offers.offered(house.pool, ADA, NOW)).times[TUESDAY_10]
    await house.book(reps=(BEN, ANN))
    assert (await house.rows("select owner_id from lead"))[0]["owner_id"] == BEN
    assert {"assigned", "outcome"} <= {signal["kind"] for signal in await house.signals()}


async def test_a_second_rep_takes_the_meeting_when_the_first_is_taken(house: Meetings) -> None:
    await house.rep(BEN, "Ben Okafor")
    await house.lead()
    await house.lead(other := str(uuid4()), phone="+12125550143")
    await house.book(reps=(ANN, BEN))
    assert (await house.book(other, reps=(ANN, BEN))).rep_id == BEN


async def test_a_moved_meeting_raises_its_sequence_and_frees_its_old_time(house: Meetings) -> None:
    await house.lead()
    met = await house.book()
    again = TUESDAY_10 + timedelta(days=1)
    moved = await transact(
        house.pool, lambda conn: bookings.move(conn, house.clock, house.rules, met.id, again, "America/New_York")
    )
    assert (moved.sequence, moved.starts_at, moved.id) == (1, again, met.id)
    assert TUESDAY_10 in await house.free(str(await _other(house)))
    waiting = await house.rows("select kind, sequence from booking_mail where state = 'waiting' order by due_at")
    assert {row["sequence"] for row in waiting} == {1}
    assert [row["kind"] for row in waiting] == ["moved", "reminder", "reminder"]


async def test_a_meeting_that_is_called_off_frees_the_time_and_the_plan_goes_on_a_day_later(house: Meetings) -> None:
    await house.lead()
    met = await house.book()
    again = NOW + timedelta(days=1)
    for _ in range(2):  # a double click changes nothing
        off = await transact(house.pool, lambda conn: bookings.cancel(conn, house.clock, met.id, again))
    assert (off.state, off.sequence) == ("cancelled", 1)
    assert TUESDAY_10 in await house.free()
    lead = (await house.rows("select plan_stopped, paused_until, stage from lead"))[0]
    assert (lead["plan_stopped"], lead["paused_until"]) == (None, again)
    said = [signal["outcome"] for signal in await house.signals() if signal["kind"] == "outcome"]
    assert said == ["meeting_booked", "callback_requested"]
    kinds = await house.rows("select kind from booking_mail where state = 'waiting'")
    assert [row["kind"] for row in kinds] == ["cancelled"]
    # the lead may choose again
    assert (await house.book(at=TUESDAY_10 + HOUR)).number == 2


async def test_nobody_came_the_rep_is_asked_then_the_lead_is_called_again(house: Meetings) -> None:
    await house.lead()
    met = await house.book()
    await house.pool.execute("update lead set stage = 'booked'")  # as its workflow does
    chore = BookingOver(house.pool, house.clock, house.offers)
    house.clock.now = met.ends_at + timedelta(minutes=14)
    assert await chore.look() is None
    house.clock.now = met.ends_at + timedelta(minutes=15)
    assert await chore.look() == "1 asked about"
    assert await chore.look() is None
    house.clock.now = met.ends_at + 4 * HOUR
    assert await chore.look() == "1 missed"
    row = (await house.rows("select state from booking"))[0]
    lead = (await house.rows("select plan_stopped, paused_until, stage from lead"))[0]
    # an hour later, which is within business hours in New York
    assert (row["state"], lead["plan_stopped"], lead["stage"]) == ("no_show", None, "attempting")
    assert lead["paused_until"] == house.clock.now + HOUR
    # the law's exception for a time that the lead itself named is none here
    assert (await house.offers.offered(house.pool, ADA, house.clock.now)).times
    kinds = await house.rows("select kind from booking_mail where state = 'waiting'")
    assert [row["kind"] for row in kinds] == ["missed"]


async def test_a_call_that_connected_us_says_that_the_meeting_took_place(house: Meetings) -> None:
    await house.lead()
    met = await house.book()
    person = (await house.rows("select person_id from lead"))[0]["person_id"]
    await house.pool.execute(
        """insert into touch (id, lead_id, person_id, step, channel, purpose, state, sent_at, call_result)
           values ($1, $2, $3, 'callback-1', 'call', 'manual', 'sent', $4, 'connected')""",
        f"{ADA}.callback-1", ADA, person, met.starts_at + timedelta(minutes=1),
    )  # fmt: skip
    house.clock.now = met.ends_at + timedelta(minutes=1)
    assert await BookingOver(house.pool, house.clock, house.offers).look() == "1 took place"


async def test_a_message_names_the_page_only_while_there_is_a_time_to_choose(house: Meetings) -> None:
    await house.lead()
    lead = await LeadStore(house.pool).read(ADA)
    door = BookingDoor(house.offers, CALENDARS, house.clock, lambda lead_id: f"https://acme.example/book/{lead_id}")
    assert door.link(lead, NOW) is None  # nothing is known yet
    await door.refresh(house.pool)
    link = door.link(lead, NOW)
    composer = Composer(Company("Acme"))
    for channel, template in (("email", "acknowledgement"), ("email", "useful"), ("sms", "missed_you")):
        with_it = composer.compose(channel, template, lead, unsubscribe_url="https://u.example/", booking_link=link)
        assert f"https://acme.example/book/{ADA}" in with_it.text
        without = composer.compose(channel, template, lead, unsubscribe_url="https://u.example/")
        assert "/book/" not in without.text
    await house.pool.execute("update rep set weekly = '{}'")
    await door.refresh(house.pool)
    assert door.link(lead, NOW) is None


async def test_another_systems_booking_moves_and_is_told_once(house: Meetings) -> None:
    await house.lead()
    first = Outside("calcom", "u-1", TUESDAY_10, TUESDAY_10 + HOUR, "America/New_York", "ann@acme.example")

    async def tell(told: Outside) -> str | None:
        return await transact(house.pool, lambda conn: put_outside(conn, house.clock, ADA, told))

    assert [await tell(first), await tell(first)] == [ADA, None]
    later = TUESDAY_10 + timedelta(days=1)
    assert await tell(Outside("calcom", "u-2", later, later + HOUR, "UTC", "ann@acme.example", before="u-1")) == ADA
    row = (await house.rows("select starts_at, sequence, rep_id, external_id from booking"))[0]
    assert tuple(row) == (later, 1, ANN, "u-2")
    # our own page does not offer what is taken there
    assert later not in await house.free(str(await _other(house)))


async def _other(house: Meetings) -> str:
    return await house.lead(str(uuid4()), phone="+12125550143")
