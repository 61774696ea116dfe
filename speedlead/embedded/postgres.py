"""A PostgreSQL server of our own below the data folder: no TCP port, no password, nobody else may connect.

Its socket lies in a folder with mode 0700; that, not a password, keeps others out.
"""

import asyncio
import os
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

import asyncpg

from speedlead.embedded import leftovers
from speedlead.embedded.locks import FolderLock
from speedlead.embedded.postgres_files import RunAs, find_programs, give_to, major_version, run_as, socket_folder
from speedlead.embedded.process import Child, StartError, output_of, spawn

DATABASE = "speedlead"
READY_S = 90.0  # crash recovery of a big write-ahead log takes its time
STOP_STEPS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0))  # fast, then immediate: both are safe for the data

INITDB = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C")
INITDB_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")  # version 17 and newer
SERVER = {
    "listen_addresses": "",
    "port": "5432",  # only part of the socket's name
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_statement": "none",  # statements hold personal data
    "log_min_error_statement": "panic",
}
# for tests: a power cut may eat the data
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "256MB"}


class Postgres:
    """`durable=False` is for tests. `start` raises StartError; `dsn` works as soon as it has returned."""

    name = "postgres"

    def __init__(self, data_dir: Path, *, durable: bool = True, account: RunAs | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.cluster = self.data_dir / "postgres"
        self.durable = durable
        self.child: Child | None = None
        self._account = account
        self._log = self.data_dir / "logs" / "postgres.log"
        self._lock = FolderLock(self.data_dir / "postgres.lock", "another process runs the database in this folder")
        self._sockets: Path | None = None

    def dsn(self, database: str = DATABASE) -> str:
        """A connection address that asyncpg, psycopg and psql read. Only after `start`."""
        if self._sockets is None:
            raise RuntimeError("Postgres was not started")
        return dsn(self._sockets, database)

    async def start(self) -> None:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock.take()
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop(STOP_STEPS)
            self.child = None
        self._lock.release()

    async def _start(self) -> None:
        programs = find_programs()
        account = self._account or run_as()
        self._sockets = socket_folder(self.data_dir)
        await asyncio.to_thread(leftovers.clear, self.cluster)
        if not (self.cluster / "PG_VERSION").exists():
            await self._create_cluster(programs, account)
        self._check_version(programs)
        if account.owner is not None:
            give_to(account.owner, self.data_dir, [self.cluster, self._sockets])
        options = SERVER | ({} if self.durable else NOT_DURABLE)
        quoted = str(self._sockets).replace('"', '""')
        options["unix_socket_directories"] = f'"{quoted}"'
        options["unix_socket_permissions"] = "0700"
        self.child = await spawn(
            self.name,
            [
                *account.prefix,
                programs / "postgres",
                "-D",
                self.cluster,
                *[part for key, value in options.items() for part in ("-c", f"{key}={value}")],
            ],
            self._log,
            environment=_environment(),
            folder=self.cluster,
            dies_by=signal.SIGINT,
            before_exec=account.before_exec,
        )
        await self._ready(self.child)

    async def _create_cluster(self, programs: Path, account: RunAs) -> None:
        # made aside and moved into place: a start that is killed here leaves nothing that looks like a database
        new = self.cluster.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        if account.owner is not None:
            give_to(account.owner, self.data_dir, [new])
        locale = INITDB_LOCALE if major_version(programs) >= 17 else ()
        flags = [*INITDB, *locale, *([] if self.durable else ["--no-sync"])]
        code, output = await output_of(
            [*account.prefix, programs / "initdb", "-D", new, *flags],
            env=_environment(),
            preexec_fn=account.before_exec,
            cwd=new,
        )
        if code != 0:
            raise StartError(f"{self.name} could not make its data folder {self.cluster}\n{output}")
        new.rename(self.cluster)

    def _check_version(self, programs: Path) -> None:
        found = (self.cluster / "PG_VERSION").read_text(encoding="utf-8").strip()
        ours = str(major_version(programs))
        if found != ours:
            raise StartError(
                f"{self.cluster} was made by PostgreSQL {found} and the installed programs are {ours}: "
                "install the older programs, or dump the database with them and load it into a new data folder"
            )

    async def _ready(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_S
        while True:
            try:
                connection = await asyncpg.connect(self.dsn("postgres"), timeout=5)
                break
            except (OSError, asyncpg.PostgresError, TimeoutError):
                if child.exit_code is not None:
                    raise child.failure(f"ended at its start with code {child.exit_code}") from None
                if loop.time() > deadline:
                    raise child.failure(f"was not ready after {READY_S:.0f} s") from None
                await asyncio.sleep(0.02)
        try:
            if not await connection.fetchval("select 1 from pg_database where datname = $1", DATABASE):
                await connection.execute(f'create database "{DATABASE}"')
        finally:
            await connection.close()


def dsn(sockets: Path, database: str = DATABASE) -> str:
    """Address of the server whose socket lies in the folder `sockets`."""
    return f"postgresql://postgres@/{quote(database)}?host={quote(str(sockets))}&port=5432"


def _environment() -> dict[str, str]:
    # PG* variables of the person at the keyboard must not steer our server
    return {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C", "TZ": "UTC"}
