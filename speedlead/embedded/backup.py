"""Backup of a running `speedlead up`, and its restore: both stores, and the secrets without which they are of no use.

Temporal's store is copied first and Postgres after it, so that in one backup Postgres knows at least as much: whatever
a workflow was told had been written down before.
"""

import asyncio
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from speedlead.credentials import load_or_create
from speedlead.embedded.locks import up_lock
from speedlead.embedded.postgres import DATABASE, Postgres, dsn
from speedlead.embedded.postgres_files import find_programs, major_version, socket_folder
from speedlead.embedded.process import StartError, output_of
from speedlead.embedded.temporal_server import TemporalServer
from speedlead.erasure_list import FILE_NAME, ErasureList, ListRefused, read_house, read_list, write_list
from speedlead.house_mark import HouseMark
from speedlead.restoring import Reconciled, reconcile
from speedlead.settings import Settings
from speedlead.store.migrate import migrate
from speedlead.store.pool import open_pool
from speedlead.store.transactions import transact

MANIFEST = "manifest.json"
DUMP = "postgres.dump"
TEMPORAL = "temporal.db"
ERASURES = FILE_NAME
# what another start makes by itself
_NOT_KEPT = (".lock", "-wal", "-shm", "-journal")
_FORMAT = 1


class BackupError(Exception):
    """What is wrong and what to do, for the person at the keyboard."""


@dataclass(frozen=True)
class Manifest:
    """`*_wall`: from when each store is, ISO 8601; `sha256`: of each file."""

    format: int
    temporal_wall: str
    postgres_wall: str
    postgres_major: int
    sha256: Mapping[str, str]


