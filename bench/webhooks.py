"""Row webhooks: events a second from the outbox to two endpoints that take them and one that hangs."""

import asyncio
import base64
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web

from bench.result import Line, Report, Result
from speedlead.chores.hooks import AT_ONCE, Courier, HookRules
from speedlead.clock import SystemClock
from speedlead.domain.hooks import Secrets
from speedlead.embedded.postgres import Postgres
from speedlead.hooks.address import parse_allowed
from speedlead.hooks.desk import HookDesk
from speedlead.hooks.endpoint import Endpoint
from speedlead.hooks.sealing import Private
from speedlead.hooks.sending import opened
from speedlead.hooks.signing import new_secret
from speedlead.ids import new_id
from speedlead.payload_keys import PayloadKeys
from speedlead.store.migrate import migrate
from speedlead.store.pool import open_pool

LEADS, PER_LEAD = 500, 4
SOURCE = "https://leads.example.com"
ALLOWED = parse_allowed(["127.0.0.1"])
_DAYS = timedelta(days=5)


class Receivers:
    """Two that take everything and one that never answers, in this process."""

    def __init__(self) -> None:
        self.took = [0, 0]
        self.wrong = 0
        self.hung = 0
        self.done = asyncio.Event()
        self.wanted = 0
        self._seen: list[dict[str, str]] = [{}, {}]

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/0", self.take)
        app.router.add_post("/1", self.take)
        app.router.add_post("/2", self.hang)
        return app

    async def take(self, request: web.Request) -> web.Response:
        event, which = await request.json(), int(request.path[1:])
        self.took[which] += 1
        lead, number = event["subject"], event.get("sequence", "")
        self.wrong += number < self._seen[which].get(lead, "")
        self._seen[which][lead] = number
        if min(self.took) >= self.wanted:
            self.done.set()
        return web.Response(status=204)

    async def hang(self, request: web.Request) -> web.Response:
        self.hung += 1
        await asyncio.sleep(3600)
        return web.Response()


async def measure(report: Report, *, quick: bool) -> Result:
    leads = LEADS // 10 if quick else LEADS
    events = leads * PER_LEAD
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="speedlead-bench-")))
        report("starting Postgres", 0.0)
        postgres = Postgres(folder)
        await postgres.start()
        stack.push_async_callback(postgres.stop)
        url = postgres.dsn("postgres")
        await migrate(url)
        pool = await open_pool(url, size=16)
        stack.push_async_callback(pool.close)
        receivers = Receivers()
        runner = web.AppRunner(receivers.app(), shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        report("the floor: the same requests alone", 0.2)
        floor = await _floor(base, receivers, events)
        report(f"{events:,} events", 0.4)
        rate = await _sent(pool, base, receivers, leads)
    note = (
        f"webhooks: {events:,} events of {leads:,} leads, {PER_LEAD} each, to two endpoints that take them while a "
        f"third hangs; receivers in the same process. {receivers.wrong} came before an earlier one of their lead; the "
        f"one that hangs had {receivers.hung} requests by then. Floor: the same number of signed requests, {AT_ONCE} "
        "at a time to each of two, without a database."
    )
    return Result([Line("webhooks", "events taken by two endpoints, a third hangs", "/s", rate, floor)], [note])


async def _floor(base: str, receivers: Receivers, events: int) -> float:
    event: dict[str, Any] = {"id": "1", "subject": "x", "data": {"padding": "x" * 900}}
    left = [events, events]

    async def post(sender: Any, private: Private, which: int) -> None:
        while left[which] > 0:
            left[which] -= 1
            await sender.send(private, event, datetime.now(UTC))

    async with opened(ALLOWED) as sender, asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for which in (0, 1):
            private = Private(f"{base}/{which}", Secrets(new_secret()))
            for _ in range(AT_ONCE):
                group.create_task(post(sender, private, which))
    took = time.perf_counter() - began
    receivers.took[:] = [0, 0]
    return 2 * events / took


async def _sent(pool: Any, base: str, receivers: Receivers, leads: int) -> float:
    keys, clock = PayloadKeys({"own": base64.b64decode("a" * 43 + "=")}), SystemClock()
    desk = HookDesk(keys, clock, ALLOWED, lambda: opened(ALLOWED), SOURCE)
    async with pool.acquire() as conn:
        for which, name in enumerate(("one", "two", "hangs")):
            asked = Endpoint.model_validate({"name": name, "url": f"{base}/{which}", "events": "all"}, context=ALLOWED)
            await desk.put(conn, asked)
        await _leads(conn, leads)
    receivers.wanted = leads * PER_LEAD
    receivers.done.clear()
    rules = HookRules(_DAYS, _DAYS, _DAYS)
    courier = Courier(pool, clock, keys, rules, lambda: opened(ALLOWED), SOURCE, SOURCE)
    began = time.perf_counter()
    running = asyncio.create_task(courier.run())
    done = asyncio.create_task(receivers.done.wait())
    await asyncio.wait((running, done), return_when=asyncio.FIRST_COMPLETED)
    took = time.perf_counter() - began
    if not done.done():
        raise RuntimeError(f"the round ended with {receivers.took} events: {running.exception() or running.result()}")
    running.cancel()
    done.cancel()
    await asyncio.gather(running, done, return_exceptions=True)
    return sum(receivers.took) / took


async def _leads(conn: Any, many: int) -> None:
    await conn.execute("insert into plan (id, version, body, sha256) values ('inbound', 1, '{}', 'x')")
    now = datetime.now(UTC)
    people, ids = [new_id() for _ in range(many)], [new_id() for _ in range(many)]
    await conn.executemany(
        "insert into person (id, name, created_at) values ($1, 'x', $2)", [(one, now) for one in people]
    )
    await conn.executemany(
        """insert into lead (id, person_id, form_key, lead_type, intent, source, plan_id, plan_version, created_at,
               created_wall) values ($1, $2, 'demo', 'hot', 'pricing', 'ads', 'inbound', 1, $3, $3)""",
        [(lead, person, now) for lead, person in zip(ids, people, strict=True)],
    )
    told = [(lead, now, kind) for kind in ("inquiry", "sent", "assigned", "closed") for lead in ids]
    await conn.executemany("insert into story (lead_id, at, kind) values ($1, $2, $3)", told)
