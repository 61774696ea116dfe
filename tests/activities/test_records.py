"""Routing and the record: who owns a lead, what a signal leaves behind, and how a lead closes."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from speedlead.contracts import CloseRequest, CloseResult, OutcomeSignal, RecordRequest, RouteRequest, RouteResult
from speedlead.domain.plan import Plan
from speedlead.ids import new_id
from speedlead.store.plans import PlanConflict, PlanStore
from tests.activities.house import NOW, PLAN, House


async def route(house: House, lead: str) -> RouteResult:
    request = RouteRequest(lead_id=lead, lead_type="hot", submitted_at=NOW)
    return await house.run(house.routing.route, request)  # type: ignore[no-any-return]


async def close(house: House, lead: str) -> CloseResult:
    request = CloseRequest(lead_id=lead, reason="plan_completed", stage="exhausted")
    return await house.run(house.records.close, request)  # type: ignore[no-any-return]


async def test_capacity_is_never_exceeded_by_leads_that_race(house: House) -> None:
    reps = [await house.rep(name, capacity=3) for name in ("A", "B")]
    leads = [await house.lead(email=f"{n}@example.com", phone=None) for n in range(12)]
    results = await asyncio.gather(*(route(house, lead) for lead in leads))
    owned = [result.owner_id for result in results]
    assert sorted(owned.count(rep) for rep in reps) == [3, 3]
    assert [r.reason for r in results].count("rep_unavailable") == 6
    assert await house.pool.fetchval("select count(*) from notice where kind = 'nobody_available'") == 6


async def test_routing_opens_the_clock_and_tells_the_owner_once(house: House) -> None:
    rep, lead = await house.rep(), await house.lead()
    for _ in range(2):
        result = await route(house, lead)
        assert (result.owner_id, result.open_at, result.due_at) == (rep, NOW, NOW + timedelta(minutes=3))
    assert await house.notices(lead) == [("rep", "new_lead")]
    row = await house.pool.fetchrow("select open_at, first_attempt_target, stage from lead where id = $1", lead)
    assert tuple(row) == (NOW, "hot", "assigned")


async def test_the_owner_stays_and_one_who_has_left_is_replaced(house: House) -> None:
    owner, other = await house.rep("Owner", capacity=1), await house.rep("Other")
    lead = await house.lead(owner_id=owner)
    assert (await route(house, lead)).owner_id == owner
    await house.pool.execute("update rep set active = false where id = $1", owner)
    assert (await route(house, lead)).owner_id == other
    assert await house.pool.fetchval("select owner_id from lead where id = $1", lead) == other


@pytest.mark.parametrize("columns", [{"presence": "away"}, {"manager": True}, {"weight": 0}])
async def test_who_gets_no_leads(house: House, columns: dict[str, Any]) -> None:
    await house.rep(**columns)
    assert (await route(house, await house.lead())).owner_id is None


async def test_closing_is_refused_while_a_message_is_on_its_way(house: House) -> None:
    lead, message = await house.lead(), new_id()
    await house.put("message", id=message, lead_id=lead, kind="reply", payload={})
    assert not (await close(house, lead)).closed
    assert await house.pool.fetchval("select closed_at from lead where id = $1", lead) is None
    await house.pool.execute("update message set delivered_wall = now() where id = $1", message)
    assert (await close(house, lead)).closed
    assert (await close(house, lead)).closed


async def test_what_was_put_off_ends_with_its_lead(house: House) -> None:
    lead = await house.lead(paused_until=NOW + timedelta(days=1))
    await house.touches.claim(house.claim(lead))
    await close(house, lead)
    touch = await house.touch(lead, "email-1")
    assert touch is not None
    assert (touch["state"], touch["reason"], touch["next_at"]) == ("skipped", "lead_closed", None)


async def record(house: House, lead: str, **outcome: Any) -> None:
    signal = OutcomeSignal.model_validate(outcome)
    request = RecordRequest(lead_id=lead, key="typed:1", kind="outcome", outcome=signal, at=NOW)
    await house.run(house.records.record, request)


async def test_an_outcome_that_was_typed_by_hand_is_one_row_however_often_it_is_recorded(house: House) -> None:
    lead = await house.lead()
    for _ in range(3):
        await record(house, lead, call_result="connected", outcome="meeting_booked")
    assert await house.pool.fetchval("select count(*) from outcome") == 1
    row = await house.pool.fetchrow("select plan_stopped, first_contact_at from lead where id = $1", lead)
    assert tuple(row) == ("meeting_booked", NOW)


async def test_an_outcome_from_our_own_doors_has_its_row_already(house: House) -> None:
    lead, message = await house.lead(), new_id()
    await house.put("message", id=message, lead_id=lead, kind="outcome", payload={})
    signal = OutcomeSignal.model_validate({"outcome": "qualified"})
    request = RecordRequest(lead_id=lead, key=message, kind="outcome", outcome=signal, at=NOW)
    await house.run(house.records.record, request)
    assert await house.pool.fetchval("select count(*) from outcome") == 0


async def test_the_story_says_who_declined(house: House) -> None:
    lead, rep = await house.lead(), new_id()
    request = RecordRequest(lead_id=lead, key="d:1", kind="declined", reason="busy", rep_id=rep, at=NOW)
    await house.run(house.records.record, request)
    assert await house.pool.fetchval("select data from story where kind = 'declined'") == {"rep_id": rep}


async def test_a_callback_by_signal_holds_the_plan_until_its_own_moment(house: House) -> None:
    lead = await house.lead(plan_stopped="replied")
    at, until = NOW + timedelta(days=1), NOW + timedelta(days=9)
    await record(house, lead, outcome="callback_requested", at=at, until=until)
    row = await house.pool.fetchrow("select plan_stopped, paused_until from lead where id = $1", lead)
    assert tuple(row) == (None, at)


@pytest.mark.parametrize("scope", ["call", "all"])
async def test_do_not_contact_suppresses_what_it_names_and_stops_nothing_else(house: House, scope: str) -> None:
    lead = await house.lead()
    await record(house, lead, outcome="do_not_contact", scope=scope)
    assert await house.pool.fetchval("select channel from suppression") == scope
    answers = {c: type(await house.touches.claim(house.claim(lead, f"{c}-1", c))).__name__ for c in ("email", "sms")}
    assert set(answers.values()) == {"Skipped" if scope == "all" else "Claimed"}


async def test_a_stored_plan_version_never_changes(house: House) -> None:
    plans = PlanStore(house.pool)
    assert not await plans.publish(PLAN)
    changed = PLAN.model_dump(mode="json", by_alias=True)
    changed["tracks"]["hot"]["ring"] = 99
    with pytest.raises(PlanConflict, match="raise its version"):
        await plans.publish(Plan.model_validate(changed))
    assert await plans.plan(PLAN.id, PLAN.version) == PLAN
    assert await plans.publish(Plan.model_validate(changed | {"version": PLAN.version + 1}))
    with pytest.raises(LookupError, match="inbound version 7"):
        await plans.plan("inbound", 7)
