"""Readiness on real servers: each thing that can be wrong is made wrong, is named, and is well again afterwards."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr
from temporalio import activity
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from speedlead.doctor import findings
from speedlead.embedded.ports import free_ports
from speedlead.embedded.postgres import Postgres
from speedlead.store.fitness import write_and_ask_time
from speedlead.store.migrate import migrate
from speedlead.store.pool import open_pool
from speedlead.temporal import connect
from speedlead.watch.readiness import Readiness
from tests.servers import local_settings


class ShiftedClock:
    def __init__(self, by: timedelta = timedelta()) -> None:
        self.by = by

    def wall(self) -> datetime:
        return datetime.now(UTC) + self.by

    def business(self, offset_us: int) -> datetime:
        return self.wall() + timedelta(microseconds=offset_us)


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator["asyncpg.Pool[Any]"]:
    opened = await open_pool(database_url, size=4)
    yield opened
    await opened.close()


def readiness(pool: Any, client: Client, clock: ShiftedClock | None = None, works: tuple[str, ...] = ()) -> Readiness:
    return Readiness(pool, client, clock or ShiftedClock(), works=works)


async def test_what_is_well_is_ready_and_says_nothing(pool: Any, temporal_env: WorkflowEnvironment) -> None:
    ready = await readiness(pool, temporal_env.client).ask()
    assert ready.said() == {"ready": True, "parts": {"postgres": True, "temporal": True, "migrations": True}}


async def test_a_migration_that_is_missing_is_named(pool: Any, temporal_env: WorkflowEnvironment) -> None:
    asked = readiness(pool, temporal_env.client)
    await pool.execute("delete from schema_migrations where version = '20261122000250'")
    ready = await asked.ask()
    assert (ready.ok, ready.why) == (False, {"migrations": "not applied: 20261122000250_figures.sql"})
    await pool.execute("insert into schema_migrations values ('20261122000250')")
    assert (await asked.ask()).ok


async def test_a_database_that_only_reads_is_not_enough(
    pool: Any, database_url: str, temporal_env: WorkflowEnvironment
) -> None:
    name = await pool.fetchval("select current_database()")
    await pool.execute(f'alter database "{name}" set default_transaction_read_only = on')
    standby = await open_pool(database_url, size=2)
    ready = await readiness(standby, temporal_env.client).ask()
    await standby.close()
    assert (ready.ok, ready.why) == (False, {"postgres": "is read-only"})


@pytest.mark.parametrize(("by", "said"), [(3, "ahead of"), (-3, "behind")])
async def test_a_clock_that_is_off_is_named_and_the_process_goes_on(
    pool: Any, temporal_env: WorkflowEnvironment, by: int, said: str
) -> None:
    asked = readiness(pool, temporal_env.client, ShiftedClock(timedelta(seconds=by)))
    ready = await asked.ask()
    assert ready.ok
    assert ready.said()["degraded"] == ["clock"]
    assert f" s {said} the database" in ready.why["clock"]
    assert asked.skew_s == pytest.approx(by, abs=0.9)


async def test_a_server_that_does_not_answer_is_named(pool: Any) -> None:
    nobody = await connect(f"127.0.0.1:{free_ports(1)[0]}", lazy=True)
    ready = await readiness(pool, nobody).ask()
    assert ready.parts["temporal"] is False
    assert ready.why["temporal"].startswith("does not answer (")
    assert ready.parts["postgres"] is True


async def test_a_worker_is_ready_when_it_polls_what_it_serves(pool: Any, temporal_env: WorkflowEnvironment) -> None:
    @activity.defn
    async def nothing() -> None: ...

    asked = readiness(pool, temporal_env.client, works=("voice",))
    assert (await asked.ask()).why == {"worker": "does not poll voice"}
    async with Worker(temporal_env.client, task_queue="voice", activities=[nothing]):
        for _ in range(50):
            if (ready := await asked.ask()).ok:
                break
            await asyncio.sleep(0.1)
        assert ready.parts["worker"] is True


# ── a full disk ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=160m", "tmpfs", folder], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path, leave: int) -> None:
    """All but some bytes: with none at all Postgres cannot even open a connection, which is found by itself."""
    with file.open("wb", buffering=0) as growing:
        while (free := shutil.disk_usage(file.parent).free) > leave:
            growing.write(bytes(min(free - leave, 2**20)))


async def test_a_full_disk_is_found_before_a_form_is_and_goes_by_itself(
    small_disk: Path, temporal_env: WorkflowEnvironment
) -> None:
    server = Postgres(small_disk / "data", durable=False)
    await server.start()
    try:
        await migrate(server.dsn())
        pool = await open_pool(server.dsn(), size=2)
        asked = readiness(pool, temporal_env.client)
        assert (await asked.ask()).ok
        filler = small_disk / "filler"
        fill(filler, leave=64 * 1024)
        with pytest.raises(asyncpg.DiskFullError):
            async with pool.acquire() as conn:
                await write_and_ask_time(conn, ShiftedClock().wall)
        again = readiness(pool, temporal_env.client)
        ready = await again.ask()
        assert (ready.ok, ready.why) == (False, {"postgres": "does not take writes (DiskFullError)"})
        filler.unlink()
        assert (await again.ask()).ok
        await pool.close()
    finally:
        await server.stop()


# ── the doctor says the same ─────────────────────────────────────────────────────────────────────────────────────────


async def test_the_doctor_says_what_readiness_says(
    pool: Any, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = local_settings(tmp_path, database_url=SecretStr(database_url))

    async def said() -> dict[str, tuple[bool | None, str]]:
        return {found.what: (found.ok, found.detail) async for found in findings(settings)}

    well = await said()
    assert well["database writes"] == (True, "taken")
    assert well["clock"][0] is True
    monkeypatch.setattr("speedlead.clock.SystemClock.wall", lambda _: datetime.now(UTC) - timedelta(seconds=5))
    clock = (await said())["clock"]
    assert clock[0] is False
    assert clock[1].endswith("s behind the database")
    name = await pool.fetchval("select current_database()")
    await pool.execute(f'alter database "{name}" set default_transaction_read_only = on')
    assert (await said())["database writes"] == (False, "it is read-only: the address leads to a standby")
