"""Whose inquiry it is, and to which lead it belongs, whatever races."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from speedlead.intake import Rules, read_inquiry
from speedlead.place_finder import PlaceFinder
from speedlead.planbook import load_plan
from speedlead.store.intake import REPEAT_WITHIN, Submission, take_inquiry
from speedlead.store.leads import LeadStore
from speedlead.store.plans import PlanStore
from speedlead.store.pool import open_pool
from tests.gateway.house import OTHER_PHONE, PHONE, StepClock, rep

PLAN = load_plan()
RULES = Rules(intents=tuple(name for names in PLAN.intents.values() for name in names))


class Desk:
    """Takes inquiries straight into the store."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self.pool = pool
        self.clock = StepClock()

    async def take(self, **fields: Any) -> str:
        submission = Submission(read_inquiry(fields, RULES), "demo")
        return (await take_inquiry(self.pool, self.clock, PLAN, submission)).lead_id

    async def person_of(self, lead_id: str) -> str:
        return str(await self.pool.fetchval("select person_id from lead where id = $1", lead_id))

    async def close(self, lead_id: str) -> None:
        await self.pool.execute("update lead set closed_at = $2 where id = $1", lead_id, self.clock.now)


@pytest_asyncio.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    pool = await open_pool(database_url)
    await PlanStore(pool).publish(PLAN)
    yield Desk(pool)
    await pool.close()


ADA, BOB = "ada@example.com", "bob@example.com"
IDENTITY = [
    # (what is known, what comes, the same person?)
    pytest.param({"email": ADA}, {"email": "ADA@Example.COM"}, True, id="the same address in other letters"),
    pytest.param({"email": ADA, "name": "Ada"}, {"email": ADA, "name": "Grace"}, True, id="an address outranks a name"),
    pytest.param({"email": ADA, "phone": PHONE}, {"email": ADA, "phone": OTHER_PHONE}, True, id="another phone"),
    pytest.param({"phone": PHONE}, {"phone": PHONE}, True, id="a phone alone"),
    pytest.param({"phone": PHONE, "name": "Ada"}, {"phone": PHONE, "name": "ADA"}, True, id="phone and name"),
    pytest.param({"phone": PHONE, "name": "Ada"}, {"phone": PHONE}, True, id="no name contradicts nothing"),
    pytest.param({"phone": PHONE, "name": "Ada"}, {"phone": PHONE, "name": "Bob"}, False, id="a couple"),
    pytest.param({"phone": PHONE, "email": ADA}, {"phone": PHONE}, True, id="the phone of somebody with an address"),
    pytest.param({"phone": PHONE}, {"phone": PHONE, "email": ADA}, True, id="an address for a known phone"),
    pytest.param({"phone": PHONE, "email": ADA}, {"phone": PHONE, "email": BOB}, False, id="a switchboard"),
    pytest.param({"email": ADA, "name": "Ada"}, {"email": BOB, "name": "Ada"}, False, id="a name alone is nobody"),
]


@pytest.mark.parametrize(("known", "comes", "same"), IDENTITY)
async def test_identity(desk: Desk, known: dict[str, str], comes: dict[str, str], same: bool) -> None:
    first = await desk.person_of(await desk.take(**known))
    lead_id = await desk.take(**comes, message="and another thing")
    second = await desk.person_of(lead_id)
    assert (first == second) is same
    duplicate = await desk.pool.fetchval("select possible_duplicate_of from person where id = $1", second)
    assert duplicate == (first if not same and "phone" in comes else None)


async def test_an_address_leads_to_its_person_and_a_number_is_only_added(desk: Desk) -> None:
    ada = await desk.person_of(await desk.take(email=ADA, phone=PHONE, name="Ada"))
    await desk.person_of(await desk.take(email=BOB, phone=OTHER_PHONE))
    assert await desk.person_of(await desk.take(email=ADA, phone=OTHER_PHONE, name="Mallory")) == ada
    numbers = await desk.pool.fetch("select number, verified from person_phone where person_id = $1", ada)
    assert {row["number"] for row in numbers} == {PHONE, OTHER_PHONE}
    assert not any(row["verified"] for row in numbers)
    assert await desk.pool.fetchval("select name from person where id = $1", ada) == "Ada"


