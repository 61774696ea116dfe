"""`speedlead doctor`: is this machine fit, and do the configured servers answer? One line per finding."""

import importlib.metadata
import os
import sys
import zoneinfo
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from speedlead.settings import PREFIX, Settings
from speedlead.tzdata_version import OlderData, order, release

OUR_PACKAGES = frozenset({"workflows", "activities", "workers", "speedlead"})
SHOWN = ("temporalio", "pydantic", "asyncpg", "fastapi", "twilio", "sendgrid", "tzdata", "holidays", "phonenumbers")


@dataclass(frozen=True)
class Finding:
    """`ok` None: for information, neither good nor bad."""

    what: str
    ok: bool | None
    detail: str


def foreign_distributions() -> list[str]:
    """Installed distributions, other than ours, that ship a top-level package with one of our names."""
    return sorted(
        f"{name} ({package})"
        for package, names in importlib.metadata.packages_distributions().items()
        if package in OUR_PACKAGES
        for name in set(names)
        if name != "speedlead"
    )


async def report(settings: Settings) -> int:
    """Print the findings; 0 when nothing is wrong, else 1."""
    wrong = 0
    async for finding in findings(settings):
        mark = {True: "ok   ", False: "WRONG", None: "     "}[finding.ok]
        print(f"{mark} {finding.what:<18} {finding.detail}")
        wrong += finding.ok is False
    return 1 if wrong else 0


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    from speedlead.embedded.locks import up_lock

    yield Finding("python", sys.version_info >= (3, 11), sys.version.split()[0])
    yield Finding("packages", None, ", ".join(f"{name} {importlib.metadata.version(name)}" for name in SHOWN))
    yield _time_zones()
    foreign = foreign_distributions()
    yield Finding(
        "package names", not foreign, "ours alone" if not foreign else f"also shipped by {', '.join(foreign)}"
    )
    running = up_lock(settings.data_dir).is_taken()
    yield Finding("speedlead up", None, f"{'running' if running else 'not running'} on {settings.data_dir}")
    if not running:
        for finding in _ports(settings):
            yield finding
    async for finding in _database(settings, running):
        yield finding
    yield webhook_keys(settings)
    yield _mappings(settings)
    if settings.assistant_model is not None:
        yield assistant(settings)
    if settings.embedded_temporal and not running:
        yield _temporal_program()
    else:
        async for finding in _temporal(settings):
            yield finding


def _time_zones() -> Finding:
    pinned = os.environ.get("PYTHONTZPATH") == "" and not zoneinfo.TZPATH
    installed = f"tzdata {release()} (wheel {importlib.metadata.version('tzdata')})"
    return Finding("time zones", pinned, installed if pinned else "taken from the machine, not from tzdata")


def _mappings(settings: Settings) -> Finding:
    """A gateway that runs goes on with the files of before; a start would fail."""
    from speedlead.mappings.book import MappingError
    from speedlead.mappings.doors import load_doors

    try:
        doors = load_doors(settings)
    except MappingError as error:
        return Finding("mappings", False, f"a gateway that runs keeps the old ones: {error}")
    is_open = [one.name for one in doors.mappings.values() if doors.why_closed(one) is None]
    return Finding("mappings", None, f"{len(doors.mappings)}, open: {', '.join(is_open) or 'none'}")


def assistant(settings: Settings) -> Finding:
    """What it may say, where it may say it, and whether a start would fail."""
    from speedlead.assistant.assemble import house_of
    from speedlead.assistant.factbook import FactsError
    from speedlead.scriptbook import ScriptError

    try:
        house = house_of(settings)
    except (FactsError, ScriptError) as error:
        return Finding("assistant", False, str(error))
    if settings.assistant_voice and not settings.uses_sandbox and not settings.public_url.startswith("https://"):
        return Finding("assistant", False, "SPEEDLEAD_PUBLIC_URL: expected https://… for calls: Twilio opens wss alone")
    spoken = "by text and in calls" if settings.assistant_voice else "by text"
    return Finding("assistant", True, f"{settings.assistant_model}, {len(house.facts.facts)} facts, {spoken}")


