"""A part that is a process of our own code: `speedlead app`, `speedlead sandbox`; ready when its page says so."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from speedlead.embedded.process import Child, spawn

READY_S = 60.0
# longer than the 28 s after which the command ends itself (cli.py)
STOP_S = 30.0


class PythonPart:
    """`python -m speedlead <command>`. `start` returns when GET `path` on `port` answers 200. Raises StartError."""

    def __init__(
        self, name: str, *, port: int, path: str, environment: Mapping[str, str], log: Path, command: str | None = None
    ) -> None:
        self.name = name
        self.child: Child | None = None
        self._port = port
        self._path = path
        self._environment = environment
        self._log = log
        self._command = command or name

    async def start(self) -> None:
        # -P: the folder we happen to be in must not shadow our packages
        command = [sys.executable, "-P", "-m", "speedlead", self._command]
        self.child = await spawn(self.name, command, self._log, environment=self._environment)
        try:
            await self._ready(self.child)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop(((signal.SIGTERM, STOP_S),))
            self.child = None

    async def _ready(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_S
        while await http_status(self._port, self._path) != 200:
            if child.exit_code is not None:
                raise child.failure(f"ended at its start with code {child.exit_code}")
            if loop.time() > deadline:
                raise child.failure(f"was not ready after {READY_S:.0f} s (GET {self._path})")
            await asyncio.sleep(0.05)


async def http_status(port: int, path: str) -> int | None:
    """Status of a GET on this machine; None when nobody answers within two seconds."""
    try:
        async with asyncio.timeout(2.0):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
                line = (await reader.readline()).split()
            finally:
                writer.close()
        return int(line[1])
    except (OSError, TimeoutError, IndexError, ValueError):
        return None


def child_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Our environment without SPEEDLEAD_*, plus `own`: a child sees the settings object, nothing beside it."""
    inherited = {name: value for name, value in os.environ.items() if not name.upper().startswith("SPEEDLEAD_")}
    return inherited | dict(own) | {"PYTHONTZPATH": "", "PYTHONUNBUFFERED": "1"}
