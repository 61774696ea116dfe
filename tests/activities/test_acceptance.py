"""Taking a lead over real rows: one has it, whatever comes at once; who is wrong or late changes nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from speedlead.chores.sla import sla_chore
from speedlead.contracts import (
    AcceptResult,
    BreachRequest,
    EscalateRequest,
    EscalateResult,
    NotifyRequest,
    RouteRequest,
    TakeRequest,
)
from speedlead.domain.routing_rules import Claim, RoutingRules
from speedlead.routingbook import load_routing
from speedlead.steering import Steering
from speedlead.store.hand_over import begin_hand_over, plan_hand_over
from speedlead.store.starts import build_start
from speedlead.store.transactions import transact
from tests.activities.house import NO_CALENDARS, NOW, House, open_house
from workflows.state import _watched

MINUTE = timedelta(minutes=1)


async def route(house: House, lead: str) -> Any:
    return await house.run(house.routing.route, RouteRequest(lead_id=lead, lead_type="hot", submitted_at=NOW))


async def accept(house: House, lead: str, rep: str) -> AcceptResult:
    return await house.run(house.acceptance.accept, TakeRequest(lead_id=lead, rep_id=rep))  # type: ignore[no-any-return]


async def escalate(house: House, lead: str, asked: str, level: int, reason: str = "silent") -> EscalateResult:
    request = EscalateRequest(lead_id=lead, reason=reason, level=level, asked=(asked,), asked_at=NOW)  # type: ignore[arg-type]
    return await house.run(house.acceptance.escalate, request)  # type: ignore[no-any-return]


async def owner(house: House, lead: str) -> tuple[str | None, bool]:
    row = await house.pool.fetchrow("select owner_id, accepted_at is not null as taken from lead where id = $1", lead)
    assert row is not None
    return row["owner_id"], row["taken"]


async def test_a_hundred_who_claim_at_once_make_one_owner(database_url: str) -> None:
    rules: RoutingRules = load_routing().model_copy(update={"claim": Claim(offer=10)})
    async with open_house(database_url, rules=rules) as house:
        for n in range(10):
            await house.rep(f"R{n}", capacity=50)
        leads = [await house.lead(email=f"{n}@example.com", phone=None) for n in range(10)]
        for lead in leads:
            routed = await route(house, lead)
            assert (routed.owner_id, routed.reason, len(routed.offered)) == (None, "offered", 10)
            # a lost answer is asked for again
            assert (await route(house, lead)).offered == routed.offered
        asks = [(lead, rep) for lead in leads for rep in routed.offered]
        results = await asyncio.gather(*(accept(house, lead, rep) for lead, rep in asks))
        won = [ask for ask, result in zip(asks, results, strict=True) if result.taken]
        assert sorted(lead for lead, _ in won) == sorted(leads)
        assert dict(won) == {lead: (await owner(house, lead))[0] for lead in leads}
        assert all(
            result.why and "has it. Nothing was changed." in result.why for result in results if not result.taken
        )
        ends = await house.pool.fetch("select result, count(*)::int as n from offer group by 1")
        assert {row["result"]: row["n"] for row in ends} == {"accepted": 10, "taken": 90}
        assert await house.pool.fetchval("select count(*) from notice where kind = 'lead_taken'") == 90


async def test_a_hundred_accepts_and_escalations_at_once_leave_one_owner(house: House) -> None:
    reps = [await house.rep(f"R{n}", capacity=999) for n in range(3)]
    leads = [await house.lead(email=f"{n}@example.com", phone=None) for n in range(34)]
    first = {lead: (await route(house, lead)).owner_id for lead in leads}
    everything = [accept(house, lead, rep) for lead in leads for rep in reps]
    everything += [escalate(house, lead, first[lead], 2) for lead in leads]  # type: ignore[misc]
    await asyncio.gather(*everything)
    for lead in leads:
        has, taken = await owner(house, lead)
        rows = await house.pool.fetch("select rep_id, result from offer where lead_id = $1 order by id", lead)
        took = [row["rep_id"] for row in rows if row["result"] == "accepted"]
        waits = [row["rep_id"] for row in rows if row["result"] is None]
        # taken by one, or one backup is being asked
        assert took == [has] if taken else waits == [has], [tuple(row) for row in rows]


async def test_a_backup_is_the_next_best_who_is_there_and_the_third_level_a_manager(house: House) -> None:
    first = await house.rep("First")
    lead = await house.lead()
    assert (await route(house, lead)).owner_id == first
    off_shift = await house.rep("Off", weekly={"0": [[0, 60]]})
    boss = await house.rep("Boss", manager=True)
    second = await house.rep("Second")
    moved = await escalate(house, lead, first, 2)
    assert (moved.owner_id, moved.level) == (second, 2)
    # the answer was lost: asked again, it is the same and nobody is passed over
    assert await escalate(house, lead, first, 2) == moved
    moved = await escalate(house, lead, second, 3, "declined")
    assert (moved.owner_id, moved.level) == (boss, 3)
    last = await escalate(house, lead, boss, 4)
    assert (last.owner_id, last.level, last.accepted) == (boss, None, False)
    assert ("manager", "nobody_accepted") in await house.notices(lead)
    presence = {row["id"]: row["presence"] for row in await house.pool.fetch("select id, presence from rep")}
    # who declined is there; who was silent is not
    assert presence == {first: "away", off_shift: "available", boss: "away", second: "available"}


async def test_the_restart_from_rows_knows_who_is_asked_and_what_was_missed(house: House) -> None:
    first, second = await house.rep("First"), await house.rep("Second")
    lead = await house.lead()
    owner_id = (await route(house, lead)).owner_id
    other = second if owner_id == first else first
    house.clock.now = NOW + MINUTE
    await escalate(house, lead, owner_id, 2)
    await house.run(house.acceptance.breach, BreachRequest(lead_id=lead, target="assignment", due_at=NOW - MINUTE))
    start = await transact(house.pool, lambda conn: build_start(conn, lead, again=True))
    assert start is not None
    assert start.resume is not None
    resume = start.resume
    assert (resume.asked, resume.asked_at, resume.ask_level, resume.taken) == ((other,), NOW + MINUTE, 2, False)
    assert (resume.asked_first_at, resume.missed) == (NOW, ("assignment",))
    await accept(house, lead, other)
    start = await transact(house.pool, lambda conn: build_start(conn, lead, again=True))
    assert start is not None
    assert start.resume is not None
    assert (start.resume.asked, start.resume.taken) == ((), True)


async def test_a_breach_is_told_once_with_its_phase_and_ends_when_it_was_done(house: House) -> None:
    rep = await house.rep()
    lead = await house.lead()
    await route(house, lead)
    await accept(house, lead, rep)
    due = NOW + 3 * MINUTE
    house.clock.now = due
    request = BreachRequest(lead_id=lead, target="first_attempt", due_at=due)
    assert [await house.run(house.acceptance.breach, request) for _ in range(2)] == ["own_work", "own_work"]
    told = await house.notices(lead)
    assert told.count(("rep", "breach")) == told.count(("manager", "breach")) == 1
    await house.pool.execute("update lead set first_attempt_at = $2 where id = $1", lead, due + MINUTE)
    assert "1 ended" in str(await sla_chore(house.pool, NO_CALENDARS, house.clock).run())
    assert await house.pool.fetchval("select ended_at from breach where lead_id = $1", lead) == due + MINUTE


async def test_what_was_done_in_time_is_no_breach(house: House) -> None:
    await house.rep()
    lead = await house.lead(first_attempt_at=NOW)
    await route(house, lead)
    request = BreachRequest(lead_id=lead, target="first_attempt", due_at=NOW + MINUTE)
    assert await house.run(house.acceptance.breach, request) is None
    assert await house.pool.fetchval("select count(*) from breach") == 0


@pytest.mark.parametrize(("late", "alarms"), [(0, 0), (1, 1)])
async def test_managers_hear_once_an_hour_of_a_team_below_95_percent(house: House, late: int, alarms: int) -> None:
    rep = await house.rep()
    for n in range(10):
        await house.lead(
            email=f"{n}@example.com", phone=None, owner_id=rep, first_attempt_due=NOW - MINUTE,
            first_attempt_at=NOW if n < late else NOW - MINUTE,
        )  # fmt: skip
    chore = sla_chore(house.pool, NO_CALENDARS, house.clock)
    await chore.run()
    await chore.run()
    rows = await house.pool.fetch("select audience, reason from notice where kind = 'sla_share'")
    assert len(rows) == alarms
    if alarms:
        assert tuple(rows[0]) == ("manager", "Team everybody: 9 of 10 in time, 90 %")
    house.clock.now = NOW + timedelta(hours=2)
    await chore.run()
    assert await house.pool.fetchval("select count(*) from notice where kind = 'sla_share'") == alarms


async def test_all_open_leads_of_somebody_who_leaves_go_to_those_who_have_room(house: House) -> None:
    gone, small, large = await house.rep("Gone"), await house.rep("S", capacity=1), await house.rep("L", capacity=9)
    leads = [await house.lead(email=f"{n}@example.com", phone=None, owner_id=gone) for n in range(5)]
    plan = await transact(house.pool, lambda conn: plan_hand_over(conn, gone, None))
    assert sorted(plan) == sorted(leads)
    assert (list(plan.values()).count(small), list(plan.values()).count(large)) == (1, 4)

    class Workflows:
        """What a lead's workflow does with `reassign`."""

        async def update(self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None) -> None:
            assert name == "reassign"
            given = payload["rep_id"], NOW, payload["reason"], payload["expected_owner"]
            await house.leads.reassign(lead_id, *given)

    run_id = await transact(
        house.pool,
        lambda conn: begin_hand_over(conn, gone, plan, "handed_over", role="ops", account_id=None, wall=NOW),
    )
    handed = await Steering(house.pool, Workflows(), house.clock).carry_out(run_id)
    assert (handed.done, handed.refused) == (5, 0)
    assert await transact(house.pool, lambda conn: plan_hand_over(conn, gone, None)) == {}
    # a manager's word: nobody is asked to take them
    assert all([(await owner(house, lead))[1] for lead in leads])


