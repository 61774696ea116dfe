"""Leads of a weekend on the virtual clock: acknowledged at once, dealt on Monday before they open, called on time."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

from speedlead.contracts import Resume
from speedlead.demo.world import World
from speedlead.store.starts import build_start
from tests.workflows.leads import ADA, notices, tuesday_at

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
ANNA = "anna@speedlead.example"


async def two_in_new_york(world: World) -> None:
    """Nobody else works, and nobody at night."""
    await world.pool.execute("update rep set active = false where not manager")
    await world.pool.execute("update rep set active = true where email = $1", ANNA)
    await world.pool.execute("update rep set active = true, zone = 'America/New_York' where email like 'ben@%'")


def someone(name: str, intent: str, number: int) -> dict[str, str]:
    return ADA | {"name": name, "email": f"{name}@example.com", "phone": f"+1212555{number:04}", "intent": intent}


async def story(world: World, lead: str, kind: str) -> list[dict[str, Any]]:
    rows = await world.pool.fetch("select * from story where lead_id = $1 and kind = $2 order by at", lead, kind)
    return [dict(row) for row in rows]


async def until_assigned(world: World, *leads: str) -> None:
    async with asyncio.timeout(30):
        while await world.pool.fetchval("select count(*) from lead where id = any($1) and owner_id is null", leads):
            await asyncio.sleep(0.05)


async def until_called(world: World, lead: str) -> datetime:
    """When its phone rang first."""
    query = "select min(sent_at) from touch where lead_id = $1 and channel = 'call'"
    async with asyncio.timeout(30):
        while (at := await world.pool.fetchval(query, lead)) is None:
            await asyncio.sleep(0.05)
    return at  # type: ignore[no-any-return]


async def test_saturday_nights_leads_are_dealt_on_monday_hot_ones_first_and_called_on_time(world: World) -> None:
    await two_in_new_york(world)
    saturday = tuesday_at(3) + 5 * DAY  # Saturday, 22:00 in New York
    monday_at_nine = tuesday_at(14) + 6 * DAY
    # the coldest wrote first
    intents = {"cold": "newsletter", "warm": "webinar", "hot": "demo_request"}
    leads = {
        kind: await world.submit(saturday + number * SECOND, **someone(kind, intent, 1000 + number))
        for number, (kind, intent) in enumerate(intents.items())
    }
    await until_assigned(world, *leads.values())
    dealt = {}
    for kind, lead in leads.items():
        [held], [assigned] = await story(world, lead, "held"), await story(world, lead, "assigned")
        assert held["reason"] == "waits_for_shift"
        assert "manager: nobody_available" not in await notices(world, lead)
        assert held["at"] - saturday < 60 * SECOND
        opening = await world.pool.fetchval("select open_at from lead where id = $1", lead)
        early = opening - assigned["at"]
        before = {"hot": 120, "warm": 90, "cold": 60}[kind] * SECOND
        assert timedelta(0) <= before - early < 5 * SECOND, (kind, early)
        dealt[kind] = assigned["at"]
        if kind == "hot":
            assert opening == monday_at_nine
    assert dealt["hot"] < dealt["warm"]
    assert await until_called(world, leads["hot"]) - monday_at_nine < 60 * SECOND


async def test_a_lead_of_the_night_that_is_started_again_still_waits_for_its_shift(world: World) -> None:
    await two_in_new_york(world)
    lead = await world.submit(tuesday_at(3), **someone("hot", "demo_request", 1000))
    await until_assigned(world, lead)
    # as the rows were at night
    opening = await world.pool.fetchval("select open_at from lead where id = $1", lead)
    await world.pool.execute("update lead set owner_id = null, deal_at = $2 where id = $1", lead, opening)
    async with world.pool.acquire() as conn:
        start = await build_start(conn, lead, again=True)
    assert start is not None
    assert isinstance(start.resume, Resume)
    assert start.resume.deal_at == opening
