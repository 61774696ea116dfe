"""A process that is asked to stop ends its work first: no touch is left half done, no request is cut off."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest_asyncio
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from speedlead.credentials import load_or_create
from speedlead.embedded.python_part import child_environment, http_status
from speedlead.embedded.stack import Stack
from speedlead.settings import PREFIX
from speedlead.store.pool import open_pool
from speedlead.temporal import connect
from tests.e2e.house import PLANS, House
from tests.servers import local_settings
from tests.signing_in import link_path
from workers import beat
from workflows.options import LEADS_QUEUE, MESSAGES_QUEUE, TEXTS_QUEUE, VOICE_QUEUE

Process = asyncio.subprocess.Process


@pytest_asyncio.fixture(scope="module")
async def house(tmp_path_factory: Any) -> AsyncIterator[House]:
    """The servers alone; each test runs the processes that it stops."""
    settings = local_settings(
        tmp_path_factory.mktemp("drained"), plan_file=PLANS / "fast.yaml", law_file=PLANS / "no_limits.yaml"
    )
    parts = ("postgres", "temporal", "sandbox")
    async with Stack(settings, parts) as stack, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
        yield House(stack, http, load_or_create(settings.data_dir).api_key.get_secret_value())


@asynccontextmanager
async def process(house: House, *arguments: str, temporary: Path) -> AsyncIterator[Process]:
    own = house.stack.settings.to_environment() | {
        PREFIX + "DATABASE_URL": house.stack.database_url,
        PREFIX + "TEMPORAL_ADDRESS": f"127.0.0.1:{house.stack.settings.temporal_port}",
        "TMPDIR": str(temporary),
    }
    command = [sys.executable, "-P", "-m", "speedlead", *arguments]
    with (temporary / f"{'-'.join(arguments)}.log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            *command, env=child_environment(own), stdout=log, stderr=asyncio.subprocess.STDOUT
        )
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()


@asynccontextmanager
async def gateway(house: House, temporary: Path) -> AsyncIterator[Process]:
    async with process(house, "gateway", temporary=temporary) as child:

        async def ready() -> bool:
            return await http_status(house.stack.settings.http_port, "/readyz") == 200

        await house.until("the gateway is ready", ready, 60)
        yield child


async def ended(child: Process, within_s: float) -> tuple[int | None, float]:
    """(exit code, seconds) after SIGTERM."""
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    await asyncio.wait_for(child.wait(), within_s)
    return child.returncode, time.monotonic() - began


async def pollers(client: Client, queue: str) -> set[str]:
    """Process ids of the workers that ask this queue for activities."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(namespace="default", task_queue=TaskQueue(name=queue), task_queue_type=2)
    )
    return {poller.identity.partition("@")[0] for poller in answer.pollers}


async def test_a_worker_ends_what_it_sends_and_takes_nothing_new(house: House, tmp_path: Path) -> None:
    await house.faults(email={"slow": 1, "slow_s": 3})
    async with gateway(house, tmp_path), process(house, "worker", temporary=tmp_path) as worker:
        [lead] = await house.submit("cold")

        async def under_way() -> bool:
            return await house.states([lead]) == {"claimed": 1} and bool(house.accepted([lead]))

        await house.until("the acknowledgement is being sent", under_way, 60)
        later = await house.submit("cold")
        code, took = await ended(worker, 20)

        assert code == 0
        assert took > 0.5, "it did not wait for the answer of the provider"
        assert set(await house.states([lead])) == {"sent"}, "something is left half done"
        house.assert_nothing_went_twice([lead])
        assert "claimed" not in await house.states(later)

        await house.faults()
        async with process(house, "worker", temporary=tmp_path):
            await house.all_closed([lead, *later], 60)
        house.assert_nothing_went_twice([lead, *later])


async def test_a_worker_serves_the_queues_that_it_is_given(house: House, tmp_path: Path) -> None:
    client = await connect(f"127.0.0.1:{house.stack.settings.temporal_port}")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(gateway(house, tmp_path))
        first = await stack.enter_async_context(process(house, "worker", "--queues", "leads", temporary=tmp_path / "a"))
        second = await stack.enter_async_context(
            process(house, "worker", "--queues", "messages, texts,voice", temporary=tmp_path / "b")
        )
        leads = await house.submit("cold", "warm")
        await house.all_closed(leads, 90)
        house.assert_nothing_went_twice(leads)

        asked = {
            queue: await pollers(client, queue) for queue in (LEADS_QUEUE, MESSAGES_QUEUE, TEXTS_QUEUE, VOICE_QUEUE)
        }
        assert str(first.pid) in asked[LEADS_QUEUE]
        assert str(second.pid) not in asked[LEADS_QUEUE]
        for queue in (MESSAGES_QUEUE, TEXTS_QUEUE, VOICE_QUEUE):
            assert str(second.pid) in asked[queue]
            assert str(first.pid) not in asked[queue]
        # what a health check looks at
        assert (tmp_path / "a" / beat.FILE.name).exists()
        assert (await ended(second, 20))[0] == 0
        assert not (tmp_path / "b" / beat.FILE.name).exists()


async def test_a_gateway_ends_open_requests_and_sends_pages_elsewhere(house: House, tmp_path: Path) -> None:
    port = house.stack.settings.http_port
    async with gateway(house, tmp_path) as running:
        pool = await open_pool(house.stack.database_url, size=2)
        try:
            rep_id = await pool.fetchval("select id from rep where active limit 1")
            path = await link_path(pool, datetime.now(UTC), "rep", rep_id)
        finally:
            await pool.close()
        # the cookie is for this host, and aiohttp keeps none of an address unless told so
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(total=30)) as browser:
            async with browser.post(house.url + path, headers={"Origin": house.url}) as answer:
                assert answer.status == 200
            async with browser.get(f"{house.url}/rep/events") as page:
                assert page.status == 200
                assert await page.content.readuntil(b"\n\n") != b""

                body = b'{"name":"Ann","email":"ann@example.com","intent":"newsletter"}'
                head = (
                    f"POST /api/leads HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {house.key}\r\n"
                    f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                )
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(head.encode() + body[:10])
                await writer.drain()
                await asyncio.sleep(0.3)

                began = time.monotonic()
                os.kill(running.pid, signal.SIGTERM)
                rest = (await asyncio.wait_for(page.content.read(), 5)).decode()
                assert time.monotonic() - began < 3, "the page waited for the end of the process"
                assert '"why": "again"' in rest

        async def accepts_no_more() -> bool:
            return await http_status(port, "/healthz") is None

        await house.until("it accepts nothing new", accepts_no_more, 2)

        writer.write(body[10:])
        await writer.drain()
        status = (await asyncio.wait_for(reader.readline(), 5)).decode()
        writer.close()
        assert " 202 " in status
        assert await asyncio.wait_for(running.wait(), 15) == 0
        assert time.monotonic() - began < 8