async def test_of_two_people_with_one_number_the_named_one_is_meant(desk: Desk) -> None:
    ada = await desk.person_of(await desk.take(phone=PHONE, name="Ada"))
    bob = await desk.person_of(await desk.take(phone=PHONE, name="Bob"))
    assert await desk.person_of(await desk.take(phone=PHONE, name="Bob", message="2")) == bob
    nobody = await desk.person_of(await desk.take(phone=PHONE, message="who am I"))
    assert nobody not in (ada, bob)


async def test_another_inquiry_goes_to_the_open_lead_and_may_make_it_hotter(desk: Desk) -> None:
    lead_id = await desk.take(email=ADA, intent="newsletter")
    assert (
        await desk.take(email=ADA, phone=PHONE, consent_text="Call me", intent="pricing", tz="Europe/Paris") == lead_id
    )
    lead = await desk.pool.fetchrow("select lead_type, intent, tz from lead where id = $1", lead_id)
    assert tuple(lead) == ("hot", "pricing", "Europe/Paris")
    payload = await desk.pool.fetchval("select payload from message where kind = 'inquiry'")
    assert (payload["number"], payload["lead_type"]) == (2, "hot")
    assert payload["reach"] == {"has_email": True, "has_phone": True, "consent_sms": False, "call_requested": True}
    assert payload["message_id"] == await desk.pool.fetchval("select id from message where kind = 'inquiry'")
    await desk.take(email=ADA, intent="newsletter", message="and news")
    assert await desk.pool.fetchval("select lead_type from lead where id = $1", lead_id) == "hot"
    assert await desk.pool.fetchval("select lead_type from inquiry where number = 3") == "cold"


async def test_the_same_post_is_a_repeat_for_ten_minutes(desk: Desk) -> None:
    lead_id = await desk.take(email=ADA, message="hi")
    desk.clock.now += REPEAT_WITHIN - timedelta(seconds=1)
    assert await desk.take(email=ADA, message="hi") == lead_id
    assert await desk.pool.fetchval("select count(*) from inquiry") == 1
    desk.clock.now += timedelta(seconds=1)
    assert await desk.take(email=ADA, message="hi") == lead_id
    assert await desk.pool.fetchval("select count(*) from inquiry") == 2


@pytest.mark.parametrize("active", [True, False])
async def test_after_closing_a_new_lead_starts_with_the_known_owner(desk: Desk, active: bool) -> None:
    first = await desk.take(email=ADA, message="hi")
    owner = await rep(desk.pool, active=active)
    await desk.pool.execute("update lead set owner_id = $1", owner)
    await desk.close(first)
    second = await desk.take(email=ADA, message="hi")
    assert second != first
    assert await desk.pool.fetchval("select owner_id from lead where id = $1", second) == (owner if active else None)


@pytest.mark.parametrize("open_lead", [True, False])
async def test_an_inquiry_after_an_opt_out_from_all_waits_for_a_person(desk: Desk, open_lead: bool) -> None:
    lead_id = await desk.take(email=ADA)
    await desk.pool.execute(
        """insert into suppression (person_id, channel, reason, source, at)
           values ($1, 'all', 'opted_out_all', 'rep', $2)""",
        await desk.person_of(lead_id), desk.clock.now,
    )  # fmt: skip
    if not open_lead:
        await desk.close(lead_id)
    second = await desk.take(email=ADA, message="I changed my mind")
    assert await desk.pool.fetchval("select plan_stopped from lead where id = $1", second) == "opted_out"
    notice = await desk.pool.fetchrow("select audience, kind, lead_id from notice")
    assert tuple(notice) == ("manager", "inquiry_after_opt_out", second)


async def test_business_time_of_an_open_lead_counts(desk: Desk) -> None:
    lead_id = await desk.take(email=ADA)
    await desk.pool.execute("update lead set clock_offset_us = $1", 3_600_000_000)
    await desk.take(email=ADA, message="later")
    row = await desk.pool.fetchrow("select submitted_at, submitted_wall from inquiry where number = 2")
    assert (row["submitted_at"] - row["submitted_wall"], row["submitted_wall"]) == (timedelta(hours=1), desk.clock.now)
    assert (
        await desk.pool.fetchval("select at from story where lead_id = $1 order by id desc limit 1", lead_id)
        > desk.clock.now
    )


