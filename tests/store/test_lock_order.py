"""Whoever writes a touch and its legs takes the person first: two of them never wait for a row of each other."""

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio

from speedlead.store.calls import CallReport, take_lead_leg
from speedlead.store.rows import lock_person
from speedlead.store.transactions import transact
from tests.activities.house import House, open_house

ROUNDS = 40


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        await made.rep()
        yield made


async def dialled(house: House, number: int = 0) -> tuple[str, str]:
    """A lead whose phone is about to ring: its id, and that of its leg."""
    lead = await house.lead(email=f"{number}@example.com", phone=f"+1212555{number:04}")
    await house.dial(lead)
    return lead, (await house.gate.claim_lead_leg(f"{lead}.call-1.rep-1-1")).lead_leg_id


async def test_giving_a_call_up_waits_for_the_report_that_is_being_written(house: House) -> None:
    lead, leg = await dialled(house)
    async with house.pool.acquire() as connection, connection.transaction():
        await lock_person(connection, await house.person(lead))
        await connection.execute("select from leg where id = $1 for update", leg)
        giving_up = asyncio.create_task(
            house.touches.ended(f"{lead}.call-1", state="in_doubt", reason="no_call_result", at=house.clock.now)
        )
        await asyncio.sleep(0.3)
        await connection.execute("select from touch where id = $1 for update", f"{lead}.call-1")
    await giving_up


async def test_closing_waits_for_the_touch_that_is_being_ended(house: House) -> None:
    """The end of a touch is told in its lead's story, and the end of a lead ends its touches."""
    lead, _ = await dialled(house)
    async with house.pool.acquire() as connection, connection.transaction():
        await lock_person(connection, await house.person(lead))
        await connection.execute("select from touch where id = $1 for update", f"{lead}.call-1")
        closing = asyncio.create_task(house.leads.close(lead, reason="no_outcome", stage="closed", at=house.clock.now))
        await asyncio.sleep(0.3)
        await connection.execute("select from lead where id = $1 for key share", lead)
    assert await closing


async def test_reports_and_ends_at_the_same_moment_never_lock_each_other_out(house: House) -> None:
    for number in range(ROUNDS):
        lead, leg = await dialled(house, number)
        reports = [CallReport(f"{lead}{n}", "voice/lead-leg", leg, "CA1", "completed") for n in range(2)]
        await asyncio.gather(
            house.touches.ended(f"{lead}.call-1", state="in_doubt", reason="no_call_result", at=house.clock.now),
            *(transact(house.pool, lambda conn, r=report: take_lead_leg(conn, house.clock, r)) for report in reports),  # type: ignore[misc]
            house.leads.close(lead, reason="no_outcome", stage="closed", at=house.clock.now),
        )
    assert await house.pool.fetchval("select deadlocks from pg_stat_database where datname = current_database()") == 0
