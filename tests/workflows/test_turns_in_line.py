"""Who goes first when a channel is backed up: hot leads, and of one source no more than of another. Real server."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio import activity, workflow
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from speedlead.cadence_client import CadenceClient
from speedlead.contracts import LeadStart, Reach
from speedlead.planbook import load_plan
from speedlead.temporal import DATA_CONVERTER
from workers.registry import Activities, Pace, build_workers
from workflows import options

pytestmark = pytest.mark.timeout(120)
CADENCE = load_plan().cadence()


@workflow.defn(name="LeadWorkflow")
class OneText:
    """A lead that has nothing to do but to send one text, with the options of the real one."""

    @workflow.run
    async def run(self, start: LeadStart) -> None:
        how = options.send("sms", start.lead_type)
        await workflow.execute_activity("send", start.lead_id, **how)


class Line:
    """Fills the queue while nobody works at it, then takes it off one by one; `order` has who came when."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._leads = CadenceClient(client)
        self._standing: list[str] = []
        self.order: list[str] = []

    async def stand(self, names: Sequence[str], lead_type: Any, source: str) -> None:
        """Puts leads of that type and source in the line, in this order; returns when all stand there."""
        for name in names:
            start = LeadStart(
                lead_id=f"{name}.{uuid4()}", lead_type=lead_type, intent="other", source=source,
                submitted_at=datetime.now(UTC), reach=Reach(has_email=False, has_phone=True), plan=CADENCE,
            )  # fmt: skip
            assert await self._leads.start(start)
            self._standing.append(start.lead_id)
            handle = self._client.get_workflow_handle(f"lead-{start.lead_id}")
            while not (await handle.describe()).raw_description.pending_activities:
                await asyncio.sleep(0.02)

    async def waiting(self) -> bool:
        """Is somebody still in the line?"""
        handles = [self._client.get_workflow_handle(f"lead-{lead}") for lead in self._standing]
        status = [(await handle.describe()).status for handle in handles]
        return any(one is WorkflowExecutionStatus.RUNNING for one in status)

    async def backlog(self) -> int:
        """How many tasks the server has for the queue: scheduled ones reach it a moment later."""
        question = DescribeTaskQueueRequest(
            namespace=self._client.namespace, task_queue=TaskQueue(name=options.TEXTS_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY, report_stats=True,
        )  # fmt: skip
        answer = await self._client.workflow_service.describe_task_queue(question)
        return int(answer.stats.approximate_backlog_count)

    async def serve(self, count: int) -> list[str]:
        """The first `count`, in the order of their turns."""

        @activity.defn(name="send")
        async def send(lead_id: str) -> None:
            self.order.append(lead_id.split(".")[0])

        async with asyncio.timeout(30):
            while await self.backlog() < count:
                await asyncio.sleep(0.1)
        async with Worker(self._client, task_queue=options.TEXTS_QUEUE, activities=[send], max_concurrent_activities=1):
            async with asyncio.timeout(60):
                while len(self.order) < count:
                    await asyncio.sleep(0.02)
        return self.order[:count]


@pytest_asyncio.fixture
async def line(temporal_env: WorkflowEnvironment) -> Any:
    workers = Worker(
        temporal_env.client, task_queue=options.LEADS_QUEUE, workflows=[OneText],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )  # fmt: skip
    async with workers:
        yield Line(temporal_env.client)


async def test_hot_leads_that_came_last_go_first_when_the_channel_is_backed_up(line: Line) -> None:
    await line.stand([f"cold{n}" for n in range(12)], "cold", "web")
    await line.stand([f"warm{n}" for n in range(4)], "warm", "web")
    await line.stand([f"hot{n}" for n in range(4)], "hot", "web")
    order = await line.serve(20)
    assert [name.rstrip("0123456789") for name in order] == ["hot"] * 4 + ["warm"] * 4 + ["cold"] * 12


async def test_a_flood_from_one_source_does_not_starve_newer_leads_of_another(line: Line) -> None:
    flood = [line.stand([f"a{n}" for n in range(first, 200, 20)], "warm", "flood") for first in range(20)]
    await asyncio.gather(*flood)
    await line.stand([f"b{n}" for n in range(5)], "warm", "newsletter")
    order = await line.serve(205)
    turns = [at for at, name in enumerate(order) if name.startswith("b")]
    # in turns with the flood, once it is their first; after it they would have the places 200 to 204
    assert turns[-1] < 30


class Does:
    """Activities that do nothing, each with the name it is asked for."""

    def __getattr__(self, name: str) -> Any:
        async def nothing(_: Any = None) -> None: ...

        return activity.defn(name=name)(nothing)


async def test_the_server_holds_the_pace_of_texts(line: Line, temporal_env: WorkflowEnvironment) -> None:
    await line.stand([f"t{n}" for n in range(10)], "warm", "web")
    idle: Any = Does()
    activities = Activities(**dict.fromkeys(Activities.__dataclass_fields__, idle))
    own = await Client.connect(temporal_env.client.service_client.config.target_host, data_converter=DATA_CONVERTER)
    workers = build_workers(own, activities, pace=Pace(texts=2))
    texts = next(worker for worker in workers if worker.task_queue == options.TEXTS_QUEUE)
    begun = asyncio.get_running_loop().time()
    async with texts:
        while await line.waiting():
            await asyncio.sleep(0.05)
    # a second's worth may go at once
    assert asyncio.get_running_loop().time() - begun > 3
