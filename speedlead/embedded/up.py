"""`speedlead up`: the stack on a screen. Shows what happens, prints the addresses, stays until Ctrl-C or SIGTERM."""

import asyncio
import signal
import sys
import time

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from speedlead.clock import SystemClock
from speedlead.credentials import CredentialsError
from speedlead.embedded.ports import PortInUseError
from speedlead.embedded.process import StartError
from speedlead.embedded.stack import Stack
from speedlead.settings import Settings
from speedlead.store import accounts
from speedlead.store.migrate import MigrationError
from speedlead.store.pool import open_pool
from speedlead.store.transactions import transact


class Screen:
    """A spinner on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._status: Status | None = None
        self._starting: list[str] = []

    def begin(self, text: str) -> None:
        self._console.print(text)
        if self._console.is_terminal:
            self._status = self._console.status("starting …")
            self._status.start()

    def end(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None

    def line(self, part: str, what: str) -> None:
        if self._status is not None and what in ("starting", "ready"):
            self._starting = [
                *(name for name in self._starting if name != part),
                *([part] if what == "starting" else []),
            ]
            self._status.update(f"starting {' and '.join(self._starting)} …")
            if what == "starting":
                return
        self._console.print(f"  [cyan]{part:<9}[/cyan] {escape(what)}")

    def addresses(self, settings: Settings, data_dir: str, seconds: float, link: str | None) -> None:
        self._console.print(f"\n[bold]ready[/bold] after {seconds:.1f} s, data in {escape(data_dir)}\n")
        table = Table(box=None, show_header=False, padding=(0, 2))
        for name, address in _addresses(settings):
            table.add_row(name, address)
        self._console.print(table)
        if link is not None:
            self._console.print("\nnobody has signed in yet: this link lets the admin in once, within an hour")
            self._console.print(f"  [bold]{link}[/bold]")
        else:
            self._console.print("\nforgotten how to sign in: speedlead account link EMAIL")
        self._console.print(f"\nlogs in {escape(data_dir)}/logs, API key in {escape(data_dir)}/credentials.json")
        self._console.print("Ctrl-C stops everything; the next start finds it as it was")


def _addresses(settings: Settings) -> list[tuple[str, str]]:
    base = f"http://127.0.0.1:{settings.http_port}"
    found = [("demo form", f"{base}/form"), ("rep page", f"{base}/rep"), ("operations", f"{base}/ops")]
    if settings.uses_sandbox:
        found.append(("messages sent", f"{settings.sandbox_url}/"))
        found.append(("widget", f"{settings.sandbox_url}/shop"))
    if settings.embedded_temporal:
        found.append(("Temporal UI", f"http://127.0.0.1:{settings.temporal_ui_port}"))
    return found


async def first_link(stack: Stack) -> str | None:
    """Where the admin signs in for the first time; None as soon as one has."""
    pool = await open_pool(stack.database_url, size=2)
    try:
        token = await transact(pool, lambda conn: accounts.first_link(conn, SystemClock().wall()))
    finally:
        await pool.close()
    return f"http://127.0.0.1:{stack.settings.http_port}/sign-in/link/{token}" if token else None


async def run_up(settings: Settings) -> int:
    """Returns the exit code: 0 stopped by the person, 1 a part did not start, 2 something must be set otherwise."""
    screen = Screen()
    stack = Stack(settings, report=screen.line)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # started with nohup it goes on without its terminal
        loop.add_signal_handler(signal.SIGHUP, stopped.set)
    since = time.monotonic()
    screen.begin("speedlead is starting")
    starting = asyncio.create_task(stack.start())
    waiting = asyncio.create_task(stopped.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            screen.end()
            screen.addresses(settings, str(settings.data_dir), time.monotonic() - since, await first_link(stack))
            await waiting
        else:
            starting.cancel()
            await asyncio.wait({starting})
        return 0
    except (PortInUseError, CredentialsError) as error:
        screen.end()
        print(error, file=sys.stderr)
        return 2
    except (StartError, MigrationError) as error:
        screen.end()
        print(error, file=sys.stderr)
        return 1
    finally:
        waiting.cancel()
        screen.end()
        await stack.stop()
