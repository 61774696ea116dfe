"""The floor: the least workflow that does the same, on the same server. Started eagerly, in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

with workflow.unsafe.imports_passed_through():
    from speedlead.ports import Mail, Mailer
    from workers.registry import RUNNER

QUEUE = "bare"
STOCK_QUEUE = "stock"
_TIMEOUT = timedelta(seconds=8)
_TOKEN = "x" * 48  # as long as a real one


@workflow.defn
class BareMail:
    """One activity: one request to the mail provider."""

    @workflow.run
    async def run(self, address: str) -> None:
        await workflow.execute_activity("send_bare_mail", address, start_to_close_timeout=_TIMEOUT)


@workflow.defn
class BareWeek:
    """A timer and an activity per touch, and nothing else."""

    @workflow.run
    async def run(self, touches: int) -> None:
        for _ in range(touches):
            await workflow.sleep(timedelta(hours=12))
            await workflow.execute_activity("do_nothing", start_to_close_timeout=_TIMEOUT)


@workflow.defn
class BareWait:
    """One activity, then a timer: an open workflow that does nothing."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("do_nothing", start_to_close_timeout=_TIMEOUT)
        await workflow.sleep(timedelta(days=1))


@activity.defn
async def do_nothing() -> None:
    """What is left when an activity has no work."""


class BareSender:
    """Sends what an acknowledgement of the product looks like, through the same adapter."""

    def __init__(self, mailer: Mailer) -> None:
        self._mailer = mailer
        self.subject, self.text, self.html = "Thank you", "Thank you", "<p>Thank you</p>"

    @activity.defn
    async def send_bare_mail(self, address: str) -> None:
        await self._mailer.send(
            Mail(
                touch_id=f"{address}.bare", to_address=address, to_name="Bare", subject=self.subject, text=self.text,
                html=self.html, reply_token=_TOKEN, category="acknowledgement",
                list_unsubscribe_url="http://127.0.0.1/u/bare",
            )
        )  # fmt: skip


@dataclass(frozen=True)
class Bare:
    client: Client
    queue: str = QUEUE

    async def send(self, address: str) -> WorkflowHandle[BareMail, None]:
        """Returns when the start is answered; the request goes out meanwhile."""
        return await self.client.start_workflow(
            BareMail.run, address, id=f"bare-{address}", task_queue=self.queue, request_eager_start=True
        )

    async def wait_open(self, name: str) -> WorkflowHandle[BareWait, None]:
        return await self.client.start_workflow(BareWait.run, id=name, task_queue=self.queue, request_eager_start=True)


@asynccontextmanager
async def bare_worker(
    client: Client, sender: BareSender | None = None, *, queue: str = QUEUE, runner: WorkflowRunner = RUNNER
) -> AsyncIterator[Bare]:
    """A worker for the bare workflows, with the limits and the runner that the product's worker has."""
    activities: list[Callable[..., Any]] = [do_nothing, *([sender.send_bare_mail] if sender else [])]
    worker = Worker(
        client, task_queue=queue, workflows=[BareMail, BareWeek, BareWait], activities=activities,
        workflow_runner=runner, max_concurrent_activities=100, max_cached_workflows=2000,
    )  # fmt: skip
    async with worker:
        yield Bare(client, queue)


def stock_worker(client: Client, sender: BareSender) -> AbstractAsyncContextManager[Bare]:
    """The same as the SDK runs workflows when nothing is said: in its sandbox."""
    return bare_worker(client, sender, queue=STOCK_QUEUE, runner=SandboxedWorkflowRunner())


async def all_done(handles: Sequence[WorkflowHandle[BareMail, None]]) -> None:
    """Waits for the ends, a few at a time: a thousand long polls at once would be a load of their own."""
    limit = asyncio.Semaphore(16)

    async def one(handle: WorkflowHandle[BareMail, None]) -> None:
        async with limit:
            await handle.result()

    await asyncio.gather(*[one(handle) for handle in handles])
