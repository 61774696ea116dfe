"""Leads that the release before began finish under this one, and nothing goes twice.

The release before is taken from the repository's history and runs as it was, with its own schema, on its own processes.
"""

import asyncio
import io
import json
import signal
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from speedlead.credentials import load_or_create
from speedlead.embedded.postgres import dsn
from speedlead.embedded.postgres_files import socket_folder
from speedlead.embedded.python_part import child_environment
from speedlead.embedded.stack import Stack
from speedlead.settings import Settings
from tests.e2e.house import ALWAYS, House
from tests.servers import local_settings

pytestmark = [pytest.mark.kill, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
PREVIOUS = "7f7c7f1"
"""The release before this one: a commit. With every release it is the one that is then running."""
# what it is told; it refuses settings that are newer than it
KNOWN = {f"SPEEDLEAD_{name}" for name in ("DATA_DIR", "HTTP_PORT", "SANDBOX_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT",
                                          "PLAN_FILE", "LAW_FILE")}  # fmt: skip
LEADS = ("hot", "warm", "cold", "hot", "warm", "cold")


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files."""
    got = subprocess.run(["git", "archive", PREVIOUS], cwd=ROOT, capture_output=True, check=False)
    if got.returncode:
        pytest.skip(f"the release before, {PREVIOUS}, is not in this copy of the repository")
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(got.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


@asynccontextmanager
async def running_previous(files: Path, settings: Settings, log: Path) -> AsyncIterator[Stack]:
    """`speedlead up` of the release before, in the data folder of `settings`; stopped as a person would stop it."""
    known = {name: value for name, value in settings.to_environment().items() if name in KNOWN}
    environment = child_environment(known) | {"PYTHONPATH": str(files)}
    with log.open("wb") as out:
        up = subprocess.Popen(
            [sys.executable, "-P", "-m", "speedlead", "up"],
            cwd=files, env=environment, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        await _ready(settings, up, log)
        yield Outside(settings)
    finally:
        up.send_signal(signal.SIGTERM)
        await asyncio.to_thread(up.wait, 60)


class Outside(Stack):
    """A stack that somebody else runs."""

    @property
    def database_url(self) -> str:
        return dsn(socket_folder(self.data_dir))


async def _ready(settings: Settings, up: "subprocess.Popen[bytes]", log: Path) -> None:
    async with asyncio.timeout(90), aiohttp.ClientSession() as http:
        while True:
            assert up.poll() is None, log.read_text()[-2000:]
            try:
                async with http.get(f"{settings.public_url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


@asynccontextmanager
async def house_of(stack: Stack) -> AsyncIterator[House]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
        yield House(stack, http, load_or_create(stack.data_dir).api_key.get_secret_value())


async def test_leads_of_the_release_before_finish_under_this_one(previous: Path, tmp_path: Path) -> None:
    plans = previous / "tests/e2e/plans"
    settings = local_settings(tmp_path / "data", plan_file=plans / "fast.yaml", law_file=plans / "no_limits.yaml")
    async with (
        running_previous(previous, settings, tmp_path / "previous.log") as stack,
        house_of(stack) as house,
    ):
        connection = await asyncpg.connect(stack.database_url)
        await connection.execute("update rep set weekly = $1::text::jsonb", json.dumps(ALWAYS))
        await connection.close()
        leads = await house.submit(*LEADS)

        async def under_way() -> bool:
            done = [t for t in await house.touches(leads) if t["purpose"] == "plan" and t["state"] == "sent"]
            return len(done) >= len(leads) // 2

        await house.until("the cadences are under way", under_way, 60)
        closed = await house.fetch("select id, source from lead where closed_at is not null")
        assert [row["id"] for row in closed if row["source"] != "flow_check"] == []
    async with Stack(settings) as stack, house_of(stack) as house:
        await house.all_closed(leads, 180)
        house.assert_nothing_went_twice(leads)
        # the new release goes on with some as they were, or from their rows; none is left to a person
        again = await house.fetch("select lead_id from story where kind = 'restarted' and reason = 'code_changed'")
        sys.stdout.write(f"{len(again)} of {len(leads)} leads were started again from their rows\n")
        told = await house.fetch("select reason from notice where kind = 'workflows_failing'")
        assert told == []
        ways = {row["step"] for row in await house.touches(leads) if row["state"] in ("sent", "in_doubt")}
        assert {"ack-1", "call-1", "email-1", "email-2"} <= ways
        [late] = await house.submit("warm")
        await house.all_closed([late], 60)
