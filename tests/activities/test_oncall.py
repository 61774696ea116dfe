"""A rotation from the calendar file to the phones: at night its first level is rung, then the second, nobody else."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest
import pytest_asyncio

from speedlead.calendarbook import parse_calendars
from speedlead.contracts import RouteRequest, TouchState
from speedlead.records import team_of
from speedlead.store.oncall import Override, put_override
from speedlead.store.reps import read_rosters
from tests.activities.house import House, open_house

CALENDARS = parse_calendars(
    """
teams:
  - id: everybody
    zone: America/New_York
    on_call:
      - id: evenings
        hours: {mon: 18:00-24:00, tue: 18:00-24:00, wed: 18:00-24:00}
        rotation:
          start: 2026-11-23
          every: 1d
          handover: "09:00"
          levels: [[sam@acme.example, kim@acme.example], [lee@acme.example]]
""",
    "own.yaml",
)
TUESDAY = date(2026, 11, 24)  # Kim's turn
NIGHT = datetime(2026, 11, 25, 0, 30, tzinfo=UTC)  # Tuesday, 19:30 in New York: business is closed, the law is not
PHONES = {name: f"+1415555270{n}" for n, name in enumerate(("anna", "sam", "kim", "lee"), 1)}


@pytest_asyncio.fixture
async def night(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url, CALENDARS) as made:
        made.clock.now = NIGHT
        for name, phone in PHONES.items():
            await made.rep(name.title(), email=f"{name.title()}@acme.example", phone=phone)
        yield made


async def rep_id(house: House, name: str) -> str:
    return str(await house.pool.fetchval("select id from rep where name = $1", name.title()))


def rung(house: House) -> list[str]:
    return [name for request in house.phone.requests for name, phone in PHONES.items() if phone == request["to"]]


async def ring_all(house: House, lead: str) -> str | None:
    """One attempt that nobody accepts: the reason why it ends."""
    for level in (1, 2, 3):
        result = await house.dial(lead, level=level)
        if result.state is not TouchState.RINGING:
            return result.reason
        assert result.leg_id is not None
        await house.touches.task_over(f"{lead}.call-1", result.leg_id, at=house.clock.now, result=None)
    return None


async def test_at_night_the_first_level_is_rung_then_the_second_and_nobody_else(night: House) -> None:
    lead = await night.lead()
    assert await ring_all(night, lead) == "rep_unavailable"
    assert rung(night) == ["kim", "lee"]


async def test_the_level_comes_before_the_owner(night: House) -> None:
    lead = await night.lead(owner_id=await rep_id(night, "lee"))
    await ring_all(night, lead)
    assert rung(night) == ["kim", "lee"]


async def test_by_day_the_owner_comes_first_and_turns_do_not_matter(night: House) -> None:
    night.clock.now = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
    lead = await night.lead(owner_id=await rep_id(night, "anna"))
    await night.dial(lead)
    assert rung(night) == ["anna"]


async def test_time_off_gives_the_evening_to_the_next(night: House) -> None:
    await night.put(
        "rep_busy",
        rep_id=await rep_id(night, "kim"),
        source="time_off",
        starts_at=NIGHT,
        ends_at=NIGHT + timedelta(days=1),
    )
    await ring_all(night, await night.lead())
    assert rung(night) == ["sam", "lee"]


async def test_a_meeting_keeps_the_duty_and_passes_the_call_on(night: House) -> None:
    await night.put(
        "rep_busy",
        rep_id=await rep_id(night, "kim"),
        source="calendar",
        starts_at=NIGHT,
        ends_at=NIGHT + timedelta(hours=1),
    )
    await ring_all(night, await night.lead())
    assert rung(night) == ["lee"]


async def test_an_override_wins(night: House) -> None:
    async with night.pool.acquire() as conn, conn.transaction():
        asked = Override("evenings", 1, TUESDAY, TUESDAY, "anna@acme.example", "Kim swaps")
        await put_override(conn, await read_rosters(conn, CALENDARS), asked, "a test", NIGHT)
    await ring_all(night, await night.lead())
    assert rung(night) == ["anna", "lee"]


async def test_a_lead_of_the_night_belongs_to_the_first_level_and_to_the_second_when_that_is_away(night: House) -> None:
    async def owner(lead: str) -> str | None:
        routed = await night.run(
            night.routing.route, RouteRequest(lead_id=lead, lead_type="hot", submitted_at=night.clock.now)
        )
        return await night.pool.fetchval("select lower(name) from rep where id = $1", routed.owner_id)

    # the second level has fewer leads, and is not asked
    for n in range(3):
        await night.lead(email=f"k{n}@x.example", phone=f"+1212555017{n}", owner_id=await rep_id(night, "kim"))
    assert await owner(await night.lead(email="a@x.example", phone="+12125550161")) == "kim"
    await night.pool.execute("update rep set presence = 'away' where name = 'Kim'")
    assert await owner(await night.lead(email="b@x.example", phone="+12125550162")) == "lee"


async def test_the_promise_counts_on_the_cover_and_not_on_one_of_its_people(night: House) -> None:
    lead = await night.leads.read(await night.lead())
    planning = night.voice._planning
    opening = await planning.opening(lead, NIGHT)
    assert (opening.open_at, opening.channel) == (NIGHT, "call")
    team = team_of(await night.leads.reps())
    assert len([shift for shift in team if shift.covers is not None and shift.name != "evenings"]) == 0
    await night.pool.execute("update rep set presence = 'away' where name in ('Kim', 'Lee')")
    planning._team_read = -1e9
    assert (await planning.opening(lead, NIGHT)).open_at == NIGHT
    # with time off of everybody nobody is promised before the morning
    for name in ("sam", "kim", "lee"):
        await night.put(
            "rep_busy",
            rep_id=await rep_id(night, name),
            source="time_off",
            starts_at=NIGHT,
            ends_at=NIGHT + timedelta(hours=6),
        )
    planning._team_read = -1e9
    assert (await planning.opening(lead, NIGHT)).open_at == datetime(2026, 11, 25, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize("lead_type", ["warm", "cold"])
async def test_other_leads_wait_for_the_morning(night: House, lead_type: str) -> None:
    lead = await night.lead(lead_type=lead_type, intent="webinar")
    result = await night.dial(lead)
    assert (result.state, result.reason) == (TouchState.DEFERRED, "rep_unavailable")
    assert rung(night) == []


async def test_the_law_is_above_every_rotation(night: House) -> None:
    night.clock.now = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)  # Tuesday, 21:30 in New York; the cover is until 24:00
    result = await night.dial(await night.lead())
    assert result.state is TouchState.DEFERRED
    assert result.reasons[0].startswith("quiet_hours:us-")
    assert rung(night) == []


async def test_cover_of_a_source_is_for_that_source(database_url: str) -> None:
    """Which sources and types have cover is configuration (REQ 89)."""
    text = """
teams: [{id: everybody, zone: America/New_York, on_call: [{id: ads, when: {source: [ads], lead_type: warm}, hours: {
  tue: 18:00-24:00}, rotation: {start: 2026-11-23, every: 7d, handover: "09:00", levels: [[sam@acme.example]]}}]}]
"""
    async with open_house(database_url, parse_calendars(text, "own.yaml")) as house:
        house.clock.now = NIGHT
        await house.rep("Sam", email="sam@acme.example")
        hot = await house.dial(await house.lead())
        warm = await house.dial(
            await house.lead(
                lead_type="warm", source="ads", intent="webinar", email="w@x.example", phone="+12125550177"
            )
        )
    assert (hot.state, warm.state) == (TouchState.DEFERRED, TouchState.RINGING)
