"""Leads that may still need an old way of the code, counted on a real server by what its workflows went through."""

import asyncio
from datetime import UTC, date, datetime, timedelta

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from speedlead.patch_use import PatchUse, patches_in_use
from tests.e2e.test_worker_versions import client as client
from tests.e2e.test_worker_versions import command
from workflows.patches import Life, Patch

TODAY = datetime.now(UTC).date()
TOMORROW = TODAY + timedelta(days=1)


@workflow.defn(name="LeadWorkflow")
class Older:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)


@workflow.defn(name="LeadWorkflow")
class Newer:
    @workflow.run
    async def run(self) -> None:
        workflow.patched("twice")
        await workflow.wait_condition(lambda: False)


async def begin(client: Client, code: type, *leads: str) -> None:
    """Leads that have had their first task with this code."""
    async with Worker(client, task_queue="leads", workflows=[code], workflow_runner=UnsandboxedWorkflowRunner()):
        for lead in leads:
            handle = await client.start_workflow("LeadWorkflow", id=lead, task_queue="leads")
            while (await handle.describe()).raw_description.pending_workflow_task.scheduled_time.seconds:
                await asyncio.sleep(0.02)


async def use(client: Client, life: Life, since: date) -> PatchUse:
    [found] = await patches_in_use(client, since + timedelta(days=1), [Patch("twice", life, since, "a test")])
    return found


async def test_a_patch_waits_for_leads_that_may_need_it(client: Client) -> None:
    await begin(client, Older, "old-1", "old-2")
    await begin(client, Newer, "new-1")
    async with asyncio.timeout(30):
        while (await client.count_workflows("TemporalChangeVersion = 'twice' OR WorkflowId = 'old-2'")).count < 2:
            await asyncio.sleep(0.05)
    active = await use(client, "active", TOMORROW)
    assert (active.by_day, active.next_life) == ({TODAY: 2}, "waits for 2 open leads from before")
    assert (await use(client, "active", TODAY)).next_life == "may be deprecated"
    [early] = await patches_in_use(client, TODAY, [Patch("twice", "active", TODAY, "a test")])
    assert early.next_life.startswith("waits for its deployment")
    # beyond the days that are counted one by one: none is forgotten
    far = await use(client, "active", TODAY + timedelta(days=99))
    assert (sum(far.by_day.values()), len(far.by_day)) == (2, 1)
    told = await asyncio.to_thread(command, client, "patches")
    assert (told.returncode, "facts-during-a-wait" in told.stdout, "what comes next" in told.stdout) == (0, True, True)

    deprecated = await use(client, "deprecated", TOMORROW)
    assert (deprecated.by_day, deprecated.kept) == ({TODAY: 1}, 0)
    await client.get_workflow_handle("new-1").terminate()
    async with asyncio.timeout(30):
        while (await use(client, "deprecated", TOMORROW)).leads:
            await asyncio.sleep(0.05)
    ended = await use(client, "deprecated", TOMORROW)
    assert ended.next_life == "waits for 0 open leads and 1 kept histories with its marker"
    assert (await use(client, "deprecated", TODAY)).next_life == "may be removed"
    assert await patches_in_use(client, TODAY, [Patch("twice", "removed", TODAY, "a test")]) == []
