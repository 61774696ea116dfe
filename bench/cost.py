"""Row c: what a week of one hot lead costs that never answers, counted by the Temporal server itself."""

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import aiohttp
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import TimeSkipper

from bench.bare import QUEUE, BareWeek, bare_worker
from bench.result import Line, Report, Result
from speedlead.closures import HolidayClosures
from speedlead.demo.servers import demo_settings
from speedlead.demo.stories import instant, quiet_tuesday
from speedlead.demo.world import World, open_world
from speedlead.embedded.ports import free_ports
from speedlead.embedded.postgres import Postgres
from speedlead.embedded.temporal_server import TemporalServer
from speedlead.ids import workflow_id
from speedlead.settings import Settings
from speedlead.store.migrate import migrate
from speedlead.temporal import connect

AIM_PER_TOUCH = 6.0
_COUNTER = re.compile(r'^action(?:_total)?\{[^}]*action_type="([^"]+)"[^}]*\} ([0-9.e+]+)$', re.MULTILINE)
HOT = {
    "name": "Ada Lovelace", "email": "ada@example.com", "phone": "+12125550123", "company": "Engines Ltd",
    "message": "Can you show me the analytical engine?", "intent": "demo_request", "country": "US",
    "tz": "America/New_York", "consent_sms": "true", "consent_call": "true",
    "consent_text": "You may call and text me about this.",
}  # fmt: skip


class CountingServer(TemporalServer):
    """The embedded server with its counters on a port."""

    metrics_port = 0

    def command(self) -> list[str | Path]:
        return [*super().command(), "--metrics-port", str(self.metrics_port)]


@dataclass
class Counted:
    actions: dict[str, int]
    events: dict[str, int]
    bytes: int


async def measure(report: Report, *, quick: bool) -> Result:
    result = Result()
    report("starting", 0.0)
    async with _servers() as (settings, url, client, actions), open_world(settings, url, client) as world:
        report("a week of a lead that never answers", 0.3)
        lead_id, product = await _lead(world, actions)
        touches = await world.pool.fetch(
            "select channel, state from touch where lead_id = $1 and state = 'sent'", lead_id
        )
        report("a bare week of as many touches", 0.8)
        floor = await _bare(world.client, actions, len(touches))
        closed = await world.pool.fetchval("select close_reason from lead where id = $1", lead_id)
    sent, total, least = len(touches), sum(product.actions.values()), sum(floor.actions.values())
    per_touch = total / sent
    result.lines = [
        Line("c", "billable actions of a week, per touch", "", per_touch, least / sent, f"≤ {AIM_PER_TOUCH:.0f}",
             per_touch <= AIM_PER_TOUCH),
        Line("c", "billable actions of a week", "", total, least),
        Line("c", "history events of a week", "", sum(product.events.values()), sum(floor.events.values())),
        Line("c", "history bytes of a week", "", product.bytes, floor.bytes),
    ]  # fmt: skip
    channels = Counter(row["channel"] for row in touches)
    result.notes.append(
        f"c: one hot lead, packaged plan, virtual clock, ended as {closed}; {sent} touches went out ("
        + ", ".join(f"{n} {channel}" for channel, n in channels.most_common())
        + "). Actions by the server's own counter: "
        + ", ".join(f"{n} {kind}" for kind, n in sorted(product.actions.items(), key=lambda item: -item[1]))
        + ". Floor: a workflow with one timer and one activity per touch. What skipping time itself adds (its events, "
        "a start delay) is not counted."
    )
    result.details = {"product": product.__dict__, "floor": floor.__dict__, "touches": sent, "closed": closed}
    return result


def actions_in(metrics: str) -> Counter[str]:
    """Kind of action -> how many, from the text of a Prometheus page."""
    found = Counter[str]()
    for kind, value in _COUNTER.findall(metrics):
        found[kind] += int(float(value))
    return found


class Actions:
    """The server's counter of billable actions."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"

    async def read(self) -> Counter[str]:
        async with aiohttp.ClientSession() as http, http.get(self._url) as answer:
            return actions_in(await answer.text())

    async def settled(self) -> Counter[str]:
        """The counter once it stands still: the last task reports a moment later, the page a second after that."""
        before = await self.read()
        while True:
            await asyncio.sleep(3)
            now = await self.read()
            if now == before:
                return now
            before = now


async def _lead(world: World, actions: Actions) -> tuple[str, Counted]:
    before = await actions.settled()
    begin = instant(quiet_tuesday(datetime.now(UTC), HolidayClosures()), time(11), HOT["tz"])
    lead_id = await world.submit(begin, moments=(), **HOT)
    handle = world.client.get_workflow_handle(workflow_id(lead_id))
    async with asyncio.timeout(120):
        await handle.result()
    return lead_id, await _counted(handle, before, await actions.settled())


async def _bare(client: Client, actions: Actions, touches: int) -> Counted:
    async with bare_worker(client):
        before = await actions.settled()
        handle = await client.start_workflow(BareWeek.run, touches, id="bare-week", task_queue=QUEUE)
        async with asyncio.timeout(120):
            await handle.result()
        return await _counted(handle, before, await actions.settled())


async def _counted(handle: "WorkflowHandle[Any, Any]", before: Counter[str], after: Counter[str]) -> Counted:
    history = await handle.fetch_history()
    names = Counter(EventType.Name(event.event_type).removeprefix("EVENT_TYPE_").lower() for event in history.events)
    size = sum(
        event.ByteSize() for event in history.events if "time_skipping" not in EventType.Name(event.event_type).lower()
    )
    events = {name: n for name, n in names.most_common() if "time_skipping" not in name}
    return Counted(dict(after - before), events, size)


@asynccontextmanager
async def _servers() -> AsyncIterator[tuple[Settings, str, Client, Actions]]:
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="speedlead-bench-", ignore_cleanup_errors=True))
        )
        settings = demo_settings(Settings(), folder)
        postgres = Postgres(folder)
        stack.push_async_callback(postgres.stop)
        await postgres.start()
        await migrate(postgres.dsn())
        temporal = CountingServer(
            folder, port=settings.temporal_port, ui_port=settings.temporal_ui_port, virtual_clock=True
        )
        temporal.metrics_port = free_ports(1)[0]
        stack.push_async_callback(temporal.stop)
        await temporal.start()
        client = await connect(settings.temporal_address)
        yield settings, postgres.dsn(), TimeSkipper(client).client, Actions(temporal.metrics_port)
