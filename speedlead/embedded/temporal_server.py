"""The Temporal server for one machine: `temporal server start-dev` with its state in a file of the data folder."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

from speedlead.embedded.process import Child, StartError, output_of, spawn
from workflows.attributes import ATTRIBUTES

READY_S = 60.0
RETENTION = "720h"  # 30 days; the server's own default is one, and a closed lead is looked at for longer

# journal_mode=wal and synchronous=2: three times as many starts a second as the default, as durable as it
PRAGMAS = ("journal_mode=wal", "synchronous=2")
DYNAMIC_CONFIG = (
    # one partition: with more, the order of priorities holds only within each
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "matching.enableFairness=true",
    # a lead that cannot go on is reported after some fifteen seconds, not a minute (speedlead/chores/stuck.py)
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
)
TIME_SKIPPING_CONFIG = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    'history.timerProcessorMaxTimeShift="10ms"',  # else each skip costs about a second
)


def find_program() -> Path:
    """The `temporal` next to this Python, else on PATH. Raises StartError."""
    beside = Path(sys.executable).parent / "temporal"  # not resolved: the venv's folder, not its Python's
    if os.access(beside, os.X_OK):
        return beside
    found = shutil.which("temporal")
    if found is None:
        raise StartError(
            "no `temporal` program found: install the extra 'embedded', or name a server with TEMPORAL_ADDRESS"
        )
    return Path(found)


def server_flags(*, virtual_clock: bool) -> list[str]:
    """Flags that every dev server of ours has: `up`, demo and tests."""
    config = DYNAMIC_CONFIG + (TIME_SKIPPING_CONFIG if virtual_clock else ())
    flags = [part for value in config for part in ("--dynamic-config-value", value)]
    return flags + [part for name, kind in ATTRIBUTES.items() for part in ("--search-attribute", f"{name}={kind}")]


class TemporalServer:
    """`start` raises StartError and returns when the namespace answers and has all search attributes."""

    name = "temporal"

    def __init__(
        self, data_dir: Path, *, port: int, ui_port: int, namespace: str = "default", virtual_clock: bool = False,
        codec: str | None = None,
    ) -> None:  # fmt: skip
        """`codec`: address at which the UI's pages have payloads decrypted; the browser sends a session if told so."""
        self.child: Child | None = None
        self._data_dir = data_dir
        self._port = port
        self._ui_port = ui_port
        self._namespace = namespace
        self._virtual_clock = virtual_clock
        self._codec = codec

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    def command(self) -> list[str | Path]:
        namespace = [] if self._namespace == "default" else ["--namespace", self._namespace]
        codec = ["--ui-codec-endpoint", self._codec] if self._codec is not None else []
        pragmas = [part for pragma in PRAGMAS for part in ("--sqlite-pragma", pragma)]
        return [
            find_program(), "server", "start-dev", "--db-filename", self._data_dir / "temporal.db",
            "--ip", "127.0.0.1", "--port", str(self._port), "--ui-port", str(self._ui_port),
            "--ui-disable-news-fetch", "--log-level", "warn", *codec, *namespace, *pragmas,
            *server_flags(virtual_clock=self._virtual_clock),
        ]  # fmt: skip

    async def start(self) -> None:
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        log = self._data_dir / "logs" / "temporal.log"
        self.child = await spawn(self.name, self.command(), log, environment=_environment())
        try:
            await self._prepare_namespace(await self._ready(self.child))
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop()
            self.child = None

    async def _ready(self, child: Child) -> dict[str, str]:
        """Wait until the namespace answers; returns its custom search attributes."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_S
        while True:
            if await self._listening():
                code, output = await self._operator("search-attribute", "list", "--output", "json")
                if code == 0:
                    return dict(json.loads(output)["customAttributes"])
            if child.exit_code is not None:
                raise child.failure(f"ended at its start with code {child.exit_code}")
            if loop.time() > deadline:
                raise child.failure(f"was not ready after {READY_S:.0f} s")
            await asyncio.sleep(0.05)

    async def _listening(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            return False
        writer.close()
        return True

    async def _prepare_namespace(self, present: dict[str, str]) -> None:
        # the flags count only while the file is new: with an existing one they are silently ignored
        missing: dict[str, list[str]] = {}
        for name, kind in ATTRIBUTES.items():
            if name not in present:
                missing.setdefault(kind, []).append(name)
            elif present[name] != f"INDEXED_VALUE_TYPE_{kind.upper()}":
                raise StartError(f"{self.name}: search attribute {name} is {present[name]} and must be {kind}")
        commands = [
            ["search-attribute", "create", "--type", kind, *[part for name in names for part in ("--name", name)]]
            for kind, names in missing.items()
        ]
        commands.append(["namespace", "update", "--retention", RETENTION])
        for command in commands:
            code, output = await self._operator(*command)
            if code != 0:
                raise StartError(f"{self.name}: `temporal operator {' '.join(command)}` failed\n{output}")

    async def _operator(self, *command: str) -> tuple[int, str]:
        return await output_of(
            [find_program(), "operator", *command, "--address", self.address, "--namespace", self._namespace],
            env=_environment(),
        )


def _environment() -> dict[str, str]:
    # TEMPORAL_* of the person at the keyboard is about other servers; and no question to a host about new versions
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TEMPORAL_")}
    return kept | {"TEMPORAL_VERSION_CHECK_DISABLED": "true"}
