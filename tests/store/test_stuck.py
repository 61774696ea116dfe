"""Which failing leads one round starts again, how many, and how often; what operations hear. Temporal is a fake."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from speedlead.chores.stuck import MOST_RESTARTS, GoingOn, Stuck
from speedlead.contracts import LeadStart
from tests.activities.house import House, open_house


class Temporal:
    """Leads fail until they are started again; `mended` are those whose history this code can replay."""

    def __init__(self) -> None:
        self.stuck: list[str] = []
        self.mended: set[str] = set()
        self.ended: list[str] = []
        self.why: dict[str, str] = {}
        self.started: list[str] = []
        self.went_on = datetime.now(UTC)

    async def failing(self) -> Sequence[str]:
        return [lead for lead in self.stuck if lead not in self.started]

    async def another_way(self, lead_id: str) -> bool:
        return lead_id not in self.mended

    async def last_went_on(self, lead_id: str) -> datetime:
        return self.went_on

    async def why_failing(self, lead_id: str) -> str | None:
        return self.why.get(lead_id)

    async def end(self, lead_id: str, why: str) -> None:
        self.ended.append(lead_id)

    async def start(self, start: LeadStart, *, again: bool = False) -> bool:
        assert again
        assert start.lead_id in self.ended
        self.started.append(start.lead_id)
        return True


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        await made.rep()
        yield made


@pytest.fixture
def temporal() -> Temporal:
    return Temporal()


def chore(house: House, temporal: Temporal, at_most: int = 20) -> Stuck:
    return Stuck(house.pool, GoingOn(temporal, temporal, "0.1.0-abc"), house.clock, at_most=at_most)


async def leads(house: House, number: int) -> list[str]:
    return [await house.lead(email=f"person{n}@example.com", phone=f"+1212555{n:04}") for n in range(number)]


async def told(house: House) -> dict[str, str]:
    rows = await house.pool.fetch("select kind, reason from notice where audience = 'ops'")
    return {row["kind"]: row["reason"] for row in rows}


async def test_a_round_starts_no_more_leads_again_than_it_may(house: House, temporal: Temporal) -> None:
    temporal.stuck = await leads(house, 5)
    stuck = chore(house, temporal, at_most=2)
    assert await stuck.round() == "2 of 5 failing leads started again"
    assert temporal.started == temporal.stuck[:2]
    assert await told(house) == {"leads_of_other_code": "2 started again, 3 more wait for their turn"}
    assert await stuck.round() == "2 of 3 failing leads started again"
    assert await stuck.round() == "1 of 1 failing leads started again"
    assert await stuck.round() is None
    assert temporal.started == temporal.stuck


async def test_what_this_code_can_replay_is_left_and_keeps_nobody_waiting(house: House, temporal: Temporal) -> None:
    temporal.stuck = await leads(house, 4)
    temporal.mended = set(temporal.stuck[:3])
    assert await chore(house, temporal, at_most=1).round() == "1 of 4 failing leads started again, 3 left as they are"
    assert temporal.ended == temporal.stuck[3:]
    assert (await told(house))["workflows_failing"] == "3 leads; the last events of their workflows say why"


async def test_operations_hear_which_key_is_missing_and_where(house: House, temporal: Temporal) -> None:
    temporal.stuck = await leads(house, 3)
    temporal.mended = set(temporal.stuck)
    missing = "payload key '2026' is not in SPEEDLEAD_PAYLOAD_KEYS, which has 2027: put it back behind the newest one"
    temporal.why = dict(zip(temporal.stuck, ["LookupError", missing, missing], strict=True))
    await chore(house, temporal).round()
    assert (await told(house))["workflows_failing"] == f"3 leads; LookupError; {missing}"


async def test_a_lead_that_is_stuck_again_and_again_is_left_to_a_person(house: House, temporal: Temporal) -> None:
    temporal.stuck = await leads(house, 1)
    stuck = chore(house, temporal)
    for _ in range(MOST_RESTARTS):
        temporal.started.clear()
        assert await stuck.round() == "1 of 1 failing leads started again"
    temporal.started.clear()
    assert await stuck.round() == "0 of 1 failing leads started again, 1 left as they are"
    assert len(temporal.ended) == MOST_RESTARTS
    assert await house.pool.fetchval("select count(*) from story where kind = 'restarted'") == MOST_RESTARTS


async def test_messages_that_came_since_it_last_went_on_are_delivered_again(house: House, temporal: Temporal) -> None:
    [lead] = temporal.stuck = await leads(house, 1)
    for kind, ago in (("start", 0), ("reply", 3600), ("outcome", 0)):
        await house.pool.execute(
            """insert into message (id, lead_id, kind, payload, delivered_wall)
               values (gen_random_uuid(), $1, $2, '{}', $3::timestamptz - make_interval(secs => $4))""",
            lead, kind, temporal.went_on, ago,
        )  # fmt: skip
    await chore(house, temporal).round()
    waiting = await house.pool.fetch("select kind from message where delivered_wall is null and lead_id = $1", lead)
    assert [row["kind"] for row in waiting] == ["outcome"]


async def test_a_lead_to_which_something_is_being_delivered_waits_for_the_next_round(
    house: House, temporal: Temporal
) -> None:
    [lead] = temporal.stuck = await leads(house, 1)
    async with house.pool.acquire() as relay, relay.transaction():
        await relay.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", lead)
        assert await chore(house, temporal).round() == "0 of 1 failing leads started again"
    assert (temporal.ended, await told(house)) == ([], {})
    assert await chore(house, temporal).round() == "1 of 1 failing leads started again"


async def test_a_closed_lead_is_ended_and_not_started_again(house: House, temporal: Temporal) -> None:
    [lead] = temporal.stuck = await leads(house, 1)
    await house.pool.execute(
        "update lead set closed_at = $2, close_reason = 'qualified' where id = $1", lead, house.clock.now
    )
    await chore(house, temporal).round()
    assert (temporal.ended, temporal.started) == ([lead], [])
