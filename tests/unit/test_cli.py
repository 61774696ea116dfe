"""The command line: quick to ask, clear when something is missing."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from speedlead.settings import variables


def speedlead(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "speedlead", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from speedlead import cli; cli._mount()\n"
        "print([name for name in ('temporalio', 'asyncpg', 'pydantic', 'fastapi', 'twilio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    "command", ["up", "worker", "gateway", "sandbox", "migrate", "doctor", "demo", "settings", "calendar"]
)
def test_every_command_has_help(command: str) -> None:
    done = speedlead(command, "--help")
    assert done.returncode == 0
    assert "Usage: speedlead" in done.stdout


def test_the_table_of_settings_has_every_variable_and_no_value_in_use() -> None:
    done = speedlead("settings", SPEEDLEAD_DATABASE_URL="postgresql://me:hunter2@db/x")
    assert done.returncode == 0
    assert all(f"| `{name}` |" in done.stdout for name in variables())
    assert "hunter2" not in done.stdout


@pytest.mark.parametrize("command", ["migrate", "worker", "gateway", "app"])
def test_a_command_that_needs_a_database_says_so(command: str) -> None:
    done = speedlead(command)
    assert done.returncode == 2
    assert done.stderr.startswith("SPEEDLEAD_DATABASE_URL: expected for this command")


def test_an_unreachable_database_is_one_line() -> None:
    done = speedlead("migrate", SPEEDLEAD_DATABASE_URL="postgresql://me:hunter2@127.0.0.1:1/x")
    assert done.returncode == 1
    assert done.stderr.startswith("cannot connect to the database")
    assert "hunter2" not in done.stderr


def test_zone_rules_come_from_the_pinned_package() -> None:
    code = (
        "import sys, zoneinfo; from speedlead import cli\n"
        "cli._mount = lambda: None\n"
        "cli.app = lambda **_: print(zoneinfo.TZPATH, zoneinfo.ZoneInfo('Europe/Berlin'))\n"
        "cli.main()"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONTZPATH"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.stdout == "() Europe/Berlin\n"


def test_credentials_that_others_can_read_stop_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text("{}")
    (tmp_path / "credentials.json").chmod(0o644)
    done = speedlead("sandbox", SPEEDLEAD_DATA_DIR=str(tmp_path))
    assert done.returncode == 2
    assert "others may read it" in done.stderr


def test_a_wrong_setting_stops_every_process(tmp_path: Path) -> None:
    for command in ("up", "worker", "gateway", "sandbox", "migrate", "doctor"):
        done = speedlead(command, SPEEDLEAD_HTTP_PORT="abc")
        assert done.returncode == 2, command
        assert done.stderr == "SPEEDLEAD_HTTP_PORT: expected a port number 1..65535, got 'abc'\n"


@pytest.mark.parametrize(
    ("command", "setting"), [("gateway", "SPEEDLEAD_HTTP_PORT"), ("sandbox", "SPEEDLEAD_SANDBOX_PORT")]
)
def test_a_port_in_use_is_one_line_that_names_the_setting(command: str, setting: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = speedlead(
            command,
            SPEEDLEAD_DATA_DIR=str(tmp_path),
            SPEEDLEAD_DATABASE_URL="postgresql://nobody@127.0.0.1:1/x",
            **{setting: port},
        )
    assert done.returncode == 2
    assert done.stderr.strip() == f"{setting}: port {port} is in use; stop what uses it or set {setting} to a free port"


def test_a_database_that_does_not_answer_is_one_line_that_names_the_setting(tmp_path: Path) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/x"
    done = speedlead("worker", SPEEDLEAD_DATA_DIR=str(tmp_path), SPEEDLEAD_DATABASE_URL=nowhere)
    assert done.returncode == 2
    assert done.stderr.startswith("SPEEDLEAD_DATABASE_URL: the database does not answer: ")
    assert len(done.stderr.strip().splitlines()) == 1


def test_json_is_for_the_accounts_alone() -> None:
    done = speedlead("doctor", "--json")
    assert (done.returncode, done.stderr) == (2, "--json: expected together with --live\n")


def test_a_task_queue_that_there_is_not_is_named(tmp_path: Path) -> None:
    environment = {
        "SPEEDLEAD_DATA_DIR": str(tmp_path),
        "SPEEDLEAD_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    }
    done = speedlead("worker", "--queues", "leads,mails", **environment)
    assert done.returncode == 2
    assert done.stderr == (
        "--queues: expected some of leads, messages, texts, voice, separated by commas, got 'mails'\n"
    )
