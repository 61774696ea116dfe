"""The whole product on one machine as an object: `speedlead up`, the demo and the kill tests drive the same one."""

import asyncio
import signal
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from speedlead import credentials
from speedlead.embedded.locks import up_lock
from speedlead.embedded.ports import check_ports
from speedlead.embedded.postgres import Postgres
from speedlead.embedded.python_part import PythonPart, child_environment
from speedlead.embedded.supervisor import Part, Report, Supervisor
from speedlead.embedded.temporal_server import TemporalServer
from speedlead.settings import PREFIX, Settings
from speedlead.store.migrate import migrate

ALL_PARTS = ("postgres", "temporal", "sandbox", "app")
"""In the order of starting; stopping goes the other way."""


class Stack:
    """Start with `await start()` or `async with`. `report` gets (part, what happened) for every change.

    `parts` names what to run here; a part that the settings replace by an outside server is left out by itself.
    `durable=False` (tests) lets a power cut eat the database.
    Raises PortInUseError and StartError before or while starting; whatever had started is stopped again.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Collection[str] = ALL_PARTS,
        *,
        report: Report | None = None,
        durable: bool = True,
    ) -> None:
        self.settings = settings
        self.data_dir: Path = settings.data_dir
        self._report: Report = report or (lambda part, line: None)
        self._durable = durable
        self._lock = up_lock(self.data_dir)
        self._names = [name for name in ALL_PARTS if name in parts and not self._outside(name)]
        self._running: dict[str, Supervisor] = {}
        self._postgres: Postgres | None = None

    @property
    def database_url(self) -> str:
        """Of the embedded server once it is up, else the configured one. Raises RuntimeError when there is neither."""
        if self._postgres is not None:
            return self._postgres.dsn()
        if self.settings.database_url is None:
            raise RuntimeError("there is no database: start the part 'postgres' or set SPEEDLEAD_DATABASE_URL")
        return self.settings.database_url.get_secret_value()

    async def start(self) -> None:
        self._lock.take()
        try:
            check_ports(self._ports())
            credentials.load_or_create(self.data_dir)  # before two children would both need it
            async with asyncio.TaskGroup() as group:
                group.create_task(self._start_database())
                if "temporal" in self._names:
                    group.create_task(self._start(self._temporal()))
            async with asyncio.TaskGroup() as group:
                for part in self._own_code():
                    group.create_task(self._start(part))
        except BaseExceptionGroup as problems:
            await self.stop()
            raise problems.exceptions[0] from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything in the opposite order; safe to call twice."""
        for name in reversed(ALL_PARTS):
            supervisor = self._running.pop(name, None)
            if supervisor is not None:
                self._report(name, "stopping")
                await supervisor.stop()
        self._lock.release()

    def pid(self, part: str) -> int:
        return self._running[part].pid

    def kill(self, part: str, number: int = signal.SIGKILL) -> None:
        """Kill a part as a crash would; it comes back by itself: `await wait_ready(part)`."""
        self._running[part].kill(number)

    async def restart(self, part: str) -> None:
        await self._running[part].restart()

    async def wait_ready(self, part: str, timeout_s: float = 60.0) -> None:
        """Raises TimeoutError."""
        await asyncio.wait_for(self._running[part].ready.wait(), timeout_s)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _outside(self, name: str) -> bool:
        return {
            "postgres": self.settings.database_url is not None,
            "temporal": not self.settings.embedded_temporal,
            "sandbox": not self.settings.uses_sandbox,
        }.get(name, False)

    def _ports(self) -> dict[str, int]:
        wanted = {
            "app": ["http_port"],
            "sandbox": ["sandbox_port"],
            "temporal": ["temporal_port", "temporal_ui_port"],
        }
        names = [field for part in self._names for field in wanted.get(part, [])]
        return {PREFIX + field.upper(): getattr(self.settings, field) for field in names}

    async def _start(self, part: Part) -> None:
        supervisor = Supervisor(part, self._report)
        self._running[part.name] = supervisor
        await supervisor.start()

    async def _start_database(self) -> None:
        if "postgres" in self._names:
            postgres = Postgres(self.data_dir, durable=self._durable)
            await self._start(postgres)
            self._postgres = postgres
        if self._postgres is not None or self.settings.database_url is not None:
            for name in await migrate(self.database_url):
                self._report("postgres", f"applied {name}")

    def _temporal(self) -> TemporalServer:
        return TemporalServer(
            self.data_dir,
            port=self.settings.temporal_port,
            ui_port=self.settings.temporal_ui_port,
            namespace=self.settings.temporal_namespace,
            virtual_clock=self.settings.virtual_clock,
            codec=f"{self.settings.staff_url}/codec",
        )

    def _own_code(self) -> list[PythonPart]:
        own = self.settings.to_environment() | {PREFIX + "DATA_DIR": str(self.data_dir)}
        if self._postgres is not None:
            own[PREFIX + "DATABASE_URL"] = self._postgres.dsn()
        environment = child_environment(own)
        pages = {"sandbox": (self.settings.sandbox_port, "/healthz"), "app": (self.settings.http_port, "/readyz")}
        return [
            PythonPart(name, port=port, path=path, environment=environment, log=self.data_dir / "logs" / f"{name}.log")
            for name, (port, path) in pages.items()
            if name in self._names
        ]