def _ports(settings: Settings) -> list[Finding]:
    from speedlead.embedded.ports import is_free

    wanted = ["http_port"]
    wanted += ["sandbox_port"] if settings.uses_sandbox else []
    wanted += ["temporal_port", "temporal_ui_port"] if settings.embedded_temporal else []
    found: list[Finding] = []
    for field in wanted:
        port: int = getattr(settings, field)
        free = is_free(port)
        detail = f"{port} is free" if free else f"{port} is in use; set {PREFIX}{field.upper()}"
        found.append(Finding(field.replace("_", " "), free, detail))
    return found


async def _database(settings: Settings, running: bool) -> AsyncIterator[Finding]:
    from speedlead.embedded import postgres_files
    from speedlead.embedded.process import StartError

    if settings.database_url is not None:
        async for finding in _reach_database(settings.database_url.get_secret_value(), settings):
            yield finding
        return
    try:
        if running:
            from speedlead.embedded.postgres import dsn

            async for finding in _reach_database(dsn(postgres_files.socket_folder(settings.data_dir)), settings):
                yield finding
            return
        programs = postgres_files.find_programs()
        yield Finding("database", True, f"embedded PostgreSQL {postgres_files.major_version(programs)} in {programs}")
    except StartError as error:
        yield Finding("database", False, str(error))


async def _reach_database(url: str, settings: Settings) -> AsyncIterator[Finding]:
    import asyncpg

    from speedlead.clock import SystemClock
    from speedlead.doctor_data import lines
    from speedlead.store.data_releases import newest_tzdata
    from speedlead.store.migrate import pending

    try:
        connection = await asyncpg.connect(url, timeout=5)
        try:
            version = str(await connection.fetchval("show server_version"))
            missing = await pending(url)
            newest = None if missing else await newest_tzdata(connection)
            reps = [] if missing else await connection.fetch("select email from rep where active")
            told = [] if missing else [*await _webhooks(connection), await our_people(connection)]
            fit = await _fitness(connection)
            known = [] if missing else await lines(connection, settings, SystemClock().wall())
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        yield Finding("database", False, f"not reachable: {type(error).__name__}: {error}")
        return
    if missing:
        yield Finding("database", False, f"PostgreSQL {version}, not migrated: {', '.join(missing)}")
        return
    yield Finding("database", True, f"PostgreSQL {version}, migrated")
    for finding in fit:
        yield finding
    yield zone_data(release(), newest)
    yield calendar_people(settings, [row["email"] for row in reps])
    for finding in (*told, *(Finding(*line) for line in known)):
        yield finding


async def _fitness(connection: object) -> list[Finding]:
    """What `/readyz` asks as well: does the database take writes, and do the clocks agree?"""
    import asyncpg

    from speedlead.clock import SystemClock
    from speedlead.store.fitness import off, write_and_ask_time

    try:
        asked = await write_and_ask_time(connection, SystemClock().wall)
    except asyncpg.PostgresError as error:
        return [Finding("database writes", False, f"{type(error).__name__}: {error}")]
    if asked.read_only:
        return [Finding("database writes", False, "it is read-only: the address leads to a standby")]
    wrong = off(asked.skew_s)
    return [
        Finding("database writes", True, "taken"),
        Finding("clock", wrong is None, wrong or f"{abs(asked.skew_s) * 1000:.0f} ms off the database's"),
    ]


def calendar_people(settings: Settings, emails: Sequence[str]) -> Finding:
    """Is everybody whom the calendar file names there? Cover by an address of nobody's rings nobody."""
    from speedlead.calendarbook import CalendarError, load_calendars

    try:
        calendars, _ = load_calendars(settings.calendars_file)
    except CalendarError as error:
        return Finding("calendars", False, str(error))
    if strangers := calendars.strangers(emails):
        return Finding("calendars", False, f"no active rep has the address of {', '.join(strangers)}")
    return Finding("calendars", True, "everybody whom they name is an active rep")


async def our_people(connection: object) -> Finding:
    """Does what we send to our own people arrive? By name and channel; the number is on the page of people."""
    from speedlead.store.notification_reports import unreached

    lost = [f"{row['name']} ({row['channel']}: {row['error']})" for row in await unreached(connection)]
    if lost:
        return Finding("notifications", False, f"the last one did not reach {', '.join(lost)}")
    return Finding("notifications", True, "the last text and mail to each rep arrived, as far as is known")


