"""The floors: the same requests without a ledger, tried until one is answered, or tried once and never again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from speedlead.ports import Mail
    from speedlead.providers.assemble import Senders
    from workers.registry import RUNNER

QUEUE = "naive"
AT_LEAST_ONCE, AT_MOST_ONCE = 0, 1
_CHANNELS = ("email", "sms", "call")


@dataclass(frozen=True)
class NaiveRequest:
    """`attempts`: how often it is tried at most; 0 is until it works."""

    name: str
    number: int
    attempts: int


@workflow.defn
class NaiveTouch:
    """One activity with Temporal's own retries, which is what a workflow without a ledger comes to."""

    @workflow.run
    async def run(self, request: NaiveRequest) -> None:
        try:
            await workflow.execute_activity(
                "send_naively",
                request,
                start_to_close_timeout=timedelta(seconds=8),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=1),
                    maximum_interval=timedelta(seconds=5),
                    maximum_attempts=request.attempts,
                ),
            )
        except ActivityError:
            workflow.logger.debug("not sent")


class NaiveSender:
    def __init__(self, senders: Senders) -> None:
        self._senders = senders

    @activity.defn
    async def send_naively(self, request: NaiveRequest) -> None:
        """Mail, text and call in turn; whatever goes wrong is an error like any other."""
        lead = f"{request.name}-{request.number}"
        match _CHANNELS[request.number % 3]:
            case "email":
                await self._senders.mailer.send(
                    Mail(
                        touch_id=f"{lead}.email-1", to_address=f"{lead}@naive.example.com", to_name=None,
                        subject="Hello", text="Hello", html="<p>Hello</p>", reply_token="x" * 48, category="cadence",
                    )
                )  # fmt: skip
            case "sms":
                await self._senders.texter.send(
                    touch_id=f"{lead}.sms-1", to=f"+1212556{request.number % 10_000:04}", body="Hello", validity_s=900
                )
            case _:
                await self._senders.dialer.ring_rep(leg_id=f"{lead}.call-1.rep-1-1", to="+14155552701", ring_s=5)


def naive_worker(client: Client, senders: Senders, slots: int) -> Worker:
    return Worker(
        client,
        task_queue=QUEUE,
        workflows=[NaiveTouch],
        workflow_runner=RUNNER,
        activities=[NaiveSender(senders).send_naively],
        max_concurrent_activities=slots,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
    )


async def run_naively(
    client: Client, name: str, touches: int, attempts: int, done: Callable[[float], None] = lambda part: None
) -> None:
    """Returns when every touch has been sent or given up."""
    at_once = asyncio.Semaphore(50)
    ended = 0

    async def one(number: int) -> None:
        nonlocal ended
        async with at_once:
            request = NaiveRequest(name, number, attempts)
            await client.execute_workflow(NaiveTouch.run, request, id=f"{name}-{number}", task_queue=QUEUE)
        ended += 1
        done(ended / touches)

    await asyncio.gather(*(one(number) for number in range(touches)))
