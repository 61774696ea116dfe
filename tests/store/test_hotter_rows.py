"""A lead that became hotter, in its rows: attempted again, watched again, and the same when it is started again."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from speedlead.chores.sla import sla_chore
from speedlead.contracts import BreachRequest, RouteRequest
from speedlead.store.sla_share import Share, shares
from speedlead.store.starts import build_start
from speedlead.store.transactions import transact
from tests.activities.house import NO_CALENDARS, NOW, House, open_house
from workflows.state import LeadRun, begin

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        await made.rep()
        yield made


async def route(house: House, lead: str) -> Any:
    request = RouteRequest(lead_id=lead, lead_type="hot", submitted_at=house.clock.now)
    return await house.run(house.routing.route, request)


async def becomes_hot(house: House, *, attempted: bool = True) -> str:
    """A cold lead of NOW, attempted ten minutes later; two hours later a form makes it hot."""
    lead = await house.lead(lead_type="cold")
    await house.pool.execute("update inquiry set lead_type = 'cold' where lead_id = $1", lead)
    await route(house, lead)
    if attempted:
        await house.put("touch", id=f"{lead}.email-1", lead_id=lead, person_id=await house.person(lead), step="email-1",
                        channel="email", purpose="plan", state="sent", planned_at=NOW, placed_at=NOW,
                        sent_at=NOW + 10 * MINUTE)  # fmt: skip
        await house.pool.execute("update lead set first_attempt_at = $2 where id = $1", lead, NOW + 10 * MINUTE)
    house.clock.now = NOW + 2 * HOUR
    await house.inquiry(lead, 2)
    await house.pool.execute("update lead set lead_type = 'hot' where id = $1", lead)
    return lead


async def attempts(house: House, lead: str) -> tuple[Any, Any]:
    row = await house.pool.fetchrow("select first_attempt_at, earlier_attempt_at from lead where id = $1", lead)
    assert row is not None
    return tuple(row)


async def started_again(house: House, lead: str) -> LeadRun:
    start = await transact(house.pool, lambda conn: build_start(conn, lead, again=True))
    assert start is not None
    return begin(start)


async def test_the_hotter_lead_is_owed_an_attempt_and_the_first_of_all_is_kept(house: House) -> None:
    lead = await becomes_hot(house)
    for _ in range(2):  # a lost answer is asked for again
        await route(house, lead)
        assert await attempts(house, lead) == (None, NOW + 10 * MINUTE)
    now = house.clock.now
    await house.pool.execute("update lead set first_attempt_at = $2 where id = $1", lead, now + MINUTE)
    await route(house, lead)
    assert await attempts(house, lead) == (now + MINUTE, NOW + 10 * MINUTE)


async def test_a_lead_that_is_given_its_owner_after_the_night_keeps_its_attempt(house: House) -> None:
    """A mail goes out before the team is there; what opens later does not make it undone."""
    lead = await house.lead(first_attempt_at=NOW + MINUTE)
    house.clock.now = NOW + 20 * MINUTE
    await house.inquiry(lead, 2, lead_type="cold")
    await route(house, lead)
    assert await house.pool.fetchval("select open_at > first_attempt_at from lead where id = $1", lead)
    assert await attempts(house, lead) == (NOW + MINUTE, None)


async def test_an_hour_counts_the_hot_deadline_and_not_the_mail_of_before(house: House) -> None:
    lead = await becomes_hot(house)
    due = (await route(house, lead)).due_at
    wall = due + MINUTE
    assert await transact(house.pool, lambda conn: shares(conn, lambda _: "all", wall)) == {"all": Share(1, 0)}
    await house.pool.execute("update lead set first_attempt_at = $2 where id = $1", lead, due)
    assert await transact(house.pool, lambda conn: shares(conn, lambda _: "all", wall)) == {"all": Share(1, 1)}


async def test_each_round_has_its_own_breach_and_its_own_notices(house: House) -> None:
    lead = await becomes_hot(house, attempted=False)
    await house.pool.execute("update lead set accepted_at = assigned_at where id = $1", lead)
    first = BreachRequest(lead_id=lead, target="first_attempt", due_at=NOW + 3 * MINUTE)
    assert await house.run(house.acceptance.breach, first) is not None
    # attempted too late, and nobody had written down yet that the first one has ended
    late = house.clock.now - MINUTE
    await house.pool.execute("update lead set first_attempt_at = $2 where id = $1", lead, late)
    due = (await route(house, lead)).due_at
    house.clock.now = due + MINUTE
    second = BreachRequest(lead_id=lead, target="first_attempt", due_at=due, round=2)
    for _ in range(2):
        assert await house.run(house.acceptance.breach, second) is not None
    told = await house.notices(lead)
    assert told.count(("rep", "breach")) == told.count(("manager", "breach")) == 2
    assert await house.pool.fetchval("select count(*) from story where lead_id = $1 and kind = 'breach'", lead) == 2
    chore = sla_chore(house.pool, NO_CALENDARS, house.clock)
    await chore.run()
    ended = "select round, ended_at from breach where lead_id = $1 order by round"
    assert [tuple(row) for row in await house.pool.fetch(ended, lead)] == [(1, late), (2, None)]
    await house.pool.execute("update lead set first_attempt_at = $2 where id = $1", lead, house.clock.now)
    await chore.run()
    assert [tuple(row) for row in await house.pool.fetch(ended, lead)] == [(1, late), (2, house.clock.now)]


async def test_a_hotter_lead_is_started_again_as_it_was(house: House) -> None:
    lead = await becomes_hot(house)
    due = (await route(house, lead)).due_at
    await house.run(house.acceptance.breach, BreachRequest(lead_id=lead, target="assignment", due_at=NOW - MINUTE))
    house.clock.now = due + MINUTE
    breach = BreachRequest(lead_id=lead, target="first_attempt", due_at=due, round=2)
    assert await house.run(house.acceptance.breach, breach) is not None
    run = await started_again(house, lead)
    assert (run.lead.round, run.lead.settled, run.lead.due) == (2, {}, due)
    assert run.lead.first_attempt_at is None
    assert (run.watch.round, run.watch.reported) == (2, {"assignment", "first_attempt-r2"})
    # a rep's own call is no step of the plan, and an attempt
    await house.pool.execute("update lead set first_attempt_at = $2 where id = $1", lead, house.clock.now)
    assert (await started_again(house, lead)).lead.first_attempt_at == house.clock.now


async def test_one_that_was_lost_before_it_was_routed_anew_is_routed_anew(house: House) -> None:
    run = await started_again(house, await becomes_hot(house))
    assert (run.lead.round, run.lead.opened, run.lead.due, run.lead.first_attempt_at) == (2, None, None, None)


async def test_a_lead_that_did_not_become_hotter_is_started_again_with_its_attempt(house: House) -> None:
    lead = await house.lead(first_attempt_at=NOW + MINUTE)
    await route(house, lead)
    await house.inquiry(lead, 2, lead_type="cold")
    run = await started_again(house, lead)
    assert (run.lead.round, run.lead.opened, run.lead.first_attempt_at) == (1, NOW, NOW + MINUTE)


@pytest.mark.parametrize(
    ("heats", "times"), [("hot", None), ("cold hot", 1), ("cold warm hot", 2), ("warm cold warm hot hot", 1)]
)
async def test_how_often_a_lead_became_hotter(house: House, heats: str, times: int | None) -> None:
    lead = await house.lead()
    kinds = heats.split()
    await house.pool.execute("update inquiry set lead_type = $2 where lead_id = $1", lead, kinds[0])
    for number, heat in enumerate(kinds[1:], 2):
        await house.inquiry(lead, number, lead_type=heat)
    assert await house.pool.fetchval("select times from lead_hotter where lead_id = $1", lead) == times