async def back_up(settings: Settings, folder: Path) -> Manifest:
    """Writes a backup into the new folder `folder`; the servers go on. Raises BackupError, StartError."""
    _embedded_only(settings, "backup")
    if folder.exists():
        raise BackupError(f"{folder}: expected a folder that does not exist yet")
    if not up_lock(settings.data_dir).is_taken():
        raise BackupError(f"{settings.data_dir}: nothing runs on this folder; `speedlead up` first, or copy the folder")
    half = folder.with_name(f"{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700, parents=True)
    temporal_wall = datetime.now(UTC)
    for name in _files(settings.data_dir):
        await asyncio.to_thread(_copy, settings.data_dir / name, half / name)
    postgres_wall = datetime.now(UTC)
    await _dump(settings, half / DUMP)
    await _list_erasures(settings, half / ERASURES)
    manifest = Manifest(
        _FORMAT, temporal_wall.isoformat(), postgres_wall.isoformat(), major_version(find_programs()),
        {file.name: _digest(file) for file in sorted(half.iterdir())},
    )  # fmt: skip
    (half / MANIFEST).write_text(json.dumps(asdict(manifest), indent=2), encoding="utf-8")
    for file in half.iterdir():
        file.chmod(0o600)
    half.rename(folder)  # what has the name is whole
    return manifest


async def restore(
    settings: Settings, folder: Path, *, temporal_from: Path | None = None, erasures: Path | None = None
) -> Reconciled:
    """Puts a backup into the empty data folder and brings both stores together; `speedlead up` goes on from there.

    `temporal_from`: another backup, whose Temporal store is taken. `erasures`: a list of later erasures, which are done
    again. Raises BackupError before a database is there; StartError, when a server does not come up.
    """
    _embedded_only(settings, "restore")
    manifest = read_manifest(folder)
    other = read_manifest(temporal_from) if temporal_from is not None else manifest
    data = settings.data_dir
    if up_lock(data).is_taken():
        raise BackupError(f"{data}: `speedlead up` runs on this folder; stop it first")
    if (data / "postgres").exists() or (data / TEMPORAL).exists():
        raise BackupError(f"{data}: expected a data folder without databases; move it away, it is not overwritten")
    ours = major_version(find_programs())
    if manifest.postgres_major > ours:
        raise BackupError(
            f"{folder}: written by PostgreSQL {manifest.postgres_major}, and the programs here are {ours}"
        )
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = up_lock(data)
    lock.take()
    try:
        for name in manifest.sha256:
            if name not in (DUMP, TEMPORAL, ERASURES):
                _private_copy(folder / name, data / name)
        erased = None if erasures is None else _read_erasures(settings, erasures)
        source = temporal_from or folder
        if TEMPORAL in other.sha256:
            _private_copy(source / TEMPORAL, data / TEMPORAL)
        newer = other.temporal_wall > manifest.postgres_wall
        return await _load(settings, folder / DUMP, temporal_newer=newer, erased=erased)
    finally:
        lock.release()


def read_manifest(folder: Path) -> Manifest:
    """Raises BackupError when it is no backup, or one that was damaged."""
    try:
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise BackupError(f"{folder}: expected a backup, there is no {MANIFEST}") from None
    except (ValueError, TypeError) as error:
        raise BackupError(f"{folder / MANIFEST}: cannot be read: {error}") from None
    if manifest.format != _FORMAT:
        raise BackupError(f"{folder}: format {manifest.format}; this version reads {_FORMAT}")
    for name, digest in manifest.sha256.items():
        if not (folder / name).is_file() or _digest(folder / name) != digest:
            raise BackupError(f"{folder / name}: missing or damaged; take another backup")
    return manifest


def _read_erasures(settings: Settings, file: Path) -> ErasureList:
    try:
        return read_list(file, HouseMark.of(settings, load_or_create(settings.data_dir)))
    except ListRefused as error:
        raise BackupError(str(error)) from None


async def _load(settings: Settings, dump: Path, *, temporal_newer: bool, erased: ErasureList | None) -> Reconciled:
    postgres = Postgres(settings.data_dir)
    temporal = TemporalServer(
        settings.data_dir, port=settings.temporal_port, ui_port=settings.temporal_ui_port,
        namespace=settings.temporal_namespace, virtual_clock=settings.virtual_clock,
    )  # fmt: skip
    await postgres.start()
    try:
        await _program("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={postgres.dsn(DATABASE)}", str(dump))
        if erased is not None:  # an older version did not keep such a list
            await migrate(postgres.dsn(DATABASE))
        await temporal.start()
        try:
            return await reconcile(
                settings, postgres.dsn(DATABASE), temporal_newer=temporal_newer, erased=erased
            )  # fmt: skip
        finally:
            await temporal.stop()
    finally:
        await postgres.stop()


async def _dump(settings: Settings, file: Path) -> None:
    address = dsn(socket_folder(settings.data_dir))
    await _program("pg_dump", "--format=custom", "--no-owner", f"--file={file}", f"--dbname={address}")
    connection = await asyncpg.connect(address)  # a dump of a database without our tables is none
    try:
        if await connection.fetchval("select to_regclass('lead')") is None:
            raise BackupError(f"{settings.data_dir}: the database has no table of leads")
    finally:
        await connection.close()


async def _list_erasures(settings: Settings, file: Path) -> None:
    """For a restore of an older backup than this one."""
    mark = HouseMark.of(settings, load_or_create(settings.data_dir))
    async with await open_pool(dsn(socket_folder(settings.data_dir)), size=2) as pool:
        write_list(file, await transact(pool, lambda conn: read_house(conn, mark)))


async def _program(name: str, *arguments: str) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {"LC_ALL": "C"}
    code, output = await output_of([find_programs() / name, *arguments], env=clean)
    if code != 0:
        raise StartError(f"{name} failed with code {code}\n{output}")


def _files(data_dir: Path) -> list[str]:
    """Everything that lies in the data folder itself, but for locks and logs: databases of one file, and secrets."""
    return sorted(
        file.name for file in data_dir.iterdir()
        if file.is_file() and not file.name.startswith(".") and not file.name.endswith(_NOT_KEPT)
    )  # fmt: skip


def _copy(source: Path, target: Path) -> None:
    if source.suffix != ".db":
        _private_copy(source, target)
        return
    # SQLite's own online backup: one moment of the file, while its server writes on
    before, copy = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30), sqlite3.connect(target)
    try:
        before.backup(copy)
        copy.execute("pragma journal_mode = delete")
    finally:
        copy.close()
        before.close()
    target.chmod(0o600)


def _private_copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o600)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _embedded_only(settings: Settings, what: str) -> None:
    if settings.database_url is not None or not settings.embedded_temporal:
        raise BackupError(
            f"{what}: SPEEDLEAD_DATABASE_URL or SPEEDLEAD_TEMPORAL_ADDRESS names a server of your own, which has tools "
            "of its own; docs/operations.md has the commands"
        )
