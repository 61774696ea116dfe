"""A lead that another code began is started again from its rows; one whose code has a mistake is left. Real server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from speedlead.cadence_client import CadenceClient
from speedlead.chores.stuck import GoingOn, Stuck
from speedlead.clock import SystemClock
from speedlead.contracts import OutcomeSignal
from speedlead.demo.world import World, open_world
from speedlead.domain.outcomes import Outcome
from speedlead.ids import workflow_id
from speedlead.intake import Rules, read_inquiry
from speedlead.planbook import load_plan
from speedlead.relay import Relay
from speedlead.seed import seed
from speedlead.store.intake import Submission, take_inquiry
from speedlead.store.pool import open_pool
from speedlead.store.rows import put_message
from speedlead.store.transactions import transact
from tests.replay.incompatible import Incompatible
from tests.servers import local_settings
from tests.workflows.leads import ADA, notices
from workers.deployment import build_id
from workers.replaying import Replays
from workflows.options import LEADS_QUEUE

pytestmark = pytest.mark.timeout(120)
PLAN = load_plan()
RULES = Rules(intents=tuple(name for names in PLAN.intents.values() for name in names))


@activity.defn(name="route")
async def route(request: dict[str, Any]) -> None:
    """The other code's; it gives the lead to nobody."""


@workflow.defn(name="LeadWorkflow", sandboxed=False)
class Mistaken:
    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        raise LookupError("a mistake of this release")


async def until(what: str, asked: Callable[[], Awaitable[Any]], within_s: float = 60) -> Any:
    async with asyncio.timeout(within_s):
        while not (found := await asked()):
            await asyncio.sleep(0.2)
        return found


async def begun_by(env: WorkflowEnvironment, database_url: str, code: type) -> str:
    """A lead whose form is in the rows and whose workflow has begun under that code, which is then stopped."""
    pool = await open_pool(database_url)
    try:
        await seed(pool, PLAN, demo_reps=True)
        taken = await take_inquiry(pool, SystemClock(), PLAN, Submission(read_inquiry(ADA, RULES), "demo"))
        assert taken.start is not None
        leads = CadenceClient(env.client)
        async with Worker(
            env.client, task_queue=LEADS_QUEUE, workflows=[code], activities=[route],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):  # fmt: skip
            await leads.start(taken.start)
            handle = env.client.get_workflow_handle(workflow_id(taken.start.lead_id))

            async def done_or_failing() -> bool:
                events = [event async for event in handle.fetch_history_events()]
                return any(
                    e.HasField("activity_task_completed_event_attributes")
                    or e.HasField("workflow_task_failed_event_attributes")
                    for e in events
                )

            await until("the other code has done something", done_or_failing)
            await asyncio.sleep(0.5)
        await pool.execute("update message set delivered_wall = clock_timestamp(), delivery = 'started'")
        return taken.start.lead_id
    finally:
        await pool.close()


@asynccontextmanager
async def todays(env: WorkflowEnvironment, database_url: str, folder: Path) -> AsyncIterator[World]:
    settings = local_settings(folder, callbacks="before", virtual_clock=True, company_phone="+14155550100")
    async with open_world(settings, database_url, env.client) as world:
        yield world


def chore(world: World, at_most: int = 20) -> Stuck:
    going_on = GoingOn(CadenceClient(world.client), Replays(world.client), build_id())
    return Stuck(world.pool, going_on, SystemClock(), at_most=at_most)


async def test_a_lead_of_another_code_goes_on_from_its_rows_and_hears_what_came_while_it_was_stuck(
    temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path
) -> None:
    lead = await begun_by(temporal_env, database_url, Incompatible)
    async with todays(temporal_env, database_url, tmp_path) as world:
        leads = CadenceClient(world.client)
        first = (await world.client.get_workflow_handle(workflow_id(lead)).describe()).run_id
        # its workflow cannot read this; the row says that it was delivered
        await world.call("POST", f"{world.url}/api/leads/{lead}/outcomes", {"outcome": "qualified"})

        async def reported() -> bool:
            return lead in await leads.failing()

        await until("Temporal reports the lead", reported)
        assert await world.pool.fetchval("select count(*) from message where delivered_wall is null") == 0
        assert await chore(world).round() == "1 of 1 failing leads started again"

        async def closed() -> Any:
            return await world.pool.fetchval(
                "select close_reason from lead where id = $1 and closed_at is not null", lead
            )

        assert await until("the lead has closed", closed) == "qualified"
        handle = world.client.get_workflow_handle(workflow_id(lead))
        assert (await handle.describe()).run_id != first
        told = await world.pool.fetch("select reason, data from story where lead_id = $1 and kind = 'restarted'", lead)
        assert [(row["reason"], row["data"]) for row in told] == [("code_changed", {"version": build_id()})]
        assert await world.pool.fetchval("select reason from notice where kind = 'leads_of_other_code'") == (
            "1 started again, 0 more wait for their turn"
        )
        assert len([m for m in await world.messages(channel="email") if m["direction"] != "inbound"]) == 1
        assert "manager: nobody_available" not in await notices(world, lead)


async def test_a_lead_that_this_code_could_go_on_with_is_left_for_the_release_that_mends_it(
    temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path
) -> None:
    lead = await begun_by(temporal_env, database_url, Mistaken)
    assert await Replays(temporal_env.client).verdict(lead) == "goes_on"
    await temporal_env.client.get_workflow_handle(workflow_id(lead)).terminate("the test is over")


async def test_an_older_worker_on_a_newer_history_is_reported_and_the_newer_one_goes_on_without_a_loss(
    temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path
) -> None:
    leads = CadenceClient(temporal_env.client)
    with temporal_env.with_time_skipping_disabled():  # the lead waits for its next step
        async with todays(temporal_env, database_url, tmp_path / "before") as world:
            lead = await world.submit(datetime.now(UTC), **ADA)

            async def acknowledged() -> Any:
                return await world.pool.fetchval("select count(*) from touch where state = 'sent'")

            await until("it is acknowledged", acknowledged)
            await asyncio.sleep(2)
        pool = await open_pool(database_url)
        try:
            async with Worker(
                temporal_env.client, task_queue=LEADS_QUEUE, workflows=[Incompatible], activities=[route],
                workflow_runner=UnsandboxedWorkflowRunner(),
            ):  # fmt: skip
                await put_outcome(pool, lead)
                await Relay(pool, leads).deliver(lead)

                async def reported() -> bool:
                    return lead in await leads.failing()

                await until("Temporal reports the lead", reported)
        finally:
            await pool.close()
        async with todays(temporal_env, database_url, tmp_path / "after") as world:

            async def closed() -> Any:
                return await world.pool.fetchval("select close_reason from lead where closed_at is not null")

            assert await until("the lead has closed", closed) == "qualified"
            assert await chore(world).round() is None
            assert await world.pool.fetchval("select count(*) from story where kind = 'restarted'") == 0


async def put_outcome(pool: Any, lead: str) -> None:
    signal = OutcomeSignal(outcome=Outcome.QUALIFIED)
    await transact(pool, lambda conn: put_message(conn, lead, "outcome", signal))
