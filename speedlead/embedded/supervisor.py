"""Keeps one part running: when its process ends, however it ends, it is started again after a growing pause."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from speedlead.embedded.process import Child

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
STEADY_S = 30.0  # after so long a life the next death counts as the first

Report = Callable[[str, str], None]
"""Called with the name of a part and what happened to it, one line."""


class Part(Protocol):
    """Something with one process. `start` returns when it is usable and raises StartError."""

    @property
    def name(self) -> str: ...

    @property
    def child(self) -> Child | None: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Supervisor:
    """`start` fails loudly; afterwards the part is restarted until `stop`."""

    def __init__(self, part: Part, report: Report) -> None:
        self.part = part
        self.ready = asyncio.Event()
        self._report = report
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """Raises LookupError while there is no process."""
        if self.part.child is None:
            raise LookupError(f"{self.part.name} is not running")
        return self.part.child.pid

    async def start(self) -> None:
        self._report(self.part.name, "starting")
        await self.part.start()
        self.ready.set()
        self._report(self.part.name, "ready")
        self._task = asyncio.create_task(self._watch(), name=f"watch {self.part.name}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self.ready.clear()
        await self.part.stop()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Signal the process as a stranger would; the watch brings the part back. Raises LookupError."""
        if self.part.child is None:
            raise LookupError(f"{self.part.name} is not running")
        if number != signal.SIGSTOP:
            self.ready.clear()
        self.part.child.send(number)

    async def restart(self) -> None:
        """Stop it properly and start it at once."""
        await self.stop()
        await self.start()

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE_S
        while True:
            child = self.part.child
            if child is None:
                return
            since = loop.time()
            code = await child.wait()
            self.ready.clear()
            if loop.time() - since > STEADY_S:
                pause = FIRST_PAUSE_S
            self._report(self.part.name, f"{_ended(code)}; starting it again")
            pause = await self._bring_back(pause)
            self.ready.set()
            self._report(self.part.name, "ready again")

    async def _bring_back(self, pause: float) -> float:
        while True:
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
            try:
                # a dead leader may leave a group behind that holds its port
                await self.part.stop()
                await self.part.start()
                return pause
            except Exception as error:  # whatever it was: a watch that ends here would leave the part down for good
                self._report(self.part.name, f"{_first_line(error)}; next try in {pause:.1f} s")


def _first_line(error: Exception) -> str:
    return str(error).split("\n", 1)[0] or type(error).__name__


def _ended(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return f"was killed by {signal.Signals(-code).name}"
    return f"ended with code {code}"
