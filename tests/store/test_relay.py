"""A new lead's start: its intake has built it already, and what fails at once is left to the loop."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest_asyncio
from temporalio.service import RPCError, RPCStatusCode

from speedlead.contracts import LeadStart
from speedlead.intake import Rules, read_inquiry
from speedlead.planbook import load_plan
from speedlead.relay import Relay
from speedlead.store.intake import Submission, take_inquiry
from speedlead.store.plans import PlanStore
from speedlead.store.pool import open_pool
from speedlead.store.starts import build_start
from tests.gateway.house import PHONE, StepClock

PLAN = load_plan()
RULES = Rules(intents=tuple(name for names in PLAN.intents.values() for name in names))
FORMS: list[dict[str, Any]] = [
    {"email": "ada@example.com", "intent": "demo_request"},
    {"phone": PHONE, "consent_sms": True, "consent_text": "Call me", "country": "US"},
    {"email": "ada@example.com", "phone": PHONE},
]


class Temporal:
    """Remembers what was started; may be away."""

    def __init__(self) -> None:
        self.started: dict[str, LeadStart] = {}
        self.away = False

    async def start(self, start: LeadStart, *, again: bool = False) -> bool:
        await asyncio.sleep(0)
        if self.away:
            raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
        return self.started.setdefault(start.lead_id, start) is start

    async def signal(self, lead_id: str, name: str, payload: dict[str, Any]) -> bool:
        raise AssertionError("nothing but starts here")

    async def running(self) -> set[str]:
        return set(self.started)


class House:
    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self.pool, self.temporal = pool, Temporal()
        self.relay = Relay(pool, self.temporal)

    async def take(self, form: dict[str, Any]) -> LeadStart:
        taken = await take_inquiry(self.pool, StepClock(), PLAN, Submission(read_inquiry(form, RULES), "demo"))
        assert taken.start is not None
        return taken.start

    async def deliveries(self) -> list[str | None]:
        return [row["delivery"] for row in await self.pool.fetch("select delivery from message order by seq")]


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    pool = await open_pool(database_url)
    await PlanStore(pool).publish(PLAN)
    yield House(pool)
    await pool.close()


async def test_what_intake_built_is_what_the_rows_say(house: House) -> None:
    for form in FORMS[:2]:
        start = await house.take(form)
        async with house.pool.acquire() as connection:
            assert await build_start(connection, start.lead_id, again=False) == start


async def test_a_further_inquiry_starts_nothing(house: House) -> None:
    await house.take(FORMS[0])
    taken = await take_inquiry(house.pool, StepClock(), PLAN, Submission(read_inquiry(FORMS[2], RULES), "demo"))
    assert taken.start is None
    assert not taken.repeat


async def test_a_start_at_once_is_delivered(house: House) -> None:
    start = await house.take(FORMS[0])
    await house.relay.start_now(start)
    assert house.temporal.started == {start.lead_id: start}
    assert await house.deliveries() == ["started"]
    assert await house.relay.deliver(start.lead_id) == 0


async def test_a_start_that_fails_is_left_to_the_loop(house: House) -> None:
    start = await house.take(FORMS[0])
    house.temporal.away = True
    await house.relay.start_now(start)
    assert await house.deliveries() == [None]
    house.temporal.away = False
    assert await house.relay.deliver(start.lead_id) == 1
    assert house.temporal.started == {start.lead_id: start}
    assert await house.deliveries() == ["started"]


async def test_the_fast_path_and_the_loop_at_once_start_one_workflow(house: House) -> None:
    start = await house.take(FORMS[0])
    await asyncio.gather(house.relay.start_now(start), house.relay.deliver(start.lead_id), house.relay.start_now(start))
    assert list(house.temporal.started) == [start.lead_id]
    assert len(await house.deliveries()) == 1
    assert (await house.deliveries())[0] in ("started", "was_there")
