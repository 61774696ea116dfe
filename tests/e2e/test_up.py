"""`speedlead up` as a person runs it: one command, addresses on the screen, survives deaths, stops cleanly."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from speedlead.settings import Settings
from tests.servers import local_settings


class Up:
    """A running `speedlead up` and what it has printed so far."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.output = folder / "up.txt"
        # a relative data folder and a working folder elsewhere
        environment = os.environ | settings.to_environment() | {"SPEEDLEAD_DATA_DIR": "da ta"}
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "speedlead", "up"],
                cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str, times: int = 1, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while self.text().count(words) < times:
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.05)

    def children(self) -> dict[str, int]:
        """Part -> process id, read from the kernel's list of children."""
        found: dict[str, int] = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            for pid in (task / "children").read_text().split():
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                program = Path(command[0].decode()).name
                found[command[-2].decode() if program.startswith("python") else program] = int(pid)
        return found


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(local_settings(tmp_path / "da ta"), tmp_path)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)


def test_one_command_starts_everything_and_ctrl_c_stops_it(up: Up) -> None:
    up.wait_for("Ctrl-C stops everything")
    for name in ("demo form", "rep page", "operations", "messages sent", "Temporal UI"):
        assert name in up.text()
    assert f"http://127.0.0.1:{up.settings.http_port}/sign-in/link/" in up.text()
    assert get(f"http://127.0.0.1:{up.settings.http_port}/readyz") == 200
    assert get(f"http://127.0.0.1:{up.settings.http_port}/form") == 200
    assert get(f"http://127.0.0.1:{up.settings.sandbox_port}/healthz") == 200
    children = up.children()
    assert set(children) == {"postgres", "temporal", "sandbox", "app"}
    started = time.monotonic()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(30) == 0, up.text()
    assert time.monotonic() - started < 12
    assert [name for name, pid in children.items() if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.kill
@pytest.mark.parametrize("part", ["app", "sandbox", "temporal", "postgres"])
def test_a_killed_part_comes_back(up: Up, part: str) -> None:
    up.wait_for("Ctrl-C stops everything")
    before = up.children()[part]
    os.kill(before, signal.SIGKILL)
    up.wait_for("was killed by SIGKILL; starting it again")
    up.wait_for("ready again")
    assert up.children()[part] != before
    deadline = time.monotonic() + 30
    while True:  # the app may need a moment until its connections are back
        try:
            if get(f"http://127.0.0.1:{up.settings.http_port}/readyz") == 200:
                break
        except OSError:
            assert time.monotonic() < deadline, up.text()
            time.sleep(0.1)


def test_a_taken_port_is_named_and_nothing_starts(tmp_path: Path) -> None:
    settings = local_settings(tmp_path / "da ta")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", settings.http_port))
        taken.listen()
        running = Up(settings, tmp_path)
        assert running.process.wait(30) == 2
    assert f"SPEEDLEAD_HTTP_PORT: port {settings.http_port} is in use" in running.text()
    assert not (tmp_path / "da ta" / "postgres").exists()


def test_a_wrong_setting_is_one_line(tmp_path: Path) -> None:
    environment = os.environ | {"SPEEDLEAD_HTTP_PORT": "abc"}
    done = subprocess.run(
        [sys.executable, "-m", "speedlead", "up"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "SPEEDLEAD_HTTP_PORT: expected a port number 1..65535, got 'abc'\n"


def test_a_part_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    settings = local_settings(tmp_path / "da ta")
    (tmp_path / "da ta").mkdir()
    (tmp_path / "da ta" / "temporal.db").write_text("not a database, and long enough to be looked at as one")
    running = Up(settings, tmp_path)
    assert running.process.wait(60) == 1
    assert "temporal ended at its start with code" in running.text()
    assert "--- end of " in running.text()
