"""Routing over real rows: one commit, true loads, everybody's score kept; a hundred leads at once."""

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from speedlead.contracts import RouteRequest, RouteResult
from speedlead.ids import new_id
from speedlead.store.assignments import why_this_rep
from speedlead.store.transactions import transact
from tests.activities.house import NOW, House


async def route(house: House, lead: str, **changes: Any) -> RouteResult:
    request = RouteRequest(lead_id=lead, lead_type="hot", submitted_at=NOW, **changes)
    return await house.run(house.routing.route, request)  # type: ignore[no-any-return]


async def a_hundred(house: House) -> list[str]:
    return [await house.lead(email=f"{n}@example.com", phone=None) for n in range(100)]


async def kept(house: House, lead: str) -> dict[str, Any]:
    row = await house.pool.fetchrow("select * from assignment where lead_id = $1", lead)
    assert row is not None
    return dict(row)


async def test_a_hundred_at_once_exceed_no_capacity_and_have_one_owner_each(house: House) -> None:
    sizes = {await house.rep(f"R{n}", capacity=size): size for n, size in enumerate((1, 3, 7, 20, 40))}
    leads = await a_hundred(house)
    # every request twice: an answer that is lost is asked for again
    results = await asyncio.gather(*(route(house, lead) for lead in leads * 2))
    assert Counter(result.owner_id for result in results[:100] if result.owner_id) == sizes
    assert await house.pool.fetchval("select count(*) from story where kind = 'assigned'") == 71
    twice = "select lead_id from story where kind in ('assigned', 'reassigned') group by 1 having count(*) > 1"
    assert await house.pool.fetch(twice) == []
    told = await house.pool.fetch("select rep_id, count(*)::int as n from notice where kind = 'new_lead' group by 1")
    assert {row["rep_id"]: row["n"] for row in told} == sizes


async def test_a_hundred_at_once_are_shared_by_weight(house: House) -> None:
    reps = {await house.rep(f"R{weight}", capacity=999, weight=weight): weight for weight in (1, 2, 7)}
    await asyncio.gather(*(route(house, lead) for lead in await a_hundred(house)))
    rows = await house.pool.fetch("select owner_id, count(*)::int as n from lead group by 1")
    assert {reps[row["owner_id"]]: row["n"] for row in rows} == {1: 10, 2: 20, 7: 70}


async def test_by_hand_and_by_rule_at_once_make_one_owner(house: House) -> None:
    reps = [await house.rep(f"R{n}", capacity=999) for n in range(3)]
    leads = await a_hundred(house)
    by_hand = [house.leads.assign(lead, reps[0], NOW) for lead in leads]
    await asyncio.gather(*by_hand, *(route(house, lead) for lead in leads))
    assert await house.pool.fetchval("select count(*) from story where kind = 'assigned'") == 100


async def test_opening_owner_notice_and_scores_are_one_commit(house: House) -> None:
    await house.rep()
    lead = await house.lead()
    await house.pool.execute("alter table assignment add constraint broken check (false)")
    with pytest.raises(Exception, match="broken"):
        await route(house, lead)
    row = await house.pool.fetchrow("select owner_id, open_at, stage from lead where id = $1", lead)
    assert tuple(row) == (None, None, "new")
    assert await house.notices(lead) == []


async def test_why_this_rep_and_why_not_that_one(house: House) -> None:
    near = await house.rep("Near", territories=["US:100"], products=["crm"])
    far = await house.rep("Far", zone="America/Los_Angeles", weekly={str(d): [[0, 1440]] for d in range(7)})
    texan = await house.rep("Texan", territories=["US-TX"], languages=["es"], lane="low")
    lead = await house.lead(country="US", region="US-NY", postcode="10001")
    await house.pool.execute("update inquiry set fields = $1", {"product": " CRM ", "lang": "en-US"})
    assert (await route(house, lead)).owner_id == near
    row = await kept(house, lead)
    assert (row["reason"], row["gave_up"]) == ("best_fit", [])
    by_rep = {candidate["rep"]: candidate for candidate in row["candidates"]}
    assert [c["rep"] for c in row["candidates"]] == [near, far, texan]
    assert (by_rep[near]["geography"], by_rep[near]["expertise"]) == (1, 0.75)
    assert by_rep[far]["no"] == []
    assert by_rep[texan]["no"] == ["other_territory", "other_language", "other_lane"]
    assert row["weights"]["load"] > 0
    assert "Ada" not in json.dumps(row["candidates"])