async def test_fifty_posts_that_race_with_closing_are_never_lost(desk: Desk) -> None:
    """Closing locks the lead and refuses while a message is on its way, as the activity does; here it also delivers."""
    await desk.take(email=ADA, message="first")
    closed = 0

    async def close_again_and_again() -> None:
        nonlocal closed
        for _ in range(60):
            async with desk.pool.acquire() as conn, conn.transaction():
                lead_id = await conn.fetchval("select id from lead where closed_at is null for update")
                if lead_id is None:
                    continue
                await conn.execute("update message set delivered_wall = $2 where lead_id = $1", lead_id, desk.clock.now)
                await asyncio.sleep(0)
                await conn.execute("update lead set closed_at = $2 where id = $1", lead_id, desk.clock.now)
                closed += 1
            await asyncio.sleep(0.002)

    posts = [desk.take(email=ADA, message=f"message {n}") for n in range(50)]
    results = await asyncio.gather(close_again_and_again(), *posts)
    assert closed > 1
    rows = await desk.pool.fetch("select lead_id, message from inquiry")
    assert {row["message"] for row in rows} == {"first"} | {f"message {n}" for n in range(50)}
    assert {row["lead_id"] for row in rows} >= set(results[1:])
    assert await desk.pool.fetchval("select count(*) from lead where closed_at is null") <= 1
    # every lead has its start, and every further inquiry its message, so that nothing waits unheard
    odd = await desk.pool.fetch(
        """select l.id from lead l where (select count(*) from inquiry i where i.lead_id = l.id)
               <> (select count(*) from message m where m.lead_id = l.id)"""
    )
    assert odd == []


async def test_an_inquiry_waits_for_a_closing_lead_and_starts_a_new_one(desk: Desk) -> None:
    first = await desk.take(email=ADA, message="first")
    async with desk.pool.acquire() as conn, conn.transaction():
        await conn.execute("select id from lead where id = $1 for update", first)
        posted = asyncio.create_task(desk.take(email=ADA, message="second"))
        await asyncio.sleep(0.1)
        assert not posted.done()
        await conn.execute("update lead set closed_at = $2 where id = $1", first, desk.clock.now)
    second = await posted
    assert second != first
    assert await desk.pool.fetchval("select count(*) from message where lead_id = $1", first) == 1


async def test_segment_region_and_channel_reach_the_lead_and_a_further_inquiry_fills_in_what_was_unknown(
    desk: Desk,
) -> None:
    lead_id = await desk.take(email=ADA, channel="chat")
    store = LeadStore(desk.pool)
    first = await store.read(lead_id)
    assert (first.segment, first.evidence.region, first.channel) == (None, None, "chat")
    await desk.take(email=ADA, channel="phone", segment="enterprise", region="US-TX", message="2")
    second = await store.read(lead_id)
    assert (second.segment, second.evidence.country, second.evidence.region) == ("enterprise", "US", "US-TX")
    assert second.channel == "phone"  # of the latest inquiry; the first keeps its own
    assert (await store.read(lead_id, 1)).channel == "chat"
    await desk.take(email=ADA, segment="b2b_saas", region="CA-ON", message="3")
    third = await store.read(lead_id)
    assert (third.segment, third.evidence.region) == ("enterprise", "US-TX")


async def test_a_region_of_another_country_is_not_joined_to_the_known_one(desk: Desk) -> None:
    lead_id = await desk.take(email=ADA, country="US")
    await desk.take(email=ADA, region="CA-ON", message="2")
    assert (await LeadStore(desk.pool).read(lead_id)).evidence.region is None


async def test_a_region_is_evidence_of_the_place(desk: Desk) -> None:
    lead = await LeadStore(desk.pool).read(await desk.take(email=ADA, country="US", region="Arizona"))
    place = PlaceFinder().find(lead.evidence)
    assert "America/Phoenix" in place.business_zones
    assert "US-AZ" in place.jurisdictions
