"""On-call cover from rows to the lead's phone: who is rung outside business hours, for whom, within the law."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from speedlead.calendarbook import parse_calendars
from speedlead.contracts import PlaceRequest, RouteRequest, TouchState
from speedlead.domain.plan import Step
from tests.activities.house import House, open_house

CALENDARS = parse_calendars(
    """
teams:
  - id: everybody
    zone: America/New_York
    closures: [{date: 2026-11-25, reason: outing}]
    on_call:
      - {id: weekend, when: {lead_type: hot}, hours: {sat: 10:00-24:00, sun: 10:00-16:00}, reps: [sam@acme.example]}
  - id: paris
    reps: [paul@acme.example]
    zone: Europe/Paris
    hours: {mon: 09:00-18:00, tue: 09:00-12:00}
""",
    "own.yaml",
)
SATURDAY = datetime(2026, 11, 28, 16, 0, tzinfo=UTC)  # 11:00 in New York
SAM = {"email": "Sam@acme.example", "phone": "+14155552706"}


@pytest_asyncio.fixture
async def covered(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url, CALENDARS) as made:
        made.clock.now = SATURDAY
        yield made


async def test_on_a_weekend_the_rep_on_call_owns_a_hot_lead_and_calls_at_once(covered: House) -> None:
    await covered.rep()
    sam = await covered.rep("Sam", **SAM)
    lead = await covered.lead()
    routed = await covered.run(
        covered.routing.route, RouteRequest(lead_id=lead, lead_type="hot", submitted_at=SATURDAY)
    )
    assert (routed.owner_id, routed.open_at) == (sam, SATURDAY)
    result = await covered.dial(lead)
    assert result.state is TouchState.RINGING
    assert [request["to"] for request in covered.phone.requests] == [SAM["phone"]]
    leg = f"{lead}.call-1.rep-1-1"
    assert (await covered.gate.claim_lead_leg(leg)).allowed


@pytest.mark.parametrize("lead_type", ["warm", "cold"])
async def test_cover_is_not_for_other_leads(covered: House, lead_type: str) -> None:
    await covered.rep("Sam", **SAM)
    lead = await covered.lead(lead_type=lead_type, intent="webinar")
    result = await covered.dial(lead)
    assert (result.state, result.reason) == (TouchState.DEFERRED, "rep_unavailable")
    assert result.next_at == datetime(2026, 11, 30, 14, 0, tzinfo=UTC)
    assert covered.phone.requests == []


async def test_cover_ends_where_the_law_begins(covered: House) -> None:
    await covered.rep("Sam", **SAM)
    lead = await covered.lead()
    covered.clock.now = datetime(2026, 11, 29, 2, 30, tzinfo=UTC)  # Saturday, 21:30 in New York
    result = await covered.dial(lead)
    assert result.state is TouchState.DEFERRED
    assert result.reasons[0].startswith("quiet_hours:us-")
    assert covered.phone.requests == []


async def test_cover_opens_no_other_leads_business_hours_to_a_late_key(covered: House) -> None:
    """Somebody is on call at weekends for hot leads; that is nothing to the key for a warm one on a Tuesday evening."""
    covered.clock.now = datetime(2026, 11, 24, 22, 59, 50, tzinfo=UTC)  # 17:59:50 in New York
    await covered.rep()
    lead = await covered.lead(lead_type="warm", intent="webinar")
    assert (await covered.dial(lead)).state is TouchState.RINGING
    covered.clock.now = datetime(2026, 11, 24, 23, 0, 10, tzinfo=UTC)
    permit = await covered.gate.claim_lead_leg(f"{lead}.call-1.rep-1-1")
    assert (permit.allowed, permit.reason) == (False, "outside_business_hours")


async def test_where_no_shift_meets_the_leads_business_hours_the_call_is_made_in_the_shift(covered: House) -> None:
    """The plan lets business hours give way then; a gate that asks for them again would put the call off for ever."""
    covered.clock.now = datetime(2026, 11, 25, 0, 30, tzinfo=UTC)  # Tuesday, 19:30 in New York
    await covered.rep(zone="Asia/Tokyo", weekly={str(day): [[540, 660]] for day in range(5)})
    lead = await covered.lead()
    now = covered.clock.now
    placed = await covered.run(
        covered.placing.place,
        PlaceRequest(lead_id=lead, steps=(Step(id="call-1", channel="call"),), due=now, opened=now),
    )
    assert placed.at == now
    assert (await covered.dial(lead)).state is TouchState.RINGING
    assert (await covered.gate.claim_lead_leg(f"{lead}.call-1.rep-1-1")).allowed


async def test_a_key_after_the_end_of_cover_dials_nobody(covered: House) -> None:
    covered.clock.now = datetime(2026, 11, 29, 20, 59, 50, tzinfo=UTC)  # Sunday, 15:59:50 in New York
    await covered.rep("Sam", **SAM)
    lead = await covered.lead()
    assert (await covered.dial(lead)).state is TouchState.RINGING
    covered.clock.now = datetime(2026, 11, 29, 21, 0, 10, tzinfo=UTC)
    permit = await covered.gate.claim_lead_leg(f"{lead}.call-1.rep-1-1")
    assert (permit.allowed, permit.reason) == (False, "weekend")


async def test_a_call_that_a_person_asked_for_needs_no_cover_at_its_second_gate(covered: House) -> None:
    await covered.rep("Sam", **SAM)
    lead = await covered.lead(lead_type="warm", intent="webinar", plan_stopped="replied")
    covered.clock.now = SATURDAY
    rang = await covered.dial(lead, step="callback-1", purpose="manual")
    assert (rang.state, rang.reason) == (TouchState.DEFERRED, "rep_unavailable")  # Sam is there for hot leads only
    hot = await covered.lead(email="h@example.com", phone="+12125550177", plan_stopped="replied")
    assert (await covered.dial(hot, step="callback-1", purpose="manual")).state is TouchState.RINGING
    covered.clock.now = datetime(2026, 11, 29, 0, 30, tzinfo=UTC)  # 19:30: cover lasts, business is closed
    assert (await covered.gate.claim_lead_leg(f"{hot}.callback-1.rep-1-1")).allowed


async def test_a_step_is_placed_in_cover(covered: House) -> None:
    await covered.rep("Sam", **SAM)
    lead = await covered.lead()
    early = datetime(2026, 11, 28, 13, 30, tzinfo=UTC)
    placed = await covered.run(
        covered.placing.place,
        PlaceRequest(lead_id=lead, steps=(Step(id="call-2", channel="call"),), due=early, opened=early),
    )
    assert placed.at == datetime(2026, 11, 28, 15, 0, tzinfo=UTC)


async def test_a_team_keeps_its_own_calendar(covered: House) -> None:
    covered.clock.now = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # Tuesday, 16:00 in Paris
    await covered.rep("Paul", email="paul@acme.example")
    nobody = await covered.dial(await covered.lead())
    assert (nobody.state, nobody.reason) == (TouchState.DEFERRED, "rep_unavailable")
    await covered.rep("Anna", phone="+14155552701")
    lead = await covered.lead(email="b@example.com", phone="+12125550199")
    assert (await covered.dial(lead)).state is TouchState.RINGING
    covered.clock.now = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)  # everybody is out that Wednesday
    lead = await covered.lead(email="c@example.com", phone="+12125550198")
    assert (await covered.dial(lead)).reason == "rep_unavailable"


async def test_segment_region_and_channel_decide_the_target(covered: House) -> None:
    covered.clock.now = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    await covered.rep()
    lead = await covered.lead(lead_type="cold", intent="other", source="direct", segment="enterprise")
    await covered.run(
        covered.routing.route, RouteRequest(lead_id=lead, lead_type="cold", submitted_at=covered.clock.now)
    )
    target = "select first_attempt_target from lead where id = $1"
    assert await covered.pool.fetchval(target, lead) == "enterprise-cold"
    lead = await covered.lead(email="b@example.com", lead_type="cold", intent="other", source="direct")
    await covered.pool.execute("update inquiry set channel = 'phone' where lead_id = $1", lead)
    await covered.run(
        covered.routing.route, RouteRequest(lead_id=lead, lead_type="cold", submitted_at=covered.clock.now)
    )
    assert await covered.pool.fetchval(target, lead) == "phone"