async def test_a_manager_on_leave_is_not_asked_and_one_on_shift_comes_first(house: House) -> None:
    first = await house.rep("First")
    lead = await house.lead()
    await route(house, lead)
    resting = await house.rep("Resting", manager=True, weekly={"6": [[0, 60]]})
    there = await house.rep("There", manager=True)
    away = await house.rep("On leave", manager=True)
    await house.lead(email="b@example.com", phone=None, owner_id=there)
    day = timedelta(days=1)
    await house.put("rep_busy", rep_id=away, source="time_off", starts_at=NOW - day, ends_at=NOW + day)
    assert (await escalate(house, lead, first, 3)).owner_id == there
    again = await house.lead(email="c@example.com", phone=None)
    await route(house, again)
    await house.pool.execute("update rep set presence = 'away' where id = $1", there)
    assert (await escalate(house, again, first, 3)).owner_id == resting


@pytest.mark.parametrize(
    ("kind", "waits"), [("due_soon", ("call-1", "quiet_hours")), ("waiting_for_outcome", (None, "waiting_for_outcome"))]
)
async def test_a_notice_changes_what_the_lead_waits_for_only_when_it_is_that(
    house: House, kind: str, waits: tuple[str | None, str]
) -> None:
    due = NOW + 3 * MINUTE
    lead = await house.lead(
        owner_id=await house.rep(), assigned_at=NOW, accepted_at=NOW, open_at=NOW, first_attempt_due=due
    )
    await house.leads.next_touch(lead, "call-1", NOW + 120 * MINUTE, "quiet_hours")
    request = NotifyRequest(lead_id=lead, key=kind, audience="rep", kind=kind, due_at=due)
    assert await house.run(house.notifying.notify, request)
    row = await house.pool.fetchrow("select next_step, next_why from lead where id = $1", lead)
    assert row is not None
    assert tuple(row) == waits
    house.clock.now = due
    breach = BreachRequest(lead_id=lead, target="first_attempt", due_at=due)
    phase = "no_lawful_time" if kind == "due_soon" else "own_work"
    assert await house.run(house.acceptance.breach, breach) == phase


async def test_a_restart_knows_by_when_the_lead_is_to_have_an_owner(house: House) -> None:
    lead = await house.lead()
    routed = await route(house, lead)
    start = await transact(house.pool, lambda conn: build_start(conn, lead, again=True))
    assert start is not None
    assert start.resume is not None
    assert routed.assign_due_at is not None
    assert start.resume.assign_due_at == routed.assign_due_at
    assert _watched(start.resume).assign_due == routed.assign_due_at
