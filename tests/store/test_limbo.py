"""Leads that look busy or owned, and that nobody sees to any more."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from speedlead.domain.limbo import limbo_of
from speedlead.store.limbo import open_leads
from tests.activities.house import House, open_house

HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        yield made


async def found(house: House, **columns: Any) -> tuple[str, str | None]:
    """A lead whose workflow runs, and what is wrong with it."""
    lead = await house.lead(email=None, phone=None, **columns)
    await house.put("message", id=lead, lead_id=lead, kind="start", payload={}, delivered_wall=house.clock.now - HOUR)
    return lead, await wrong(house, lead)


async def wrong(house: House, lead: str) -> str | None:
    async with house.pool.acquire() as conn:
        leads = await open_leads(conn, house.clock.now, timedelta(seconds=30))
    return {open_lead.lead_id: limbo_of(open_lead, running=True) for open_lead in leads}[lead]


@pytest.mark.parametrize(
    ("lease_over", "reason"),
    [(timedelta(minutes=-1), None), (timedelta(minutes=90), None), (3 * HOUR, "overdue_unnoticed")],
)
async def test_a_claim_that_nobody_tries_any_more_keeps_no_lead_busy(
    house: House, lease_over: timedelta, reason: str | None
) -> None:
    now = house.clock.now
    lead, before = await found(
        house, owner_id=await house.rep(), next_step="call-1", next_touch_at=now - 4 * HOUR, next_why="in_progress"
    )
    assert before == "overdue_unnoticed"
    await house.put(
        "touch", id=f"{lead}.call-1", lead_id=lead, person_id=await house.person(lead), step="call-1", channel="call",
        purpose="plan", state="claimed", claimed_wall=now - 4 * HOUR, lease_until_wall=now - lease_over,
    )  # fmt: skip
    assert await wrong(house, lead) == reason


@pytest.mark.parametrize(
    ("active", "stopped", "reason"),
    [(True, "replied", None), (False, "replied", "never_routed"), (False, None, None)],
)
async def test_a_lead_that_waits_for_somebody_who_has_left_has_nobody(
    house: House, active: bool, stopped: str | None, reason: str | None
) -> None:
    rep = await house.rep(active=active)
    now = house.clock.now
    _, found_ = await found(
        house, owner_id=rep, open_at=now, plan_stopped=stopped, next_step="call-1", next_touch_at=now + HOUR,
        next_why="scheduled",
    )  # fmt: skip
    assert found_ == reason