async def _webhooks(connection: object) -> list[Finding]:
    """What is left to be acted on, and which secrets signed what is kept: an old one that signs nothing may go."""
    from speedlead.store.webhooks import not_done, signers

    left = await not_done(connection)
    state = ", ".join(f"{number} {state}" for state, number in left.items()) or "all that is kept is done"
    found = [Finding("webhooks", not left.get("failed"), state)]
    for row in await signers(connection):
        detail = f"{row['provider']}: {row['n']} signed by {row['signed_by']}, last {row['newest']:%Y-%m-%d %H:%M} UTC"
        found.append(Finding("", None, detail))
    return found


def webhook_keys(settings: Settings) -> Finding:
    """By which secrets webhooks are believed; names only."""
    if settings.uses_sandbox:
        return Finding("webhook keys", None, "the sandbox's own")
    twilio = ["auth token"]
    twilio += ["other auth token"] if settings.twilio_auth_token_other is not None else []
    twilio += ["shared key"] if settings.twilio_webhook_shared_key is not None else []
    keys = settings.sendgrid_webhook_public_key
    if keys is None:
        missing = f"{PREFIX}SENDGRID_WEBHOOK_PUBLIC_KEY is empty: no mail event and no reply by mail is believed"
        return Finding("webhook keys", False, missing)
    count = len([key for key in keys.split(",") if key.strip()])
    return Finding("webhook keys", True, f"twilio: {', '.join(twilio)}; sendgrid: {count} public key(s)")


def zone_data(installed: str, newest: str | None) -> Finding:
    """May a worker start here with the installed zone data? `newest`: what the database was last used with."""
    if newest is None:
        return Finding("zone data", None, f"tzdata {installed}; no worker has used this database yet")
    if order(installed) < order(newest):
        return Finding("zone data", False, str(OlderData(installed, newest)))
    return Finding("zone data", True, f"tzdata {installed}; the newest used with this database is {newest}")


def _temporal_program() -> Finding:
    from speedlead.embedded.process import StartError
    from speedlead.embedded.temporal_server import find_program

    try:
        return Finding("temporal", True, f"embedded server in {find_program()}")
    except StartError as error:
        return Finding("temporal", False, str(error))


async def _temporal(settings: Settings) -> AsyncIterator[Finding]:
    from temporalio.service import RPCError

    from speedlead.temporal_link import TemporalRefused, connect_as_set, unreachable, wrong_attributes

    try:
        client = await connect_as_set(settings)
        wrong = await wrong_attributes(client, settings.temporal_namespace)
    except TemporalRefused as error:
        yield Finding("temporal", False, str(error))
        return
    except (RuntimeError, RPCError) as error:
        yield Finding("temporal", False, unreachable(settings, error))
        return
    yield Finding("temporal", True, f"{settings.temporal_address}, namespace {settings.temporal_namespace}")
    yield Finding(
        "search attributes", not wrong, "all present" if not wrong else f"missing or wrong: {', '.join(wrong)}"
    )
    try:
        async for finding in _code(settings, client):
            yield finding
    except RPCError as error:
        yield Finding("worker versions", False, f"Temporal refused: {error.message}")


async def _code(settings: Settings, client: Any) -> AsyncIterator[Finding]:
    """Which code open leads go on with, which cannot go on, and how long old ways of the code are still needed."""
    from speedlead.cadence_client import CadenceClient
    from speedlead.deployments import versions
    from speedlead.patch_use import patches_in_use

    found, unversioned = await versions(client)
    current = any(version.state == "current" for version in found)
    if settings.worker_versioning and not current:
        yield Finding("worker versions", False, "none is current, so no lead is worked on: speedlead worker promote")
    elif found and not settings.worker_versioning:
        detail = f"one is current, so workers with {PREFIX}WORKER_VERSIONING=false get no lead"
        yield Finding("worker versions", not current, detail if current else "none is current, and none is needed")
    else:
        yield Finding("worker versions", current or None, "one is current" if current else "off")
    for version in found:
        yield Finding("", None, f"{version.build_id} {version.state}, {version.open_leads} open leads")
    yield Finding("", None, f"without a version: {unversioned} open leads")
    failing = await CadenceClient(client).failing()
    detail = f"{len(failing)} leads, such as {failing[0]}; see docs/operations.md" if failing else "none"
    yield Finding("failing workflows", not failing, detail)
    for use in await patches_in_use(client, datetime.now(UTC).date()):
        yield Finding("patch", None, f"{use.patch.id} {use.patch.life} since {use.patch.since}; {use.next_life}")
