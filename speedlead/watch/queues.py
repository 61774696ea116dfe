"""What stands in Temporal's task queues, and who polls them."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from workflows.options import LEADS_QUEUE, MESSAGES_QUEUE, TEXTS_QUEUE, VOICE_QUEUE

_ACTIVITY, _WORKFLOW = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
KINDS = ((LEADS_QUEUE, _WORKFLOW), (LEADS_QUEUE, _ACTIVITY), (MESSAGES_QUEUE, _ACTIVITY), (TEXTS_QUEUE, _ACTIVITY),
         (VOICE_QUEUE, _ACTIVITY))  # fmt: skip


@dataclass(frozen=True)
class Queue:
    """`age_s` of the oldest task that waits, about; `pollers`: (identity, when it last asked).

    The server remembers a poller for five minutes.
    """

    name: str
    kind: str
    backlog: int
    age_s: float
    pollers: tuple[tuple[str, datetime], ...]

    def polled_since(self, moment: datetime) -> set[str]:
        """Who."""
        return {who for who, asked in self.pollers if asked > moment}


async def read_queues(client: Client) -> tuple[Queue, ...]:
    """Raises RPCError when the server does not answer."""
    return tuple(await asyncio.gather(*(_read(client, name, kind) for name, kind in KINDS)))


async def _read(client: Client, name: str, kind: TaskQueueType.ValueType) -> Queue:
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=name), task_queue_type=kind, report_stats=True
        )
    )
    return Queue(
        name,
        "workflow" if kind == _WORKFLOW else "activity",
        answer.stats.approximate_backlog_count,
        answer.stats.approximate_backlog_age.ToMilliseconds() / 1000,
        tuple((who.identity, who.last_access_time.ToDatetime(tzinfo=UTC)) for who in answer.pollers),
    )
