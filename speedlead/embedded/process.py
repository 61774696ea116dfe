"""One child process: own group, own log file, and it never outlives the process that started it (Linux)."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

LOG_BYTES = 10_000_000

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartError(Exception):
    """A part did not come up; the message is for the screen, with the end of the part's log."""


class Child:
    """A running process. `wait` gives its exit code; a negative one is the signal that killed it."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode

    async def wait(self) -> int:
        return await self._process.wait()

    def send(self, number: int) -> None:
        if self.exit_code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def stop(self, steps: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 8.0),)) -> None:
        """Send each signal and wait its seconds; then kill what is left of the group."""
        for number, seconds in steps:
            self.send(number)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), seconds)
                break
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await self.wait()

    def failure(self, what: str) -> StartError:
        return StartError(f"{self.name} {what}\n{tail(self.log)}")


async def spawn(
    name: str,
    command: Sequence[str | Path],
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    dies_by: signal.Signals = signal.SIGTERM,
    before_exec: Callable[[], None] | None = None,
) -> Child:
    """Start `command`, output appended to `log`. `dies_by` is what it gets when this process dies, even by SIGKILL."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _rotate(log)
    parent = os.getpid()

    def prepare() -> None:
        os.umask(0o077)
        if before_exec is not None:
            before_exec()  # may change the user, which would clear what follows
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(dies_by))
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

    with log.open("ab") as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *[os.fspath(part) for part in command],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=None if environment is None else dict(environment),
                cwd=folder,
                start_new_session=True,
                preexec_fn=prepare,
            )
        except OSError as error:
            raise StartError(f"{name} cannot be started: {error}") from error
    return Child(name, process, log)


def _rotate(log: Path) -> None:
    """Keep one old log when a new one begins; a log only grows while its process lives."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".old.log"))


async def output_of(command: Sequence[str | Path], **kwargs: object) -> tuple[int, str]:
    """Exit code and combined output of a short command."""
    process = await asyncio.create_subprocess_exec(
        *[os.fspath(part) for part in command],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        **kwargs,  # type: ignore[arg-type]
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.kill()
        raise
    return process.returncode or 0, output.decode(errors="replace")


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log, for the screen."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            text = file.read().decode(errors="replace")
    except OSError:
        return f"(no log at {log})"
    return "\n".join([f"--- end of {log}", *[f"    {line}" for line in text.splitlines()[-lines:]]])
