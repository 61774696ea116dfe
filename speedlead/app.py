"""The processes of production: gateway and worker together or alone. Everything is built here and handed down."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import uvicorn
from temporalio.client import Client

from speedlead.assistant.assemble import open_assistant
from speedlead.assistant.factbook import FactsError
from speedlead.booking.assemble import build_door, build_offers
from speedlead.booking.rulebook import BookingError
from speedlead.cadence_client import CadenceClient
from speedlead.calendarbook import CalendarError, packaged_calendars
from speedlead.chores.assemble import Means, build_chores
from speedlead.chores.booking import Booked
from speedlead.chores.runner import run_chores
from speedlead.chores.stuck import GoingOn
from speedlead.clock import SystemClock
from speedlead.composer import ComposeError, Composer
from speedlead.composing.assemble import build_composer, editions_of
from speedlead.credentials import Credentials, CredentialsError, load_or_create
from speedlead.enrichment.assemble import open_source
from speedlead.enrichment.rulebook import LanesError, load_lanes
from speedlead.foresight import Foresight
from speedlead.gateway.app import create_app
from speedlead.gateway.context import home_country
from speedlead.gateway.deps import GatewayDeps, Line
from speedlead.gateway.voice_relay import MAX_MESSAGE
from speedlead.gateway.webhook_replay import run_replay
from speedlead.house_mark import HouseMark, OtherHouse
from speedlead.lawbook import LawError
from speedlead.mappings.book import MappingError
from speedlead.payloads import converter_of
from speedlead.plan_shelf import Source, in_use
from speedlead.planbook import PlanError, load_plan, load_programs
from speedlead.plans_in_use import keep, open_shelf
from speedlead.ports import Clock
from speedlead.preview.desk import Desk, whose
from speedlead.providers.assemble import open_line, open_senders
from speedlead.quality.rulebook import QualityError
from speedlead.records import team_of
from speedlead.relay import Relay
from speedlead.returns import Returns
from speedlead.routingbook import RoutingError, packaged_routing
from speedlead.scriptbook import ScriptError
from speedlead.seed import seed
from speedlead.settings import Settings
from speedlead.store.asking import Asking
from speedlead.store.data_releases import use_tzdata
from speedlead.store.gate import LegGate
from speedlead.store.house_changes import note_files
from speedlead.store.house_marks import use_house
from speedlead.store.lanes import use_lanes
from speedlead.store.leads import LeadStore
from speedlead.store.plans import PlanConflict
from speedlead.store.pool import open_pool
from speedlead.store.templates import publish
from speedlead.store.transactions import transact
from speedlead.temporal_link import TemporalRefused, check_namespace, connect_as_set, unreachable
from speedlead.tzdata_version import OlderData, release
from speedlead.watch.assemble import Watch, build_watch
from speedlead.watch.sdk import SdkMetrics
from speedlead.watch.server import PortTaken, watch_port
from speedlead.watch.tracing import traced
from workers.beat import beat
from workers.deployment import build_id
from workers.lifecycle import Calendar, build_activities, build_calendar, pace_of, running_workers
from workers.registry import QUEUES
from workers.replaying import Replays
from workflows.options import LEADS_QUEUE


class Unreachable(Exception):
    """A server that this process cannot do without does not answer; the message names the setting."""


# the longest that a request which is open at the stop may take; within LONGEST_STOP_S of cli.py, with time to spare
DRAIN_S = 8

# what somebody has to mend: a file, a stored plan, an address; the message says which and what
TO_MEND = (
    Unreachable, PlanError, LawError, CalendarError, CredentialsError, ComposeError, PlanConflict, OlderData,
    RoutingError, TemporalRefused, PortTaken, OtherHouse, BookingError, LanesError,
    QualityError, MappingError, FactsError, ScriptError,
)  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """What gateway and worker share."""

    settings: Settings
    credentials: Credentials
    pool: "asyncpg.Pool[Any]"
    client: Client
    plan: Source
    calendar: Calendar
    composer: Composer
    watch: Watch


@asynccontextmanager
async def open_parts(
    settings: Settings, database_url: str, *, lazy: bool = False, queues: Sequence[str] = ()
) -> AsyncIterator[Parts]:
    """Raises what is in TO_MEND before anything is served. `lazy`: a gateway alone, which starts without Temporal."""
    plan = load_plan(settings.plan_file)
    programs = load_programs(plan, settings.plan_file)
    # also for a gateway alone: nothing is published or served beside a faulty text
    composer = build_composer(settings, plan, programs)
    calendar = build_calendar(settings)
    credentials = load_or_create(settings.data_dir)
    async with AsyncExitStack() as stack:
        role = "gateway" if lazy else "app" if set(queues) == set(QUEUES) else "worker"
        tracing = stack.enter_context(traced(settings.otlp_endpoint, role))
        sdk = SdkMetrics()
        try:
            pool = await open_pool(database_url)
        except (OSError, asyncpg.PostgresError) as error:
            raise Unreachable(f"SPEEDLEAD_DATABASE_URL: the database does not answer: {error}") from error
        stack.push_async_callback(pool.close)
        await use_house(pool, HouseMark.of(settings, credentials), settings.data_dir)
        if not lazy:
            # a gateway alone takes leads in with any data: what it decides, a worker has decided before
            await use_tzdata(pool, release())
        await seed(pool, plan, demo_reps=settings.uses_sandbox, programs=programs)
        shelf = await open_shelf(pool, plan)
        await stack.enter_async_context(_background(keep(pool, shelf)))
        await publish(pool, editions_of(settings))
        await use_lanes(pool, load_lanes(settings.lanes_file), SystemClock().wall())
        if not lazy:
            rules = settings.routing_file or packaged_routing(), settings.calendars_file or packaged_calendars()
            await note_files(pool, {"routing": rules[0], "calendar": rules[1]}, SystemClock().wall())
        try:
            client = await connect_as_set(
                settings, lazy=lazy, runtime=sdk.runtime, interceptors=[] if tracing is None else [tracing.interceptor],
                converter=converter_of(settings, credentials, pool),
            )  # fmt: skip
        except RuntimeError as error:
            raise Unreachable(unreachable(settings, error)) from error
        if not lazy:
            await check_namespace(client, settings)
        watch = build_watch(pool, client, settings, SystemClock(), queues=queues, sdk=sdk)
        await stack.enter_async_context(
            watch_port(settings.watch_host, settings.watch_port, watch.readiness, watch.exposition)
        )
        yield Parts(settings, credentials, pool, client, shelf, calendar, composer, watch)


async def run_app(settings: Settings, database_url: str) -> None:
    """Gateway and worker in one process on one client, so that a lead's first task skips the server."""
    async with open_parts(settings, database_url, queues=QUEUES) as parts, _worker(parts):
        await _serve(parts, eager=True)


