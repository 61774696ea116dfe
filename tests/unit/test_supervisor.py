"""A part is brought back whatever went wrong, and nothing about it is left running after `stop`."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from speedlead.embedded import supervisor
from speedlead.embedded.process import Child, StartError, spawn
from speedlead.embedded.supervisor import Supervisor


class Part:
    """A process that sleeps; `failures` are raised by the next starts, one each."""

    name = "part"

    def __init__(self, folder: Path) -> None:
        self.child: Child | None = None
        self.failures: list[Exception] = []
        self.starts = 0
        self._log = folder / "part.log"

    async def start(self) -> None:
        self.starts += 1
        if self.failures:
            raise self.failures.pop(0)
        self.child = await spawn(self.name, ["sleep", "60"], self._log)

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop()
            self.child = None


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE_S", 0.04)


async def test_it_comes_back_after_failed_starts_of_any_kind(tmp_path: Path) -> None:
    part, lines = Part(tmp_path), list[str]()
    watched = Supervisor(part, lambda name, line: lines.append(line))
    await watched.start()
    part.failures = [StartError("no port\nlong log"), RuntimeError("a bug"), OSError()]
    watched.kill()
    assert not watched.ready.is_set()
    await asyncio.wait_for(watched.ready.wait(), 10)
    await watched.stop()
    assert lines == [
        "starting",
        "ready",
        "was killed by SIGKILL; starting it again",
        "no port; next try in 0.0 s",
        "a bug; next try in 0.0 s",
        "OSError; next try in 0.0 s",
        "ready again",
    ]


async def test_the_first_start_fails_loudly(tmp_path: Path) -> None:
    part = Part(tmp_path)
    part.failures = [StartError("no port")]
    with pytest.raises(StartError, match="no port"):
        await Supervisor(part, lambda name, line: None).start()
    assert part.starts == 1


async def test_stop_ends_the_process_and_the_watch(tmp_path: Path) -> None:
    part = Part(tmp_path)
    watched = Supervisor(part, lambda name, line: None)
    await watched.start()
    pid = watched.pid
    await watched.stop()
    await asyncio.sleep(0.1)
    assert part.starts == 1
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(LookupError):
        _ = watched.pid
    with pytest.raises(LookupError):
        watched.kill()


async def test_stop_while_it_is_being_brought_back(tmp_path: Path) -> None:
    part = Part(tmp_path)
    watched = Supervisor(part, lambda name, line: None)
    await watched.start()
    part.failures = [StartError("never")] * 1000
    watched.kill()
    await asyncio.sleep(0.2)
    await asyncio.wait_for(watched.stop(), 5)
    starts = part.starts
    await asyncio.sleep(0.2)
    assert part.starts == starts


async def test_a_process_that_ignores_the_signal_is_killed_with_its_group(tmp_path: Path) -> None:
    child = await spawn("stubborn", ["sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"], tmp_path / "x.log")
    await asyncio.sleep(0.2)
    await asyncio.wait_for(child.stop(((signal.SIGTERM, 0.2),)), 5)
    assert child.exit_code == -signal.SIGKILL
    assert await gone(child.pid)


async def gone(group: int) -> bool:
    """Whether no process of the group is left, after at most two seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        await asyncio.sleep(0.02)
    return False
