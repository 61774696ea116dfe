"""Row dashboard: the page of figures on a season of leads, against counting the same leads once.

The page is asked for over HTTP as a browser does, by an app that has its routes alone, with a durable Postgres of its
own. `first paint`: the answer to /ops, whatever is ready by then; `all figures`: until nothing is missing. `counted
anew`: nobody has asked before; `again`: the page has.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import asyncpg
import uvicorn
from fastapi import FastAPI

from bench.result import Line, Report, Result
from speedlead.clock import SystemClock
from speedlead.demo.season.fill import EVENTS, fill
from speedlead.demo.season.house import furnish
from speedlead.embedded.ports import free_ports
from speedlead.embedded.postgres import Postgres
from speedlead.gateway.access.table import Role
from speedlead.gateway.access.who import CURRENT, Who
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers.events import TOLD_EVERY_S
from speedlead.gateway.numbers.page import PANELS, add_numbers_page
from speedlead.numbers.columns import Columns
from speedlead.settings import Settings
from speedlead.store import rollup
from speedlead.store.migrate import migrate
from speedlead.store.pool import open_pool

LEADS, QUICK_LEADS, DAYS = 100_000, 3_000, 180
PERIODS = ("7d", "30d", "180d")
# one in seven leads of a season, and one in three
NARROW = ("source=referral", "type=warm")
PAINT_AIM_S, FRESH_AIM_S = 1.0, 5.0
_COUNT = "select count(*) from lead where created_at >= $1 and source <> 'flow_check'"
_ANALYST = Who("", "bench@bench.example", "Bench", Role.ANALYST, None, None, "bench")


async def measure(report: Report, *, quick: bool, leads: int | None = None, database: str | None = None) -> Result:
    """`database`: an address, with a season in it (docs/dashboard.md)."""
    if database is not None:
        await migrate(database)
        pool = await open_pool(database, size=2)
        async with pool.acquire() as conn:
            async for marks in rollup.write_all(conn):
                report(f"writing {marks:,} facts anew, as the worker does", 0.2)
        await pool.close()
        return await _look(report, database, "in a database that was there")
    leads = leads or (QUICK_LEADS if quick else LEADS)
    with tempfile.TemporaryDirectory(prefix="speedlead-bench-", ignore_cleanup_errors=True) as folder:
        postgres = Postgres(Path(folder))
        await postgres.start()
        try:
            return await _measure(report, postgres.dsn("postgres"), leads)
        finally:
            await postgres.stop()


async def _measure(report: Report, dsn: str, leads: int) -> Result:
    await migrate(dsn)
    began = time.perf_counter()
    await fill(
        dsn, leads, until=datetime.now(UTC), days=DAYS,
        report=lambda done: report(f"writing {leads:,} leads", 0.4 * done / leads),
    )  # fmt: skip
    await furnish(dsn, until=datetime.now(UTC), days=DAYS)
    return await _look(report, dsn, f"written in {time.perf_counter() - began:.0f} s")


async def _look(report: Report, dsn: str, how: str) -> Result:
    lines: list[Line] = []
    async with _site(dsn) as (pool, url, http, columns):
        leads, events = await pool.fetchval("select count(*) from lead"), 0
        for table in EVENTS:
            events += await pool.fetchval(f"select count(*) from {table}")  # noqa: S608 names of our own
        report("filling columns", 0.4)
        filled = await _timed(columns.refresh)
        for n, query in enumerate((*PERIODS, *(f"{period}&{narrow}" for period in PERIODS[-1:] for narrow in NARROW))):
            report(f"counting {query}", 0.45 + 0.05 * n)
            lines += await _visit(pool, url, http, query, "counted anew")
            await _one_more(pool)
            lines += await _visit(pool, url, http, query, "again")
        slow = await _slowest(http, url, PERIODS[-1])
        report("a new lead comes", 0.95)
        for period in ("24h", PERIODS[-1]):
            await _get(http, f"{url}/ops/figures?period={period}")
            fresh = await _fresh(pool, http, url, period)
            what = f"a new lead until it is in the figures ({period})"
            lines.append(
                Line("dashboard", what, "s", fresh, None, f"< {FRESH_AIM_S:.0f} s", fresh < FRESH_AIM_S)
            )  # fmt: skip
    worst = ", ".join(f"{name} {took:.1f} s" for name, took in list(slow.items())[:5])
    note = (
        f"dashboard: {leads:,} leads with {events:,} events, {how}; {len(PANELS)} panels. Floor: one count of the same "
        f"leads. Columns filled in {filled:.1f} s. Slowest tables of {PERIODS[-1]} counted anew, each alone: {worst}."
    )
    return Result(lines, [note], {"leads": leads, "events": events, "tables_s": slow})


async def _visit(pool: Any, url: str, http: aiohttp.ClientSession, query: str, how: str) -> list[Line]:
    """What a browser waits for: the page, then all figures that were not on it yet."""
    since = datetime.now(UTC) - timedelta(days=int(query.partition("d")[0]))
    floor = await _shortest(partial(pool.fetchval, _COUNT, since))
    paint = await _timed(partial(_get, http, f"{url}/ops?period={query}"))
    whole = paint + await _timed(partial(_get, http, f"{url}/ops/figures?period={query}"))
    return [
        Line("dashboard", f"first paint, {query}, {how}", "ms", paint * 1000, floor * 1000,
             f"< {PAINT_AIM_S:.0f} s", paint < PAINT_AIM_S),
        Line("dashboard", f"all figures, {query}, {how}", "ms", whole * 1000, floor * 1000,
             f"< {FRESH_AIM_S:.0f} s", whole < FRESH_AIM_S),
    ]  # fmt: skip


async def _fresh(pool: Any, http: aiohttp.ClientSession, url: str, period: str) -> float:
    """Seconds from the commit of a new lead until an open page has fetched figures that count it."""
    path = f"{url}/ops/csv/sources?period={period}"
    # a source of its own: while one lead comes into the period another may leave it
    source = f"new{time.time_ns()}"
    async with http.get(f"{url}/ops/events") as stream:
        assert b"hello" in await stream.content.readuntil(b"\n\n")
        await _get(http, path)
        await _one_more(pool, source)
        began = time.perf_counter()
        async with asyncio.timeout(180):
            while source.encode() not in (await _get(http, path)).lower():  # noqa: ASYNC110 as a page does
                await asyncio.sleep(TOLD_EVERY_S)  # as often as an open page is told to ask
        return time.perf_counter() - began


async def _one_more(pool: Any, source: str = "organic") -> None:
    """As intake writes it: like the newest lead, for a person that has no open one."""
    async with pool.acquire() as conn, conn.transaction():
        person, lead, now = await conn.fetchval("select gen_random_uuid()"), await conn.fetchval(
            "select gen_random_uuid()"), datetime.now(UTC)  # fmt: skip
        await conn.execute("insert into person (id, created_at) values ($1, $2)", person, now)
        await conn.execute(
            """insert into lead (id, person_id, form_key, lead_type, intent, source, plan_id, plan_version, created_at,
                   created_wall) select $1, $2, form_key, lead_type, intent, $4, plan_id, plan_version, $3, $3
               from lead order by created_at desc limit 1""",
            lead, person, now, source,
        )  # fmt: skip
        await conn.execute(
            """insert into inquiry (id, lead_id, person_id, number, form_key, intent, lead_type, source, channel,
                   fingerprint, submitted_at, submitted_wall)
               select gen_random_uuid(), id, person_id, 1, form_key, intent, lead_type, source, 'form', 'x',
                   created_at, created_at from lead where id = $1""",
            lead,
        )
        await conn.execute("insert into story (lead_id, at, kind) values ($1, $2, 'inquiry')", lead, now)


async def _slowest(http: aiohttp.ClientSession, url: str, period: str) -> dict[str, float]:
    """Seconds by table, each asked for alone and anew, the slowest first."""
    took = {}
    for panel in PANELS:
        # a filter that leaves every lead in is another question, so nothing that is kept answers it
        end = (datetime.now(UTC) + timedelta(days=1)).date()
        start = end - timedelta(days=int(period[:-1]) + 1)
        path = f"{url}/ops/csv/{panel.name}?from={start}&to={end}"
        took[panel.name] = await _timed(partial(_get, http, path, failing=True))
    return dict(sorted(took.items(), key=lambda pair: -pair[1]))


async def _get(http: aiohttp.ClientSession, url: str, *, failing: bool = False) -> bytes:
    async with http.get(url) as answer:
        if not failing:
            answer.raise_for_status()
        return await answer.read()


async def _timed(work: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _shortest(work: Callable[[], Awaitable[Any]]) -> float:
    return statistics.median([await _timed(work) for _ in range(9)])


@asynccontextmanager
async def _site(dsn: str) -> AsyncIterator[tuple["asyncpg.Pool[Any]", str, aiohttp.ClientSession, Columns]]:
    pool = await open_pool(dsn, size=8)
    deps = SimpleNamespace(pool=pool, settings=Settings(), clock=SystemClock())
    app = FastAPI(openapi_url=None)
    add_numbers_page(app, cast(GatewayDeps, deps))

    async def as_analyst(scope: Any, receive: Any, send: Any) -> None:
        scope["speedlead.who"] = _ANALYST
        CURRENT.set(_ANALYST)
        await app(scope, receive, send)

    [port] = free_ports(1)
    server = uvicorn.Server(uvicorn.Config(as_analyst, port=port, log_level="error", lifespan="off"))
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 uvicorn says it in no other way
            await asyncio.sleep(0.02)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=180)) as http:
            yield pool, f"http://127.0.0.1:{port}", http, app.state.figure_columns
    finally:
        app.state.figure_events.close()
        server.should_exit = True
        await task
        await pool.close()
