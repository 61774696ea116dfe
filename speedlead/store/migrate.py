"""Applies `store/migrations/*.sql` in order: dbmate's file format and table, so `dbmate` works on the same database.

One transaction per file (`transaction:false` after `-- migrate:up` for what cannot run in one). A second table keeps
a checksum per file: an applied file that was edited later is refused, because it would mean two different schemas
with one version number. Any number of processes may start at once; one applies, the others wait.
"""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import asyncpg

DIRECTORY = Path(__file__).parent / "migrations"

# any constant of our own; every process that migrates this database uses the same
LOCK_KEY = 7_233_001
LOCK_POLL_S = 0.1
LOCK_TIMEOUT_S = 120.0

_UP = re.compile(r"^--\s*migrate:up(?P<options>[^\n]*)$", re.MULTILINE)
_DOWN = re.compile(r"^--\s*migrate:down[^\n]*$", re.MULTILINE)
_FILE_NAME = re.compile(r"^(?P<version>\d+)_[a-z0-9_]+\.sql$")


class MigrationError(Exception):
    """A file is malformed, was edited after it was applied, or failed; the message names it and what to do."""


@dataclass(frozen=True)
class Migration:
    version: str
    name: str
    up: str
    in_transaction: bool
    checksum: str


def read_migrations(directory: Path = DIRECTORY) -> list[Migration]:
    """All files in the order of their version. Raises MigrationError."""
    found: dict[str, Migration] = {}
    for path in sorted(directory.glob("*.sql")):
        migration = _parse(path)
        if migration.version in found:
            raise MigrationError(f"{path.name} and {found[migration.version].name} have the same version")
        found[migration.version] = migration
    return [found[version] for version in sorted(found, key=int)]


def _parse(path: Path) -> Migration:
    match = _FILE_NAME.match(path.name)
    if match is None:
        raise MigrationError(f"{path.name}: expected a name like 0001_lead_tables.sql")
    text = path.read_text(encoding="utf-8")
    up, down = _UP.search(text), _DOWN.search(text)
    if up is None:
        raise MigrationError(f"{path.name}: no line '-- migrate:up'")
    if down is not None and down.start() < up.start():
        raise MigrationError(f"{path.name}: '-- migrate:down' comes before '-- migrate:up'")
    statements = text[up.end() : down.start() if down else len(text)]
    return Migration(
        version=match["version"],
        name=path.name,
        up=statements,
        in_transaction="transaction:false" not in up["options"],
        # line ends differ between checkouts; the statements do not
        checksum=hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest(),
    )


async def migrate(database_url: str, directory: Path = DIRECTORY) -> list[str]:
    """Apply what is missing; returns the names of the applied files, oldest first. Raises MigrationError."""
    migrations = read_migrations(directory)
    try:
        connection = await asyncpg.connect(database_url)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise MigrationError(f"cannot connect to the database: {error or type(error).__name__}") from error
    try:
        await _lock(connection)
        return await _apply(connection, migrations)
    finally:
        await connection.close()  # gives the lock back


async def pending(database_url: str, directory: Path = DIRECTORY) -> list[str]:
    """Names of files that `migrate` would apply; changes nothing."""
    connection = await asyncpg.connect(database_url)
    try:
        if await connection.fetchval("select to_regclass('schema_migrations')") is None:
            done: set[str] = set()
        else:
            done = {row["version"] for row in await connection.fetch("select version from schema_migrations")}
    finally:
        await connection.close()
    return [m.name for m in read_migrations(directory) if m.version not in done]


async def _lock(connection: asyncpg.Connection) -> None:
    # polled: waiters inside pg_advisory_lock hold a snapshot, with which `create index concurrently` deadlocks
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LOCK_TIMEOUT_S
    while not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK_KEY):
        if loop.time() > deadline:
            raise MigrationError(f"another process has been migrating this database for {LOCK_TIMEOUT_S:.0f} s")
        await asyncio.sleep(LOCK_POLL_S)


async def _apply(connection: asyncpg.Connection, migrations: list[Migration]) -> list[str]:
    await connection.execute(
        "create table if not exists schema_migrations (version varchar primary key);"
        "create table if not exists schema_migration_checksums (version varchar primary key, checksum text not null)"
    )
    done = {row["version"] for row in await connection.fetch("select version from schema_migrations")}
    rows = await connection.fetch("select version, checksum from schema_migration_checksums")
    checksums = {row["version"]: row["checksum"] for row in rows}
    applied: list[str] = []
    for migration in migrations:
        if migration.version in done:
            await _compare(connection, migration, checksums.get(migration.version))
            continue
        await _run(connection, migration)
        applied.append(migration.name)
    return applied


async def _compare(connection: asyncpg.Connection, migration: Migration, checksum: str | None) -> None:
    if checksum is None:  # applied by dbmate: from now on we know the text
        await _record_checksum(connection, migration)
    elif checksum != migration.checksum:
        raise MigrationError(
            f"{migration.name} was edited after it was applied to this database; "
            "undo the edit and put the change into a new file"
        )


async def _run(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        if migration.in_transaction:
            async with connection.transaction():
                await connection.execute(migration.up)
                await _record(connection, migration)
        else:
            # one at a time: several statements in one query string are one implicit transaction
            for statement in split_statements(migration.up):
                await connection.execute(statement)
            await _record(connection, migration)
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{migration.name}: {error}") from error


async def _record(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute("insert into schema_migrations (version) values ($1)", migration.version)
    await _record_checksum(connection, migration)


async def _record_checksum(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "insert into schema_migration_checksums (version, checksum) values ($1, $2)"
        " on conflict (version) do update set checksum = excluded.checksum",
        migration.version,
        migration.checksum,
    )


def split_statements(sql: str) -> list[str]:
    """Statements of a `transaction:false` file: separated by a semicolon at the end of a line, no function bodies."""
    parts = re.split(r";[ \t]*(?:\n|$)", sql)
    return [part.strip() for part in parts if re.sub(r"--[^\n]*", "", part).strip()]