async def test_time_off_and_absence_are_asked_for_the_moment_of_the_first_step(house: House) -> None:
    off, back, there = await house.rep("Off"), await house.rep("Back", presence="away"), await house.rep("There")
    await house.put(
        "rep_busy", rep_id=off, source="time_off", starts_at=NOW - timedelta(hours=1), ends_at=NOW + timedelta(hours=1)
    )
    await house.pool.execute("update rep set away_until = $2 where id = $1", back, NOW + timedelta(minutes=1))
    assert (await route(house, await house.lead())).owner_id == there
    house.clock.now = NOW + timedelta(minutes=1)
    lead = await house.lead(email="b@example.com", phone="+12125550199")
    request = RouteRequest(lead_id=lead, lead_type="hot", submitted_at=house.clock.now)
    assert (await house.run(house.routing.route, request)).owner_id == back


async def test_a_known_owner_who_is_away_gives_way_before_the_lead_was_handed_over_and_not_after(house: House) -> None:
    owner, other = await house.rep("Owner"), await house.rep("Other")
    lead = await house.lead(owner_id=owner)
    assert (await route(house, lead)).owner_id == owner
    assert (await kept(house, lead))["reason"] == "known_owner"
    await house.pool.execute("update rep set presence = 'away' where id = $1", owner)
    assert (await route(house, lead)).owner_id == owner
    second = await house.lead(email="b@example.com", phone="+12125550199", owner_id=owner)
    assert (await route(house, second)).owner_id == other
    assert (await kept(house, second))["reason"] == "owner_away"


async def test_results_of_90_days_are_known(house: House) -> None:
    good, poor = await house.rep("Good", capacity=999), await house.rep("Poor", capacity=999)
    for n in range(60):
        rep, stage = (good, "converted") if n % 2 else (poor, "closed")
        await house.lead(
            email=f"old{n}@example.com", phone=None, owner_id=rep, stage=stage, closed_at=NOW,
            first_attempt_at=NOW, first_attempt_due=NOW + timedelta(minutes=1 if n % 2 else -1),
        )  # fmt: skip
    lead = await house.lead()
    assert (await route(house, lead)).owner_id == good
    parts = {c["rep"]: c["performance"] for c in (await kept(house, lead))["candidates"]}
    assert parts[poor] < 0.5 < parts[good]


async def test_nobody_is_kept_as_well(house: House) -> None:
    full = await house.rep(capacity=1)
    await route(house, await house.lead())
    lead = await house.lead(email="b@example.com", phone="+12125550199")
    for _ in range(2):
        assert (await route(house, lead)).reason == "rep_unavailable"
    row = await kept(house, lead)
    assert (row["rep_id"], row["reason"]) == (None, "nobody")
    assert [(c["rep"], c["no"]) for c in row["candidates"]] == [(full, ["rep_full"])]


async def test_managers_hear_again_of_a_lead_that_asks_again_and_still_finds_nobody(house: House) -> None:
    lead = await house.lead()
    for number in (1, 2):
        await house.inquiry(lead, number) if number > 1 else None
        for _ in range(2):
            assert (await route(house, lead)).reason == "rep_unavailable"
        assert await house.notices(lead) == [("manager", "nobody_available")] * number


async def test_a_lead_that_is_offered_keeps_its_offer_and_gets_the_new_deadline(house: House) -> None:
    rep, lead = await house.rep(), await house.lead()
    await house.put("offer", lead_id=lead, rep_id=rep, level=1, kind="claim", asked_at=NOW)
    await house.put("notice", id=new_id(), lead_id=lead, rep_id=rep, audience="rep", kind="claim_offer", at=NOW)
    found = await route(house, lead)
    assert (found.owner_id, await house.notices(lead)) == (None, [("rep", "claim_offer")])
    due = await house.pool.fetchval(
        "select n.due_at = l.first_attempt_due from notice n join lead l on l.id = n.lead_id"
    )
    assert due is True


async def test_a_person_reads_why(house: House) -> None:
    chosen, full = await house.rep("Anna"), await house.rep("Ben", presence="away", languages=["fr"])
    lead = await house.lead()
    assert await transact(house.pool, lambda conn: why_this_rep(conn, lead)) is None
    await house.pool.execute("update inquiry set fields = $1", {"lang": "en"})
    await route(house, lead)
    why = await transact(house.pool, lambda conn: why_this_rep(conn, lead))
    assert why is not None
    assert (why.sentence, why.since) == ("Anna: fits best", False)
    assert [(one.rep_id, one.chosen) for one in why.considered] == [(chosen, True), (full, False)]
    assert why.considered[1].why_not == "is away; does not speak the lead's language"
    await house.leads.reassign(lead, full, NOW, "by_hand")
    why = await transact(house.pool, lambda conn: why_this_rep(conn, lead))
    assert why is not None
    assert why.since
