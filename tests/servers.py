"""Real servers for tests: started once, thrown away with the session. Nothing here listens on a fixed port."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path

import asyncpg
from temporalio.testing import WorkflowEnvironment

from speedlead.embedded.locks import FolderLock
from speedlead.embedded.ports import free_ports
from speedlead.embedded.postgres import Postgres
from speedlead.embedded.temporal_server import find_program, server_flags
from speedlead.settings import Settings
from speedlead.store.migrate import migrate
from speedlead.temporal import DATA_CONVERTER

TEMPLATE = "template_migrated"
MEMORY, PREFIX = Path("/dev/shm"), "speedlead-tests-"
# a write-ahead log of up to 256 MB and a few databases of 10 MB for each process of the tests, with room to spare
ENOUGH = 2 << 30


@contextmanager
def quick_folder(otherwise: Path) -> Iterator[Path]:
    """A folder in memory, where a copy of a database takes a quarter of the time; `otherwise` where there is none."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ENOUGH:
        yield otherwise
        return
    _sweep()
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _sweep() -> None:
    """Takes away what a session that was killed has left in memory."""
    for left in MEMORY.glob(f"{PREFIX}*"):
        lock = left / "postgres.lock"
        if lock.exists() and not FolderLock(lock, "").is_taken():
            shutil.rmtree(left, ignore_errors=True)


class TestDatabases:
    """A server with one migrated template; a copy of it takes some 20 ms."""

    __test__ = False  # pytest: a helper, not a test class

    def __init__(self, postgres: Postgres) -> None:
        self.postgres = postgres
        self._numbers = count(1)

    async def prepare(self) -> None:
        await self.execute(f"create database {TEMPLATE}")
        await migrate(self.postgres.dsn(TEMPLATE))

    async def execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.postgres.dsn("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    @asynccontextmanager
    async def fresh(self, template: str = TEMPLATE) -> AsyncIterator[str]:
        """Address of a database of one's own; dropped at the end whoever is still connected."""
        name = f"test_{next(self._numbers)}"
        await self.execute(f"create database {name} template {template} strategy file_copy")
        try:
            yield self.postgres.dsn(name)
        finally:
            await self.execute(f"drop database {name} with (force)")


@asynccontextmanager
async def databases(folder: Path) -> AsyncIterator[TestDatabases]:
    postgres = Postgres(folder, durable=False)
    await postgres.start()
    try:
        made = TestDatabases(postgres)
        await made.prepare()
        yield made
    finally:
        await postgres.stop()


@asynccontextmanager
async def skipping_temporal() -> AsyncIterator[WorkflowEnvironment]:
    """A dev server in memory whose workflows skip time, with our search attributes and data converter."""
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(find_program()),
        dev_server_log_level="never",
        dev_server_extra_args=server_flags(virtual_clock=True),
        data_converter=DATA_CONVERTER,
    )
    async with environment:
        yield environment


def local_settings(folder: Path, **changes: object) -> Settings:
    """Settings for a stack in `folder` on free ports, whatever the environment says."""
    http, sandbox, temporal, ui = free_ports(4)
    values: dict[str, object] = {
        "data_dir": folder,
        "http_port": http,
        "sandbox_port": sandbox,
        "temporal_port": temporal,
        "temporal_ui_port": ui,
        # a test that wants it asks for it
        "flow_check": False,
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]
