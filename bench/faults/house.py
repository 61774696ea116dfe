"""The product as processes: a gateway, several workers that die, real servers, and the sandbox with its faults on."""

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from temporalio.client import Client

from bench.faults.judge import Accepted, Touch
from bench.faults.weather import Weather
from speedlead.credentials import load_or_create
from speedlead.embedded.ports import free_ports
from speedlead.embedded.process import Child, spawn
from speedlead.embedded.python_part import PythonPart, child_environment
from speedlead.embedded.stack import Stack
from speedlead.sandbox.server import DATABASE
from speedlead.settings import PREFIX, Settings
from speedlead.temporal import connect

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WORKERS = 3
INTENTS = ("demo_request", "webinar", "newsletter")
_ALWAYS = json.dumps({str(day): [[0, 1440]] for day in range(7)})
_NO_LIMIT = 10_000_000
Progress = Callable[[str, float], None]


@dataclass
class FaultyHouse:
    settings: Settings
    http: aiohttp.ClientSession
    pool: "asyncpg.Pool[Any]"
    client: Client
    key: str
    deaths: Path
    workers: Child

    async def weather(self, weather: Weather | None) -> None:
        """Of the sandbox; None is a quiet day."""
        faults = weather.faults if weather is not None else {}
        async with self.http.put(f"{self.settings.sandbox_url}/api/faults", json=faults) as answer:
            if answer.status >= 300:
                raise RuntimeError(f"the sandbox refused the faults: {await answer.text()}")

    async def post(self, number: int) -> str:
        """The lead of one form; hot, warm and cold in turn."""
        phone = f"+1212555{number % 9000 + 1000}"
        form = {
            "name": f"Person {number}", "email": f"person{number}@example.com", "phone": phone,
            "message": "Please tell me more.", "intent": INTENTS[number % 3], "tz": "America/New_York",
            "consent_sms": "true", "consent_call": "true", "consent_text": "You may call and text me about this.",
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": f"faults-{number}"}
        while True:
            async with self.http.post(f"{self.settings.public_url}/api/leads", json=form, headers=headers) as answer:
                if answer.status == 202:
                    return str((await answer.json())["lead_id"])
                if answer.status != 503:
                    raise RuntimeError(f"a form was refused with {answer.status}: {await answer.text()}")
            await asyncio.sleep(0.5)

    async def live_through(self, leads: int, within_s: float, report: Progress) -> int:
        """Takes the leads in and waits until all are closed; how many are not after `within_s`."""
        at_once = asyncio.Semaphore(6)

        async def one(number: int) -> None:
            async with at_once:
                await self.post(number)

        posting = asyncio.gather(*(one(number) for number in range(leads)))
        try:
            deadline = time.monotonic() + within_s
            while True:
                closed = await self.pool.fetchval("select count(*) from lead where closed_at is not null")
                report(f"{closed:,} of {leads:,} leads at their end, {self.died()} workers killed", closed / leads)
                if posting.done():
                    posting.result()
                if self.workers.exit_code is not None:
                    raise self.workers.failure("ended")
                if closed == leads or time.monotonic() > deadline:
                    return int(leads - closed)
                await asyncio.sleep(0.5)
        finally:
            posting.cancel()

    async def all_told(self, within_s: float) -> None:
        """Returns when the sandbox has no report left to send."""
        deadline = time.monotonic() + within_s
        while self._witness("select count(*) from job")[0][0] and time.monotonic() < deadline:  # noqa: ASYNC110 rows of others
            await asyncio.sleep(0.5)

    def died(self) -> int:
        return sum(1 for _ in self.deaths.glob("*-*"))

    def _witness(self, query: str) -> list[Any]:
        file = sqlite3.connect(f"file:{self.settings.data_dir / DATABASE}?mode=ro", uri=True, timeout=10)
        try:
            return file.execute(query).fetchall()
        finally:
            file.close()

    def accepted(self) -> list[Accepted]:
        """Everything that the provider took from us, from its own file."""
        rows = self._witness("select channel, direction, touch_id, leg_id from message where direction <> 'inbound'")
        return [Accepted(*row) for row in rows]

    async def touches(self) -> list[Touch]:
        rows = await self.pool.fetch(
            """select id, channel, purpose, state, reason, doubted_wall is not null as repeated,
                   exists (select from notice n where n.lead_id = t.lead_id and n.dedupe like '%:' || t.id) as told
               from touch t"""
        )
        return [Touch(**dict(row)) for row in rows]


@asynccontextmanager
async def open_house(folder: Path, weather: Weather, seed: int) -> AsyncIterator[FaultyHouse]:
    """A new data folder on free ports; stopped at the end. The sandbox's faults are not on yet."""
    http_port, sandbox, temporal, ui = free_ports(4)
    settings = Settings(
        data_dir=folder, http_port=http_port, sandbox_port=sandbox, temporal_port=temporal, temporal_ui_port=ui,
        plan_file=HERE / "plan.yaml", law_file=HERE / "law.yaml", log_level="warning",
        intake_rate_per_minute_address=_NO_LIMIT, intake_rate_per_minute_key=_NO_LIMIT,
        mails_per_second=100, texts_per_second=100, calls_per_second=100,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(Stack(settings, ("postgres", "temporal", "sandbox"), durable=False))
        own = settings.to_environment() | {PREFIX + "DATABASE_URL": running.database_url}
        environment = child_environment(own | {"PYTHONPATH": str(ROOT)})
        gateway = PythonPart(
            "gateway", port=http_port, path="/readyz", environment=environment, log=folder / "logs" / "gateway.log"
        )
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        pool = await asyncpg.create_pool(running.database_url, min_size=1, max_size=2)
        stack.push_async_callback(pool.close)
        await pool.execute("update rep set weekly = $1::text::jsonb, capacity = 1000000", _ALWAYS)
        deaths = folder / "deaths"
        deaths.mkdir()
        workers = await _workers(deaths, weather, seed, environment, folder / "logs" / "workers.log")
        stack.push_async_callback(workers.stop)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)))
        client = await connect(settings.temporal_address)
        key = load_or_create(folder).api_key.get_secret_value()
        yield FaultyHouse(settings, http, pool, client, key, deaths, workers)


async def _workers(deaths: Path, weather: Weather, seed: int, environment: dict[str, str], log: Path) -> Child:
    given = {"folder": str(deaths), "seed": seed, "before": weather.dies_before, "after": weather.dies_after,
             "workers": WORKERS}  # fmt: skip
    command = [sys.executable, "-m", "bench.faults.workers", json.dumps(given)]
    return await spawn("workers", command, log, environment=environment)