async def run_gateway(settings: Settings, database_url: str) -> None:
    """The gateway alone; it starts, and takes forms in, while Temporal is away."""
    async with open_parts(settings, database_url, lazy=True) as parts:
        await _serve(parts, eager=False)


async def run_worker(settings: Settings, database_url: str, queues: Sequence[str] = QUEUES) -> None:
    """Some or all task queues; what recurs by itself goes with the leads' queue."""
    async with open_parts(settings, database_url, queues=queues) as parts, _worker(parts, queues):

        async def well() -> bool:
            return (await parts.watch.readiness.ask()).ok

        await beat(well)


@asynccontextmanager
async def _worker(parts: Parts, queues: Sequence[str] = QUEUES) -> AsyncIterator[None]:
    settings, calendar = parts.settings, parts.calendar
    offers = build_offers(settings, calendar.placer, calendar.places, parts.plan, calendar.business)
    door = (
        None if offers is None
        else build_door(settings, parts.credentials, offers, calendar.business, SystemClock())
    )  # fmt: skip
    async with (
        open_senders(parts.settings, parts.credentials) as senders,
        open_source(settings) as outside,
        open_assistant(settings, parts.pool, SystemClock(), offers) as assistant,
    ):
        activities = build_activities(
            pool=parts.pool,
            settings=parts.settings,
            credentials=parts.credentials,
            calendar=parts.calendar,
            plan=parts.plan,
            senders=senders,
            composer=parts.composer,
            outside=outside,
            assistant=assistant,
            **({} if door is None else {"booking_link": door.link}),
        )
        means = Means(
            parts.pool, parts.settings, parts.credentials, senders, SystemClock(), activities.dealer,
            CadenceClient(parts.client), CadenceClient(parts.client),
            GoingOn(CadenceClient(parts.client), Replays(parts.client), build_id()),
            None if offers is None else Booked(offers, calendar.placer, calendar.places, parts.composer),
        )  # fmt: skip
        async with AsyncExitStack() as stack:
            if door is not None:
                await door.refresh(parts.pool)
                await stack.enter_async_context(_background(door.keep(parts.pool)))
            pace, slots = pace_of(parts.settings), parts.settings.worker_slots
            await stack.enter_async_context(
                running_workers(
                    parts.client,
                    activities,
                    slots=slots,
                    pace=pace,
                    queues=queues,
                    versioned=parts.settings.worker_versioning,
                )
            )
            if LEADS_QUEUE in queues:
                await stack.enter_async_context(_background(run_chores(parts.pool, build_chores(means))))
            yield


async def _serve(parts: Parts, *, eager: bool) -> None:
    workflows = CadenceClient(parts.client, eager=eager)
    relay = Relay(parts.pool, workflows)
    async with _background(relay.run()), open_line(parts.settings, parts.credentials) as line:
        await serve_gateway(build_deps(parts, workflows, relay, SystemClock(), line))


def build_deps(parts: Parts, workflows: CadenceClient, relay: Relay, clock: Clock, line: Line) -> GatewayDeps:
    async def desk() -> Desk:
        reps = await transact(parts.pool, lambda conn: LeadStore(conn, calendar.business).reps())
        plan, team = in_use(parts.plan), team_of(reps)
        foresight = Foresight(plan=plan, placer=calendar.placer, places=calendar.places, team=team)
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
        returns=Returns(
            calendar.placer,
            calendar.places,
            parts.plan,
            calendar.business,
            assistant=settings.assistant_model is not None,
        ),
        ready=parts.watch.readiness.ask,
        figures=parts.watch.exposition.text,
        counters=parts.watch.counters,
        desk=desk,
        line=line,
        offers=build_offers(settings, calendar.placer, calendar.places, parts.plan, calendar.business),
    )


async def serve_gateway(deps: GatewayDeps) -> None:
    """Until cancelled: then nothing new is accepted, rep pages are sent elsewhere, and open requests are finished."""
    app = create_app(deps)
    config = uvicorn.Config(
        app,
        host=deps.settings.http_host,
        port=deps.settings.http_port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=DRAIN_S,
        server_header=False,
        proxy_headers=False,
        # sockets are for calls of the assistant alone; what one of them sends is a few sentences
        ws="websockets-sansio" if deps.settings.assistant_voice else "none",
        ws_max_size=MAX_MESSAGE,
    )
    server = uvicorn.Server(config)
    # signals belong to our own main, which cancels us
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    async with _background(run_replay(app.state.context)):
        task = asyncio.create_task(server.serve())
        try:
            async with _background(app.state.figure_columns.keep()):
                await asyncio.shield(task)
        except asyncio.CancelledError:
            server.should_exit = True
            app.state.rep_events.close()
            app.state.figure_events.close()
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
