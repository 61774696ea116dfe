"""The processes of production: gateway and worker together or alone. Everything is built here and handed down."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import uvicorn
from temporalio.client import Client

from speedlead.cadence_client import CadenceClient
from speedlead.calendarbook import CalendarError
from speedlead.chores.assemble import Means, build_chores
from speedlead.chores.runner import run_chores
from speedlead.clock import SystemClock
from speedlead.composer import ComposeError, Composer
from speedlead.composing.assemble import build_composer, editions_of
from speedlead.credentials import Credentials, CredentialsError, load_or_create
from speedlead.domain.plan import Plan
from speedlead.foresight import Foresight
from speedlead.gateway.app import create_app
from speedlead.gateway.context import home_country
from speedlead.gateway.deps import GatewayDeps, Line
from speedlead.gateway.webhook_replay import run_replay
from speedlead.lawbook import LawError
from speedlead.planbook import PlanError, load_plan
from speedlead.ports import Clock
from speedlead.preview.desk import Desk, whose
from speedlead.providers.assemble import open_line, open_senders
from speedlead.records import team_of
from speedlead.relay import Relay
from speedlead.returns import Returns
from speedlead.routingbook import RoutingError
from speedlead.seed import seed
from speedlead.settings import Settings
from speedlead.store.asking import Asking
from speedlead.store.data_releases import use_tzdata
from speedlead.store.gate import LegGate
from speedlead.store.leads import LeadStore
from speedlead.store.plans import PlanConflict
from speedlead.store.pool import open_pool
from speedlead.store.templates import publish
from speedlead.store.transactions import transact
from speedlead.temporal import connect
from speedlead.tzdata_version import OlderData, release
from workers.lifecycle import Calendar, build_activities, build_calendar, pace_of, running_workers


class Unreachable(Exception):
    """A server that this process cannot do without does not answer; the message names the setting."""


# what somebody has to mend: a file, a stored plan, an address; the message says which and what
TO_MEND = (
    Unreachable, PlanError, LawError, CalendarError, CredentialsError, ComposeError, PlanConflict, OlderData,
    RoutingError,
)  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """What gateway and worker share."""

    settings: Settings
    credentials: Credentials
    pool: "asyncpg.Pool[Any]"
    client: Client
    plan: Plan
    calendar: Calendar
    composer: Composer


@asynccontextmanager
async def open_parts(settings: Settings, database_url: str, *, lazy: bool = False) -> AsyncIterator[Parts]:
    """Raises what is in TO_MEND before anything is served. `lazy`: a gateway alone, which starts without Temporal."""
    plan = load_plan(settings.plan_file)
    # also for a gateway alone: nothing is published or served beside a faulty text
    composer = build_composer(settings, plan)
    calendar = build_calendar(settings)
    credentials = load_or_create(settings.data_dir)
    async with AsyncExitStack() as stack:
        try:
            pool = await open_pool(database_url)
        except (OSError, asyncpg.PostgresError) as error:
            raise Unreachable(f"SPEEDLEAD_DATABASE_URL: the database does not answer: {error}") from error
        stack.push_async_callback(pool.close)
        if not lazy:
            # a gateway alone takes leads in with any data: what it decides, a worker has decided before
            await use_tzdata(pool, release())
        await seed(pool, plan, demo_reps=settings.uses_sandbox)
        await publish(pool, editions_of(settings))
        try:
            client = await connect(settings.temporal_address, settings.temporal_namespace, lazy=lazy)
        except RuntimeError as error:
            raise Unreachable(f"SPEEDLEAD_TEMPORAL_ADDRESS: no Temporal at {settings.temporal_address}") from error
        yield Parts(settings, credentials, pool, client, plan, calendar, composer)


async def run_app(settings: Settings, database_url: str) -> None:
    """Gateway and worker in one process on one client, so that a lead's first task skips the server."""
    async with open_parts(settings, database_url) as parts, _worker(parts):
        await _serve(parts, eager=True)


async def run_gateway(settings: Settings, database_url: str) -> None:
    """The gateway alone; it starts, and takes forms in, while Temporal is away."""
    async with open_parts(settings, database_url, lazy=True) as parts:
        await _serve(parts, eager=False)


async def run_worker(settings: Settings, database_url: str) -> None:
    async with open_parts(settings, database_url) as parts, _worker(parts):
        await asyncio.Event().wait()


@asynccontextmanager
async def _worker(parts: Parts) -> AsyncIterator[None]:
    async with open_senders(parts.settings, parts.credentials) as senders:
        activities = build_activities(
            pool=parts.pool,
            settings=parts.settings,
            credentials=parts.credentials,
            calendar=parts.calendar,
            plan=parts.plan,
            senders=senders,
            composer=parts.composer,
        )
        means = Means(parts.pool, parts.settings, parts.credentials, senders, SystemClock(), activities.dealer)
        async with (
            running_workers(parts.client, activities, slots=parts.settings.worker_slots, pace=pace_of(parts.settings)),
            _background(run_chores(parts.pool, build_chores(means))),
        ):
            yield


async def _serve(parts: Parts, *, eager: bool) -> None:
    workflows = CadenceClient(parts.client, eager=eager)
    relay = Relay(parts.pool, workflows)
    async with _background(relay.run()), open_line(parts.settings, parts.credentials) as line:
        await serve_gateway(build_deps(parts, workflows, relay, SystemClock(), line))


def build_deps(parts: Parts, workflows: CadenceClient, relay: Relay, clock: Clock, line: Line) -> GatewayDeps:
    async def ready() -> dict[str, bool]:
        return {"postgres": await _answers(parts.pool.fetchval("select 1")),
                "temporal": await _answers(parts.client.service_client.check_health())}  # fmt: skip

    async def desk() -> Desk:
        reps = await transact(parts.pool, lambda conn: LeadStore(conn, calendar.business).reps())
        foresight = Foresight(plan=parts.plan, placer=calendar.placer, places=calendar.places, team=team_of(reps))
        return Desk(foresight, home_country(settings.company_phone or settings.twilio_from), whose(reps), clock.wall())

    calendar, settings = parts.calendar, parts.settings
    return GatewayDeps(
        pool=parts.pool,
        settings=settings,
        credentials=parts.credentials,
        clock=clock,
        plan=parts.plan,
        relay=relay,
        leads=workflows,
        leg_gate=LegGate(
            parts.pool,
            Asking(calendar.placer, calendar.places),
            parts.plan,
            calendar.business,
            clock,
            settings.twilio_from,
        ),
        returns=Returns(calendar.placer, calendar.places, parts.plan, calendar.business),
        ready=ready,
        desk=desk,
        line=line,
    )


async def serve_gateway(deps: GatewayDeps) -> None:
    """Until cancelled; open requests get two seconds."""
    app = create_app(deps)
    config = uvicorn.Config(
        app,
        host=deps.settings.http_host,
        port=deps.settings.http_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    # signals belong to our own main, which cancels us
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    async with _background(run_replay(app.state.context)):
        task = asyncio.create_task(server.serve())
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            server.should_exit = True
            await task
            raise


@asynccontextmanager
async def _background(work: Any) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _answers(question: Any) -> bool:
    try:
        async with asyncio.timeout(2):
            return bool(await question)
    except Exception:
        return False
