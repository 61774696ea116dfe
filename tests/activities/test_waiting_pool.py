"""Leads that wait for somebody, on real rows: in which order they are dealt, to whom, when, and once each."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from speedlead.chores.pool import Dealer, pool_chore
from speedlead.chores.runner import run_chores, run_once
from speedlead.contracts import RouteRequest, RouteResult
from speedlead.domain.routing_rules import RoutingRules
from speedlead.routingbook import load_routing
from speedlead.store.assignments import why_this_rep
from speedlead.store.transactions import transact
from speedlead.store.waiting_pool import WaitingPool, pool_now
from tests.activities.house import NOW, House, open_house

SATURDAY_NIGHT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)  # 22:00 on Saturday in New York
MONDAY_AT_NINE = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
INTENTS = {"hot": "demo_request", "warm": "webinar", "cold": "newsletter"}
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


async def route(house: House, lead: str, lead_type: str = "hot") -> RouteResult:
    request = RouteRequest(lead_id=lead, lead_type=lead_type, submitted_at=house.clock.now)  # type: ignore[arg-type]
    return await house.run(house.routing.route, request)  # type: ignore[no-any-return]


async def lead(house: House, number: int = 0, lead_type: str = "hot", **columns: Any) -> str:
    made = await house.lead(
        email=f"n{number}@example.com", phone=f"+1212555{number:04}", lead_type=lead_type,
        **({"created_at": house.clock.now, "intent": INTENTS[lead_type], "source": "direct"} | columns),
    )  # fmt: skip
    await house.pool.execute("update inquiry set lead_type = $2, submitted_at = $3 where lead_id = $1",
                             made, lead_type, house.clock.now)  # fmt: skip
    return made


async def owners(house: House) -> Counter[tuple[str, bool]]:
    """(lead type, has an owner) -> open leads."""
    rows = await house.pool.fetch("select lead_type, owner_id from lead where closed_at is null")
    return Counter((row["lead_type"], row["owner_id"] is not None) for row in rows)


async def assigned(house: House) -> list[str]:
    rows = await house.pool.fetch("select lead_id from story where kind in ('assigned', 'reassigned') order by id")
    return [row["lead_id"] for row in rows]


async def deal(house: House) -> str | None:
    return await run_once(house.pool, pool_chore(WaitingPool(house.pool), house.dealer, house.clock))


async def close(house: House, *leads: str) -> None:
    await house.pool.execute("update lead set closed_at = $2, stage = 'closed' where id = any($1)", leads, NOW)


# ── the pool ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_hundred_leads_and_room_for_thirty_then_for_ten_more(house: House) -> None:
    kinds = [("cold", "warm", "hot", "cold")[n % 4] for n in range(100)]
    waiting = [await lead(house, n, kind, created_at=NOW + n * SECOND) for n, kind in enumerate(kinds)]
    for one, kind in zip(waiting, kinds, strict=True):
        assert (await route(house, one, kind)).reason == "rep_unavailable"
    assert await deal(house) is None
    reps = {await house.rep(f"R{size}", capacity=size): size for size in (10, 20)}
    assert await deal(house) == "30 of 100 waiting leads dealt"
    loads = await house.pool.fetch("select owner_id, count(*) from lead where owner_id is not null group by 1")
    assert {row[0]: row[1] for row in loads} == reps
    # hot leads are due first, then warm ones
    assert await owners(house) == {
        ("hot", True): 25, ("warm", True): 5, ("warm", False): 20, ("cold", False): 50,
    }  # fmt: skip
    first = await assigned(house)
    assert first[:25] == waiting[2::4]
    assert first[25:] == waiting[1::4][:5]
    assert await deal(house) is None
    await close(house, *first[:10])
    assert await deal(house) == "10 of 70 waiting leads dealt"
    assert await owners(house) == {
        ("hot", True): 15, ("warm", True): 15, ("warm", False): 10, ("cold", False): 50,
    }  # fmt: skip


async def test_equal_deadlines_go_by_heat_and_then_by_age(house: House) -> None:
    made = [await lead(house, n, kind) for n, kind in enumerate(("cold", "warm", "hot", "hot"))]
    for one in made:
        await route(house, one)
    await house.pool.execute("update lead set first_attempt_due = $1, created_at = $1", NOW)
    await house.pool.execute("update lead set created_at = $2 where id = $1", made[3], NOW - MINUTE)
    await house.rep()
    await deal(house)
    assert await assigned(house) == [made[3], made[2], made[1], made[0]]


async def test_the_workflow_and_the_owner_are_told_and_it_stands_why(house: House) -> None:
    one = await lead(house)
    await route(house, one)
    rep = await house.rep()
    await deal(house)
    messages = await house.pool.fetch("select kind, payload from message where lead_id = $1", one)
    assert [(m["kind"], m["payload"]["rep_id"]) for m in messages] == [("assigned", rep)]
    assert sorted(await house.notices(one), reverse=True) == [("rep", "new_lead"), ("manager", "nobody_available")]
    why = await transact(house.pool, lambda conn: why_this_rep(conn, one))
    assert why is not None
    assert why.sentence == "Anna: had room for a lead that was waiting"


async def test_nobody_gets_a_lead_twice_when_the_dealer_and_a_workflow_meet(house: House) -> None:
    made = [await lead(house, n) for n in range(30)]
    for one in made:
        await route(house, one)
    await house.rep("A", capacity=12)
    await house.rep("B", capacity=12)
    again = [route(house, one) for one in made]
    await asyncio.gather(deal(house), *again, *(house.dealer.deal(one) for one in reversed(made)))
    given = await assigned(house)
    assert len(given) == len(set(given)) == 24
    loads = await house.pool.fetch("select count(*) from lead where owner_id is not null group by owner_id")
    assert [row[0] for row in loads] == [12, 12]


@pytest.mark.parametrize("gives_room", ["closes", "comes_back", "capacity", "new_rep"])
async def test_whatever_gives_somebody_room_deals_at_once(house: House, gives_room: str) -> None:
    rep = await house.rep(capacity=1)
    first, second = await lead(house, 1), await lead(house, 2)
    assert (await route(house, first)).owner_id == rep
    if gives_room == "comes_back":
        await house.pool.execute("update rep set capacity = 2, presence = 'away'")
    assert (await route(house, second)).owner_id is None
    chore = pool_chore(WaitingPool(house.pool), house.dealer, house.clock)
    runner = asyncio.create_task(run_chores(house.pool, [chore]))
    try:
        await asyncio.sleep(0.5)  # the first round, and until it listens
        await house.pool.execute("update chore set next_wall = next_wall + interval '1 day'")  # only a notice helps
        assert await house.pool.fetchval("select owner_id from lead where id = $1", second) is None
        match gives_room:
            case "closes":
                await close(house, first)
            case "comes_back":
                await house.pool.execute("update rep set presence = 'available'")
            case "capacity":
                await house.pool.execute("update rep set capacity = 2")
            case _:
                await house.rep("New")
        async with asyncio.timeout(3):
            while await house.pool.fetchval("select owner_id from lead where id = $1", second) is None:
                await asyncio.sleep(0.02)
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)


async def test_a_waiting_lead_goes_to_nobody_off_shift_but_when_the_shift_starts(house: House) -> None:
    rep = await house.rep(capacity=1)
    await route(house, await lead(house, 1))
    waiting = await lead(house, 2)
    assert (await route(house, waiting)).reason == "rep_unavailable"
    await house.pool.execute("update rep set capacity = 2")
    house.clock.now = NOW + timedelta(hours=12)
    assert await deal(house) is None
    house.clock.now = NOW + timedelta(hours=23)  # 09:00 on Wednesday
    assert await deal(house) == "1 of 1 waiting leads dealt"
    assert await house.pool.fetchval("select owner_id from lead where id = $1", waiting) == rep


async def test_one_lead_that_fails_does_not_keep_the_others_waiting(house: House) -> None:
    bad, good = await lead(house, 1), await lead(house, 2)
    for one in (bad, good):
        await route(house, one)
    await house.rep()

    class Failing(Dealer):
        async def anybody_there(self) -> bool:
            return await house.dealer.anybody_there()

        async def deal(self, lead_id: str) -> str | None:
            if lead_id == bad:
                raise RuntimeError("a bug")
            return await house.dealer.deal(lead_id)

    assert await run_once(house.pool, pool_chore(WaitingPool(house.pool), Failing(), house.clock)) is not None
    assert await assigned(house) == [good]


# ── nights and weekends ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("lead_type", "before_s"), [("hot", 120), ("warm", 90), ("cold", 60)])
async def test_a_lead_of_the_weekend_waits_for_the_shift(house: House, lead_type: str, before_s: int) -> None:
    rep = await house.rep()
    house.clock.now = SATURDAY_NIGHT
    one = await lead(house, 1, lead_type)
    result = await route(house, one, lead_type)
    deal_at = result.open_at - timedelta(seconds=before_s)
    assert (result.owner_id, result.reason, result.deal_at) == (None, "waits_for_shift", deal_at)
    if lead_type == "hot":
        assert result.open_at == MONDAY_AT_NINE
    assert await house.notices(one) == []
    row = await house.pool.fetchrow("select open_at, first_attempt_due, deal_at from lead where id = $1", one)
    assert (row["open_at"], row["first_attempt_due"], row["deal_at"]) == (result.open_at, result.due_at, deal_at)
    assert await deal(house) is None
    pool = await transact(house.pool, lambda conn: pool_now(conn, house.clock.now))
    assert (pool.waiting, pool.held, pool.next_deal) == (0, 1, deal_at)
    house.clock.now = deal_at
    request = RouteRequest(lead_id=one, lead_type=lead_type, submitted_at=SATURDAY_NIGHT)  # type: ignore[arg-type]
    assert (await house.run(house.routing.route, request)).owner_id == rep
    assert await house.pool.fetchval("select deal_at from lead where id = $1", one) is None


async def test_a_lead_whose_workflow_is_late_is_dealt_all_the_same(house: House) -> None:
    await house.rep()
    house.clock.now = SATURDAY_NIGHT
    result = await route(house, await lead(house))
    assert result.deal_at is not None
    house.clock.now = result.deal_at
    assert await deal(house) == "1 of 1 waiting leads dealt"


async def test_a_known_owner_keeps_the_lead_at_once_whatever_the_hour(house: House) -> None:
    owner = await house.rep()
    house.clock.now = SATURDAY_NIGHT
    result = await route(house, await lead(house, owner_id=owner))
    assert (result.owner_id, result.deal_at) == (owner, None)


async def test_somebody_who_fits_and_is_on_shift_gets_it_at_night_and_one_who_does_not_fit_is_nobody(
    house: House,
) -> None:
    always = {str(day): [[0, 1440]] for day in range(7)}
    await house.rep("Day")
    texan = await house.rep("Texan", weekly=always, territories=["US-TX"])
    house.clock.now = SATURDAY_NIGHT
    assert (await route(house, await lead(house, 1))).reason == "waits_for_shift"
    await house.pool.execute("update rep set territories = '{}' where id = $1", texan)
    assert (await route(house, await lead(house, 2))).owner_id is not None


# ── peak hours ───────────────────────────────────────────────────────────────────────────────────────────────────────

PEAK = {
    "id": "tuesday", "zone": "America/New_York", "hours": {"tue": "09:00-12:00"}, "hold": ["cold"], "give_up": [],
    "weights": {"geography": 0, "expertise": 0, "load": 0, "availability": 0, "performance": 1},
}  # fmt: skip


def with_peak(**changes: Any) -> RoutingRules:
    return RoutingRules.model_validate(load_routing().model_dump() | {"peaks": [PEAK | changes]})


async def test_in_a_peak_other_weights_count_and_cold_leads_wait(database_url: str) -> None:
    async with open_house(database_url, rules=with_peak()) as house:
        await house.rep()
        hot = await lead(house, 1)
        assert (await route(house, hot)).owner_id is not None
        row = await house.pool.fetchrow("select peak, weights from assignment where lead_id = $1", hot)
        assert (row["peak"], row["weights"]["performance"], row["weights"]["load"]) == ("tuesday", 1, 0)
        why = await transact(house.pool, lambda conn: why_this_rep(conn, hot))
        assert why is not None
        assert why.sentence == "Anna: fits best (by the rules of the peak hours tuesday)"
        cold = await lead(house, 2, "cold")
        result = await route(house, cold, "cold")
        assert (result.owner_id, result.reason) == (None, "waits_for_peak")
        assert result.deal_at == NOW + 2 * HOUR
        assert await deal(house) is None
        house.clock.now = NOW + 2 * HOUR
        assert await deal(house) == "1 of 1 waiting leads dealt"
        assert await house.pool.fetchval("select peak from assignment where lead_id = $1", cold) is None


async def test_a_lead_that_waits_since_before_the_peak_is_held_as_well(database_url: str) -> None:
    async with open_house(database_url, rules=with_peak(hours={"tue": "11:00-12:00"})) as house:
        cold = await lead(house, 1, "cold")
        assert (await route(house, cold, "cold")).reason == "rep_unavailable"
        await house.rep()
        house.clock.now = NOW + HOUR
        assert await deal(house) is None
        house.clock.now = NOW + 2 * HOUR
        assert await deal(house) == "1 of 1 waiting leads dealt"
