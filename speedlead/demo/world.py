"""The whole product in one process on a virtual clock: gateway, worker and sandbox, as in production but for time.

Each lead's workflow skips time when it only waits. Business time is wall time plus the lead's own offset, so a lead can
begin at any instant of the future and live its week in a second. The demo and the tests use this one wiring.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
from temporalio.client import Client

from speedlead.app import Parts, build_deps, serve_gateway
from speedlead.assistant.assemble import build_assistant
from speedlead.assistant.turn import Model
from speedlead.booking.assemble import build_offers
from speedlead.cadence_client import CadenceClient
from speedlead.composer import Composer
from speedlead.composing.assemble import build_composer
from speedlead.contracts import LeadStart
from speedlead.credentials import Credentials, load_or_create
from speedlead.demo.moments import Moment, Moments
from speedlead.planbook import load_plan, load_programs
from speedlead.providers.assemble import Senders, open_line, open_senders
from speedlead.relay import Relay
from speedlead.sandbox.server import serving
from speedlead.seed import seed
from speedlead.settings import Settings
from speedlead.store.pool import open_pool
from speedlead.watch.assemble import build_watch
from workers.lifecycle import build_activities, build_calendar, pace_of, running_workers


class VirtualClock:
    """Wall time, and business time moved by the lead's offset; a lead that is new begins where `begin_at` says."""

    def __init__(self) -> None:
        self._ahead_us = 0

    def begin_at(self, instant: datetime) -> None:
        self._ahead_us = (instant - self.wall()) // timedelta(microseconds=1)

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def business(self, offset_us: int) -> datetime:
        return self.wall() + timedelta(microseconds=offset_us or self._ahead_us)


class VirtualCadenceClient(CadenceClient):
    """Starts a workflow at the virtual instant of its lead."""

    async def start(self, start: LeadStart, *, again: bool = False) -> bool:
        self._start_delay = max(timedelta(0), start.submitted_at - datetime.now(UTC))
        return await super().start(start, again=again)


@dataclass
class World:
    settings: Settings
    credentials: Credentials
    pool: "asyncpg.Pool[Any]"
    client: Client
    clock: VirtualClock
    relay: Relay
    leads: CadenceClient
    moments: Moments
    http: aiohttp.ClientSession
    # whoever gets a lead takes it at once; off, nobody does
    reps_accept: bool = True

    @property
    def url(self) -> str:
        return self.settings.public_url

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.settings.sandbox_port}"

    async def submit(self, at: datetime, *, moments: Sequence[Moment] = (), **fields: str) -> str:
        """Posts the form at that business instant; the id of its lead. `at` lies in the future."""
        async with self.moments.entering() as expect:
            self.clock.begin_at(at)
            body = await self.call("POST", f"{self.url}/api/leads", fields)
            expect(str(body["lead_id"]), moments)
        return str(body["lead_id"])

    async def call(self, method: str, url: str, body: object = None) -> Any:
        """One request to our own API, or to the sandbox's; what it answered. Raises RuntimeError when refused."""
        key = self.credentials.api_key.get_secret_value() if url.startswith(self.url) else ""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            if answer.status >= 300:
                raise RuntimeError(f"{method} {url}: refused with {answer.status} {await answer.text()}")
            return await answer.json() if answer.status != 204 else None

    async def person(self, address: str, **behaviour: object) -> None:
        """How the person behind an address acts; see the sandbox."""
        await self.call("PUT", f"{self.sandbox_url}/api/people/{address}", behaviour)

    async def messages(self, **query: str) -> list[dict[str, Any]]:
        async with self.http.get(f"{self.sandbox_url}/api/messages", params=query) as answer:
            answer.raise_for_status()
            found: list[dict[str, Any]] = await answer.json()
            return found


@asynccontextmanager
async def open_world(
    settings: Settings,
    database_url: str,
    client: Client,
    *,
    demo_reps: bool = True,
    composer: Composer | None = None,
    assistant: Model | None = None,
) -> AsyncIterator[World]:
    """`client` belongs to a server that skips time; `settings` has free ports, a folder and callbacks='before'.

    `composer`: one whose texts were checked for such settings before; without it they are checked here. `assistant`:
    the model of the assistant that the settings switch on.
    """
    credentials = load_or_create(settings.data_dir)
    plan = load_plan(settings.plan_file)
    programs = load_programs(plan, settings.plan_file)
    clock = VirtualClock()
    async with AsyncExitStack() as stack:
        pool = await open_pool(database_url)
        stack.push_async_callback(pool.close)

        async def move(lead_id: str, ahead: timedelta) -> None:
            microseconds = ahead // timedelta(microseconds=1)
            await pool.execute("update lead set clock_offset_us = $2 where id = $1", lead_id, microseconds)

        async def routed(lead_id: str) -> None:
            owner = await pool.fetchval("select owner_id from lead where id = $1", lead_id)
            if owner is not None and world.reps_accept:
                await leads.update(lead_id, "accept", {"rep_id": owner})

        moments = Moments(move, routed)
        watched = client.config()
        watched["interceptors"] = [*watched["interceptors"], moments]
        client = Client(**watched)
        await seed(pool, plan, demo_reps=demo_reps, programs=programs)
        await stack.enter_async_context(serving(settings, credentials))
        senders: Senders = await stack.enter_async_context(open_senders(settings, credentials))
        line = await stack.enter_async_context(open_line(settings, credentials))
        calendar = build_calendar(settings)
        composer = composer or build_composer(settings, plan, programs)
        offers = build_offers(settings, calendar.placer, calendar.places, plan, calendar.business)
        activities = build_activities(
            pool=pool,
            settings=settings,
            credentials=credentials,
            calendar=calendar,
            plan=plan,
            senders=senders,
            composer=composer,
            assistant=None if assistant is None else build_assistant(settings, pool, clock, offers, assistant),
        )
        await stack.enter_async_context(running_workers(client, activities, pace=pace_of(settings)))
        leads = VirtualCadenceClient(client)
        relay = Relay(pool, leads)
        watch = build_watch(pool, client, settings, clock)
        parts = Parts(settings, credentials, pool, client, plan, calendar, composer, watch)
        await stack.enter_async_context(_running(relay.run()))
        await stack.enter_async_context(_running(serve_gateway(build_deps(parts, leads, relay, clock, line))))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        world = World(settings, credentials, pool, client, clock, relay, leads, moments, http)
        await _ready(world)
        yield world


@asynccontextmanager
async def _running(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _ready(world: World) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                async with world.http.get(f"{world.url}/healthz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)
