"""Calls that a rep makes by hand: offered on the page, accepted, dialled, logged (the plan's `mode: task`)."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from speedlead.demo.world import World, open_world
from speedlead.store.correcting import correct_rows
from speedlead.store.transactions import transact
from tests.e2e.house import ALWAYS, PLANS
from tests.servers import local_settings
from tests.workflows.leads import ADA, ended, notices, touches
from tests.workflows.test_explained import said_alike

TASKS = """
id: tasks
version: 1
intents: {hot: [demo_request], warm: [webinar], cold: [newsletter]}
hours: {}
targets: [{id: hot, when: {lead_type: hot}, attempts: [3m], source: test}]
tracks:
  hot: &track
    mode: task
    accept_within: 3s
    settle: 1s
    steps:
      - {id: call-1, channel: call, after: lead}
      - {id: email-1, channel: email, after: call-1, delay: 1s, template: missed_you}
  warm: *track
  cold: *track
"""


@asynccontextmanager
async def calling_by_hand(plan: str, env: WorkflowEnvironment, database_url: str, folder: Path) -> AsyncIterator[World]:
    """In real time and at any hour: people act while the lead waits for them."""
    file = folder / "tasks.yaml"
    file.write_text(plan, encoding="utf-8")
    settings = local_settings(
        folder, callbacks="before", virtual_clock=True, plan_file=file, law_file=PLANS / "no_limits.yaml"
    )
    async with open_world(settings, database_url, env.client) as made:
        await made.pool.execute("update rep set weekly = $1", ALWAYS)
        with env.with_time_skipping_disabled():
            yield made


@pytest_asyncio.fixture
async def world(temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with calling_by_hand(TASKS, temporal_env, database_url, tmp_path) as made:
        yield made


async def offered(world: World, lead: str, times: int) -> list[str]:
    """The reps to whom the call was offered, in order."""
    async with asyncio.timeout(30):
        while True:
            rows = await world.pool.fetch(
                "select rep_id from notice where lead_id = $1 and kind = 'call_task' order by at, id", lead
            )
            if len(rows) >= times:
                return [row["rep_id"] for row in rows]
            await asyncio.sleep(0.05)


async def test_a_rep_accepts_the_call_and_logs_how_it_ended(world: World) -> None:
    lead = await world.submit(datetime.now(UTC), **ADA)
    rep = (await offered(world, lead, 1))[0]
    accepted = await world.leads.update(lead, "accept", {"rep_id": rep})
    assert accepted.owner_id == rep
    await world.leads.update(lead, "log_outcome", {"call_result": "no_answer"})
    assert (await ended(world, lead))["reason"] == "plan_completed"
    assert await touches(world, lead) == ["ack-1 sent", "call-1 sent no_answer", "email-1 sent"]
    assert await world.pool.fetchval("select first_attempt_at is not null from lead where id = $1", lead)


async def test_a_call_that_the_first_rep_declines_is_offered_to_the_next(world: World) -> None:
    lead = await world.submit(datetime.now(UTC), **ADA)
    first = (await offered(world, lead, 1))[0]
    await world.leads.update(lead, "decline", {"rep_id": first, "reason": "in_a_meeting"})
    first_again, second = await offered(world, lead, 2)
    assert first_again == first != second
    assert await world.pool.fetchval("select presence from rep where id = $1", first) == "available"
    await world.leads.update(lead, "accept", {"rep_id": second})
    await world.leads.update(lead, "log_outcome", {"call_result": "connected", "outcome": "qualified"})
    assert (await ended(world, lead))["reason"] == "qualified"
    assert await touches(world, lead) == ["ack-1 sent", "call-1 sent connected"]


async def test_a_call_that_nobody_accepts_stays_due_and_the_mail_goes(world: World) -> None:
    lead = await world.submit(datetime.now(UTC), **ADA)
    assert len(set(await offered(world, lead, 3))) == 3
    async with asyncio.timeout(30):
        while "email-1 sent" not in await touches(world, lead):
            await asyncio.sleep(0.1)
    assert "call-1 deferred rep_unavailable" in await touches(world, lead)
    assert "manager: nobody_accepted" in await notices(world, lead)
    # whoever does not answer an offer is away for a while, as after a call that rang
    assert await world.pool.fetchval("select count(*) from rep where presence = 'away'") == 3
    assert "rep: away_after_missed" in await notices(world, lead)
    said = await said_alike(world, lead, "America/New_York")
    assert re.search(r"past: call 1, .*put off \(no rep was available\)", said), said
    await world.leads.update(lead, "stop", {})
    await ended(world, lead)


async def test_a_wrong_number_that_was_put_right_during_the_call_closes_the_old_one_alone(world: World) -> None:
    lead = await world.submit(datetime.now(UTC), **ADA)
    rep = (await offered(world, lead, 1))[0]
    await world.leads.update(lead, "accept", {"rep_id": rep})
    dialled = await world.pool.fetchval("select address from touch where lead_id = $1 and channel = 'call'", lead)
    right = {"phone": "+12125550177"}
    reach = await transact(world.pool, lambda conn: correct_rows(conn, world.clock, lead, right))
    await world.leads.update(lead, "correct", {"reach": reach.model_dump(mode="json")})
    await world.call("POST", f"{world.url}/api/leads/{lead}/outcomes", {"call_result": "wrong_number"})
    async with asyncio.timeout(30):
        while "call-1 sent wrong_number" not in await touches(world, lead):
            await asyncio.sleep(0.05)
    await world.leads.update(lead, "call_now", {})
    await world.leads.update(lead, "accept", {"rep_id": (await offered(world, lead, 2))[1]})
    await world.leads.update(lead, "log_outcome", {"call_result": "connected", "outcome": "qualified"})
    assert (await ended(world, lead))["reason"] == "qualified"
    called = await world.pool.fetch(
        "select address from touch where lead_id = $1 and channel = 'call' order by sent_at", lead
    )
    assert [row["address"] for row in called] == [dialled, right["phone"]]
