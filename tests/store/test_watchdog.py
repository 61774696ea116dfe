"""The watchdog on a real database: what is in limbo is set going within one round, and what is well is left alone."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from speedlead.cadence_errors import LeadNotFound, LeadUnavailable
from speedlead.chores.watchdog import Watchdog
from speedlead.contracts import LeadStart, LeadStatus
from speedlead.payload_keys import UnknownKey
from speedlead.store.limbo import leads_in_limbo
from tests.activities.house import House, open_house

HOUR = timedelta(hours=1)


class Temporal:
    """Knows which leads run and what each says of itself."""

    def __init__(self) -> None:
        self.waits: dict[str, tuple[str | None, datetime | None, str]] = {}
        self.started: list[LeadStart] = []
        self.asked: list[str] = []
        self.silent: set[str] = set()
        # what the SDK raises where a payload cannot be read, or a row is broken
        self.broken: set[str] = set()

    async def start(self, start: LeadStart, *, again: bool = False) -> bool:
        assert again
        if start.lead_id in self.broken:
            raise UnknownKey("payload key 'k1' is not in SPEEDLEAD_PAYLOAD_KEYS")
        self.started.append(start)
        self.waits[start.lead_id] = (None, None, "routing")
        return True

    async def running(self) -> set[str]:
        return set(self.waits)

    async def status(self, lead_id: str) -> LeadStatus:
        self.asked.append(lead_id)
        if lead_id in self.broken:
            raise UnknownKey("payload key 'k1' is not in SPEEDLEAD_PAYLOAD_KEYS")
        if lead_id in self.silent:
            raise LeadUnavailable("silent")
        if lead_id not in self.waits:
            raise LeadNotFound("gone")
        step, at, why = self.waits[lead_id]
        return LeadStatus(
            lead_id=lead_id, stage="attempting", lead_type="hot", owner_id=None, next_step=step, next_at=at, why=why,
            paused=False, paused_until=None, plan="inbound v1", rejected_messages=0,
        )  # fmt: skip


class Watched:
    def __init__(self, house: House) -> None:
        self.house, self.pool, self.temporal = house, house.pool, Temporal()
        self.dog = Watchdog(house.pool, self.temporal, house.clock)
        self.owner = ""

    async def lead(self, **columns: Any) -> str:
        """A healthy lead that waits for its next call."""
        at = self.house.clock.now + HOUR
        row = {"owner_id": self.owner, "open_at": self.house.clock.now, "next_step": "call-2", "next_touch_at": at,
               "next_why": "scheduled"} | columns  # fmt: skip
        lead = await self.house.lead(email=None, phone=None, **row)
        await self.house.put("message", id=lead, lead_id=lead, kind="start", payload={},
                             delivered_wall=self.house.clock.now - HOUR)  # fmt: skip
        self.temporal.waits[lead] = (row["next_step"], row["next_touch_at"], row["next_why"])
        return lead

    async def story(self, lead: str) -> list[str]:
        rows = await self.pool.fetch("select reason from story where lead_id = $1 and kind = 'healed'", lead)
        return [row["reason"] for row in rows]

    async def notices(self) -> list[str]:
        return [row["reason"] for row in await self.pool.fetch("select reason from notice where audience = 'ops'")]


@pytest_asyncio.fixture
async def watched(database_url: str) -> AsyncIterator[Watched]:
    async with open_house(database_url) as house:
        made = Watched(house)
        made.owner = await house.rep()
        yield made


async def test_a_workflow_that_was_terminated_is_started_again_from_rows(watched: Watched) -> None:
    lead, well = await watched.lead(), await watched.lead()
    del watched.temporal.waits[lead]
    assert await watched.dog.round() == "no workflow 1"
    (start,) = watched.temporal.started
    assert (start.lead_id, start.resume is not None) == (lead, True)
    assert await watched.story(lead) == ["no_workflow"]
    assert await watched.story(well) == []
    assert await leads_in_limbo(watched.pool) == 1
    watched.temporal.waits[lead] = ("call-2", watched.house.clock.now + HOUR, "scheduled")
    assert await watched.dog.round() is None
    assert await leads_in_limbo(watched.pool) == 0


async def test_a_lost_store_starts_all_and_tells_operations_once(watched: Watched) -> None:
    leads = {await watched.lead() for _ in range(5)}
    watched.temporal.waits.clear()
    assert await watched.dog.round() == "no workflow 5"
    assert {start.lead_id for start in watched.temporal.started} == leads
    assert await watched.notices() == ["no workflow 5"]


@pytest.mark.parametrize("lost", ["next_touch_at = null", "next_step = null, next_touch_at = null, next_why = null"])
async def test_rows_without_a_next_step_get_what_the_workflow_waits_for(watched: Watched, lost: str) -> None:
    lead = await watched.lead()
    await watched.pool.execute(f"update lead set {lost} where id = $1", lead)
    assert await watched.dog.round() == "no next step 1"
    row = await watched.pool.fetchrow("select next_step, next_touch_at, next_why from lead where id = $1", lead)
    assert tuple(row) == watched.temporal.waits[lead]
    assert await watched.story(lead) == ["no_next_step"]
    assert await watched.dog.round() is None


async def test_a_step_that_is_past_with_nothing_under_way_is_placed_again(watched: Watched) -> None:
    lead = await watched.lead(next_touch_at=watched.house.clock.now - timedelta(minutes=6))
    assert await watched.dog.round() == "overdue unnoticed 1"
    sent = await watched.pool.fetchrow("select kind, payload from message where lead_id = $1 order by seq desc", lead)
    assert sent["kind"] == "replan"
    assert await watched.story(lead) == ["overdue_unnoticed"]


async def test_who_stays_in_limbo_becomes_a_persons(watched: Watched) -> None:
    lead = await watched.lead(next_step=None, next_touch_at=None, next_why=None)
    watched.temporal.silent.add(lead)
    for _ in range(3):
        assert await watched.notices() == []
        said = await watched.dog.round()
    assert said == "workflow silent 1; 1 for 3 rounds and more"
    assert await watched.notices() == [said]


@pytest.mark.parametrize("trouble", ["broken", "silent"])
async def test_leads_that_give_no_answer_leave_nobody_lying(watched: Watched, trouble: str) -> None:
    past = {"next_touch_at": watched.house.clock.now - HOUR}
    bad = {await watched.lead(**past) for _ in range(8)}
    getattr(watched.temporal, trouble).update(bad)
    lost = await watched.lead()
    del watched.temporal.waits[lost]
    assert await watched.dog.round() == "no workflow 1, workflow silent 8"
    assert [start.lead_id for start in watched.temporal.started] == [lost]
    # three silent ones in a row are enough: each costs the time limit of a query
    assert len(watched.temporal.asked) == 3
    assert set(watched.temporal.asked) <= bad


async def test_one_bad_lead_does_not_end_the_round(watched: Watched) -> None:
    past = {"next_touch_at": watched.house.clock.now - HOUR}
    for number in range(6):  # fewer bad ones than it takes to stop asking
        lead = await watched.lead(**past)
        if number < 2:
            watched.temporal.broken.add(lead)
    gone = await watched.lead()
    watched.temporal.broken.add(gone)
    del watched.temporal.waits[gone]
    assert await watched.dog.round() == "no workflow 1, overdue unnoticed 4, workflow silent 2"
    assert len(watched.temporal.asked) == 6


async def test_a_lead_that_was_never_routed_is_found_and_one_in_the_pool_is_not(watched: Watched) -> None:
    await watched.lead(owner_id=None)
    lost = await watched.lead(owner_id=None, open_at=None)
    assert await watched.dog.round() == "never routed 1"
    assert [row["lead_id"] for row in await watched.pool.fetch("select lead_id::text from limbo")] == [lost]


async def test_a_thousand_leads_that_are_well_raise_no_alarm(watched: Watched) -> None:
    now = watched.house.clock.now
    states: list[dict[str, Any]] = [
        {},
        {"next_touch_at": now - timedelta(minutes=4)},
        {"next_step": None, "next_touch_at": None, "next_why": "waiting_for_outcome"},
        {"plan_stopped": "replied", "next_touch_at": now - 9 * HOUR},
        {"paused_until": now + HOUR, "next_touch_at": now - 2 * HOUR},
        {"owner_id": None},
        {"source": "flow_check", "owner_id": None, "open_at": None},
        {"clock_offset_us": -2 * 3600 * 10**6, "next_touch_at": now - HOUR},
    ]
    for number in range(1000):
        await watched.lead(**states[number % len(states)])
    called = await watched.lead(next_touch_at=now - HOUR, next_why="in_progress")
    person = await watched.house.person(called)
    await watched.house.put("touch", id=f"{called}.call-2", lead_id=called, person_id=person, step="call-2",
                            channel="call", purpose="plan", state="claimed")  # fmt: skip
    told = await watched.lead(next_touch_at=now - HOUR)
    await watched.house.put("message", id=watched.owner, lead_id=told, kind="reply", payload={})
    assert await watched.dog.round() is None
    assert watched.temporal.started == []
    assert watched.temporal.asked == []
    assert await watched.pool.fetchval("select count(*) from story where kind = 'healed'") == 0
