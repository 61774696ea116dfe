"""A claim for a lead that has closed writes that it came too late, and nothing of what it would have said to whom."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio

from speedlead.records import Skipped
from speedlead.store import erasure
from tests.activities.house import House, open_house
from tests.store.test_erasure import SECRET, everything


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        yield made


async def test_a_claim_after_the_erasure_brings_nothing_back(house: House) -> None:
    lead = await house.lead(email="zeb@zebra.example")
    claims = [
        house.claim(lead, step, channel, purpose=purpose, template="ack", subject="Dear Zebedee", body="Zebra herring",
                    promise=(house.clock.now, "at nine where zebras are"))
        for step, channel, purpose in (("ack-1", "email", "acknowledgement"), ("sms-1", "sms", "plan"))
    ]  # fmt: skip
    async with house.pool.acquire() as conn, conn.transaction():
        await erasure.erase(conn, house.clock, [await house.person(lead)], SECRET)
    before = dict(await house.pool.fetchrow("select * from lead where id = $1", lead))
    for claim in claims:
        assert await house.touches.claim(claim) == Skipped("lead_closed")
    assert [name for name, text in (await everything(house.pool)).items() if "zeb" in text.lower()] == []
    touches = await house.pool.fetch("select state, reason, address, subject, body from touch")
    assert {tuple(touch) for touch in touches} == {("skipped", "lead_closed", None, None, None)}
    assert dict(await house.pool.fetchrow("select * from lead where id = $1", lead)) == before


async def test_a_claim_after_the_end_writes_no_address_and_keeps_what_was_said_before(house: House) -> None:
    """What may have gone out before the lead closed is still known."""
    lead = await house.lead()
    now = house.clock.now
    told = house.claim(lead, body="Hello Ada", subject="Hello")
    await house.pool.execute("update lead set paused_until = $2 where id = $1", lead, now + timedelta(hours=1))
    await house.touches.claim(told)
    assert (await touch_of(house, lead, "email-1"))[:2] == ("deferred", "Hello Ada")
    await house.pool.execute("update lead set closed_at = $2, close_reason = 'stopped' where id = $1", lead, now)
    assert await house.touches.claim(told) == Skipped("lead_closed")
    assert await house.touches.claim(house.claim(lead, "email-2", body="Ada?")) == Skipped("lead_closed")
    assert await touch_of(house, lead, "email-1") == ("skipped", "Hello Ada", "ada@example.com")
    assert await touch_of(house, lead, "email-2") == ("skipped", None, None)


async def touch_of(house: House, lead: str, step: str) -> tuple[str, str | None, str | None]:
    touch = await house.touch(lead, step)
    assert touch is not None
    return touch["state"], touch["body"], touch["address"]
