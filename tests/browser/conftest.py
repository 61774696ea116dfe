"""The pages in a real Chromium, against a real Postgres with rows made by hand. Nothing may leave this machine."""

import asyncio
import contextlib
import shutil
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import asyncpg
import pytest
import uvicorn
from playwright.sync_api import BrowserContext, Page

from speedlead.booking.offers import Offers
from speedlead.contracts import LeadStart, LeadStatus
from speedlead.credentials import load_or_create
from speedlead.domain.booking import BookingRules
from speedlead.gateway.app import create_app
from speedlead.gateway.deps import GatewayDeps
from speedlead.planbook import load_plan
from speedlead.returns import Returns
from speedlead.store.pool import open_pool
from speedlead.watch.ready import Ready
from tests import servers
from tests.desks import CALENDARS, PLACER, PLACES, desk_on
from tests.signing_in import link_path
from tests.store.hand_made import NOW, FixedClock, put_house

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
# quiet: a browser that looks for updates would be a request that leaves the machine
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run"]  # fmt: skip


class Recorder:
    """Stands in for the running leads: keeps what was asked, and answers with what a test put there."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.delivered: list[str] = []
        self.problem: Exception | None = None
        self.forgets = True

    async def update(self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None) -> LeadStatus:
        self.asked.append((lead_id, name, payload))
        if self.problem is not None:
            raise self.problem
        return LeadStatus(
            lead_id=lead_id, stage="attempting", lead_type="hot", owner_id=None, next_step=None, next_at=None,
            why="paused", paused_until=None, plan="inbound:1", rejected_messages=0,
        )  # fmt: skip

    async def runs(self, lead_id: str) -> bool:
        return False

    async def forget(self, lead_id: str) -> bool:
        return self.forgets

    async def deliver_now(self, lead_id: str) -> None:
        self.delivered.append(lead_id)

    async def start_now(self, start: LeadStart) -> None:
        self.delivered.append(start.lead_id)

    async def redirect(self, call_id: str, url: str) -> NoReturn:
        raise AssertionError("no page steers a call")

    async def hang_up(self, call_id: str) -> NoReturn:
        raise AssertionError("no page steers a call")

    async def claim_lead_leg(self, leg_id: str) -> NoReturn:
        raise AssertionError("no page dials")

    async def ready(self) -> Ready:
        return Ready({})


class Site:
    """The app in a thread with a loop of its own: Playwright keeps this thread's loop."""

    def __init__(self, databases: servers.TestDatabases, folder: Path) -> None:
        self.databases, self.settings = databases, servers.local_settings(folder, company_name="Acme")
        self.recorder = Recorder()
        self.url = f"http://127.0.0.1:{self.settings.http_port}"
        self.pool: Any = None
        self._loop: Any = None
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with self.databases.fresh() as url, self._opened(url) as pool:
            self.pool = pool
            deps = GatewayDeps(
                pool=pool, settings=self.settings, credentials=load_or_create(self.settings.data_dir),
                clock=FixedClock(), plan=load_plan(), relay=self.recorder, leads=self.recorder, leg_gate=self.recorder,
                returns=Returns(PLACER, PLACES, load_plan()), ready=self.recorder.ready,
                desk=desk_on(pool, FixedClock().wall), line=self.recorder,
                offers=Offers(PLACER, PLACES, load_plan(), CALENDARS, BookingRules()),
            )  # fmt: skip
            config = uvicorn.Config(create_app(deps), port=self.settings.http_port, log_level="warning", lifespan="off")
            self._server = uvicorn.Server(config)
            await self._server.serve()

    @staticmethod
    @asynccontextmanager
    async def _opened(url: str) -> AsyncIterator[Any]:
        pool = await open_pool(url, size=4)
        try:
            yield pool
        finally:
            await pool.close()

    def start(self) -> None:
        self._thread.start()
        deadline = time.monotonic() + 20
        while self._server is None or not self._server.started:
            assert self._thread.is_alive(), "the app did not start"
            assert time.monotonic() < deadline, "the app did not start in time"
            time.sleep(0.02)

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
        self._thread.join(20)

    def reset(self) -> None:
        """Only the rows made by hand."""
        self.recorder.asked.clear()
        self.recorder.delivered.clear()
        self.recorder.problem, self.recorder.forgets = None, True
        self.empty("person, rep, plan")
        asyncio.run_coroutine_threadsafe(self._fill(), self._loop).result(20)

    def empty(self, tables: str) -> None:
        """A page of the test before may still read them: of two that wait for each other, Postgres ends one."""
        for _ in range(5):
            with contextlib.suppress(asyncpg.DeadlockDetectedError):
                self.run(f"truncate {tables} cascade")
                return
        pytest.fail(f"{tables}: somebody reads them all the time")

    async def _fill(self) -> None:
        async with self.pool.acquire() as connection, connection.transaction():
            await put_house(connection)

    def sign_in(self, context: BrowserContext, role: str = "admin", rep_id: str | None = None) -> None:
        """From now on the browser is somebody of this role; with `rep_id` it is the rep's own account."""
        link = link_path(self.pool, NOW, role, rep_id)
        path = asyncio.run_coroutine_threadsafe(link, self._loop).result(20)
        assert context.request.post(self.url + path, headers={"Origin": self.url}).ok

    def run(self, statement: str, *values: Any) -> list[Any]:
        """Rows of one statement."""
        found: list[Any] = asyncio.run_coroutine_threadsafe(self.pool.fetch(statement, *values), self._loop).result(20)
        return found


@pytest.fixture(scope="session", autouse=True)
def whole_site(test_databases: servers.TestDatabases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: install the package `chromium`")
    site = Site(test_databases, tmp_path_factory.mktemp("site"))
    site.start()
    yield site
    site.stop()


@pytest.fixture
def site(whole_site: Site) -> Site:
    whole_site.reset()
    return whole_site


@pytest.fixture(scope="session")
def base_url(whole_site: Site) -> str:
    return whole_site.url


@pytest.fixture(scope="session")
def browser_type_launch_args(whole_site: Site, browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture
def page(context: BrowserContext, site: Site) -> Iterator[Page]:
    """A page of an admin; it fails the test when something leaves 127.0.0.1, or a script or the policy complains."""
    left: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda r: None if urlsplit(r.url).hostname == "127.0.0.1" else left.append(r.url))
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    site.sign_in(context)
    opened = context.new_page()
    opened.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
    opened.complaints = complaints  # type: ignore[attr-defined]
    yield opened
    assert left == []
    assert complaints == []
