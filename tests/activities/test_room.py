"""Nobody exceeds their capacity by taking leads, and a lead is not offered to whoever has no room for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest_asyncio

from speedlead.contracts import EscalateRequest, EscalateResult, RouteResult
from speedlead.domain.routing_rules import Claim
from speedlead.routingbook import load_routing
from speedlead.store.acceptance import FULL
from tests.activities.house import NOW, House, open_house
from tests.activities.test_acceptance import accept, owner, route


@pytest_asyncio.fixture
async def market(database_url: str) -> AsyncIterator[House]:
    """Every lead is offered to three."""
    rules = load_routing().model_copy(update={"claim": Claim(offer=3)})
    async with open_house(database_url, rules=rules) as made:
        yield made


async def new_leads(house: House, number: int) -> list[str]:
    return [await house.lead(email=f"{n}@example.com", phone=None) for n in range(number)]


async def open_leads(house: House, rep: str) -> int:
    return int(await house.pool.fetchval("select count(*) from lead where owner_id = $1 and closed_at is null", rep))


async def not_claimed(house: House, lead: str, routed: RouteResult, declined: tuple[str, ...] = ()) -> EscalateResult:
    house.clock.now = NOW + timedelta(minutes=1)
    request = EscalateRequest(
        lead_id=lead, reason="silent" if set(declined) != set(routed.offered) else "declined", level=1,
        asked=routed.offered, asked_at=NOW, declined=declined,
    )  # fmt: skip
    return await house.run(house.acceptance.escalate, request)  # type: ignore[no-any-return]


async def test_nobody_is_offered_more_than_they_have_room_for(market: House) -> None:
    small, big = await market.rep("Small", capacity=2), await market.rep("Big", capacity=50)
    leads = await new_leads(market, 5)
    offered = [(await route(market, lead)).offered for lead in leads]
    assert [sum(rep in reps for reps in offered) for rep in (small, big)] == [2, 5]
    # an answer that is asked for again is the same
    assert [set((await route(market, lead)).offered) for lead in leads] == [set(reps) for reps in offered]


async def test_five_accepts_at_once_exceed_no_capacity(market: House) -> None:
    rep = await market.rep("Small", capacity=5)
    leads = await new_leads(market, 5)
    for lead in leads:
        await route(market, lead)
    await market.pool.execute("update rep set capacity = 1")
    answers = await asyncio.gather(*(accept(market, lead, rep) for lead in leads))
    assert sorted(answer.why or "" for answer in answers) == ["", FULL, FULL, FULL, FULL]
    assert await open_leads(market, rep) == 1
    mine = next(lead for lead, answer in zip(leads, answers, strict=True) if answer.taken)
    assert (await accept(market, mine, rep)).taken


async def test_a_full_rep_takes_no_lead_of_the_pool(house: House) -> None:
    rep = await house.rep(capacity=1)
    first, waits = await new_leads(house, 2)
    assert [(await route(house, lead)).owner_id for lead in (first, waits)] == [rep, None]
    assert (await accept(house, first, rep)).taken  # their own, however full they are
    refused = await accept(house, waits, rep)
    assert (refused.taken, refused.why, await owner(house, waits)) == (False, FULL, (None, False))


async def test_a_known_owner_keeps_their_lead_however_full_they_are(house: House) -> None:
    rep = await house.rep("Known", capacity=1)
    await house.rep("Free")
    await house.lead(email="b@example.com", phone=None, owner_id=rep)
    lead = await house.lead(owner_id=rep)
    assert (await route(house, lead)).owner_id == rep
    assert (await accept(house, lead, rep)).taken


async def test_who_is_given_an_unclaimed_lead_stays_there_for_its_call(market: House) -> None:
    for n in range(3):
        await market.rep(f"R{n}", phone=f"+1415555270{n}")
    lead = await market.lead()
    routed = await route(market, lead)
    moved = await not_claimed(market, lead, routed)
    rows = await market.pool.fetch("select id, presence from rep")
    assert {row["presence"] for row in rows if row["id"] == moved.owner_id} == {"available"}
    assert {row["presence"] for row in rows if row["id"] != moved.owner_id} == {"away"}
    await market.dial(lead)
    assert await market.pool.fetchval("select rep_id from leg") == moved.owner_id


async def test_who_declines_an_offer_is_not_given_the_lead(market: House) -> None:
    for n in range(3):
        await market.rep(f"R{n}")
    lead = await market.lead()
    routed = await route(market, lead)
    declined, silent = routed.offered[:2], routed.offered[2]
    assert (await not_claimed(market, lead, routed, declined)).owner_id == silent
    ends = {row["rep_id"]: row["result"] for row in await market.pool.fetch("select * from offer where kind = 'claim'")}
    assert ends == dict.fromkeys(declined, "declined") | {silent: "silent"}
    rows = await market.pool.fetch("select id from rep where presence = 'available'")
    assert {row["id"] for row in rows} == set(routed.offered)


async def test_when_all_decline_somebody_else_is_asked(market: House) -> None:
    for n in range(3):
        await market.rep(f"R{n}")
    lead = await market.lead()
    routed = await route(market, lead)
    other = await market.rep("Other")
    assert (await not_claimed(market, lead, routed, routed.offered)).owner_id == other
