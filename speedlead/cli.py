"""The command line. Commands import what they need when they run, so that `speedlead --help` is quick.

More commands live in `speedlead/commands/`: each file there has an `app` and is mounted under the file's name.
"""

import asyncio
import importlib
import logging
import os
import pkgutil
import signal
import sys
import traceback
import zoneinfo
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from speedlead import commands
from speedlead.commands.worker import app as worker_app

# shorter than the stop_grace_period of docker-compose.yml
LONGEST_STOP_S = 28
# libuv looks names up in four threads: four endpoints whose name server hangs would keep the providers' names waiting
NAMES_AT_ONCE = "64"

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a trace with local variables would show what leads wrote
    help="Answer every inbound lead in seconds, lawfully, until it is decided.",
)


def run(
    work: Coroutine[Any, Any, int | None], loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
) -> None:
    """Run `work` until it ends; SIGTERM and Ctrl-C cancel it, which is how it is asked to stop. Exits the command."""

    async def cancellable() -> int | None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()

        def stop() -> None:
            signal.alarm(LONGEST_STOP_S)  # ends the process even when its loop hangs: it would keep its port
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        try:
            return await task
        except asyncio.CancelledError:
            return 0

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        code = runner.run(cancellable())
    raise typer.Exit(code or 0)


def _database_url(given: str | None) -> str:
    if given is None:
        print("SPEEDLEAD_DATABASE_URL: expected for this command; `speedlead up` brings a database", file=sys.stderr)
        raise typer.Exit(2)
    return given


@app.command()
def up() -> None:
    """Start everything on this machine and stay up."""
    from speedlead.embedded.up import run_up
    from speedlead.settings import load_settings

    raise typer.Exit(asyncio.run(run_up(load_settings())))


@app.command(name="app", hidden=True)
def app_command() -> None:
    """Gateway and worker in one process with one Temporal client."""
    _serve("app")


@app.command()
def gateway() -> None:
    """Serve intake, webhooks and pages."""
    _serve("gateway")


@worker_app.callback(invoke_without_command=True)
def worker(
    context: typer.Context,
    queues: Annotated[
        str, typer.Option(help="Task queues to serve, comma separated: leads, messages, texts, voice; empty: all")
    ] = "",
) -> None:
    """Run the lead workflows and their activities; or look after the versions of their code."""
    if context.invoked_subcommand is None:
        _serve("worker", queues)


def _check_port(setting: str, port: int) -> None:
    from speedlead.embedded.ports import PortInUseError, check_ports

    try:
        check_ports({setting: port})
    except PortInUseError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


def _chosen(queues: str) -> list[str]:
    """Exits with 2 for a queue that there is not."""
    from workers.registry import QUEUES

    chosen = list(dict.fromkeys(name.strip() for name in queues.split(","))) if queues.strip() else list(QUEUES)
    for name in chosen:
        if name not in QUEUES:
            print(f"--queues: expected some of {', '.join(QUEUES)}, separated by commas, got {name!r}", file=sys.stderr)
            raise typer.Exit(2)
    return chosen


def _serve(which: str, queues: str = "") -> None:
    from speedlead.logging import configure_logging
    from speedlead.settings import load_settings

    settings = load_settings()
    url = _database_url(settings.database_url.get_secret_value() if settings.database_url else None)
    chosen = _chosen(queues)
    configure_logging(settings.log_level)
    os.environ.setdefault("UV_THREADPOOL_SIZE", NAMES_AT_ONCE)  # read once, at the first name
    import uvloop

    from speedlead import app as processes

    if which != "worker":
        _check_port("SPEEDLEAD_HTTP_PORT", settings.http_port)
    functions: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
        "app": processes.run_app,
        "gateway": processes.run_gateway,
        "worker": partial(processes.run_worker, queues=chosen),
    }
    try:
        run(functions[which](settings, url), uvloop.new_event_loop)
    except processes.TO_MEND as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None


@app.command()
def sandbox() -> None:
    """Serve the stand-in for Twilio and SendGrid, with its inbox page."""
    from speedlead.credentials import CredentialsError, load_or_create
    from speedlead.logging import configure_logging
    from speedlead.sandbox.server import serve
    from speedlead.settings import load_settings

    settings = load_settings()
    configure_logging(settings.log_level)
    try:
        credentials = load_or_create(settings.data_dir)
    except CredentialsError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    _check_port("SPEEDLEAD_SANDBOX_PORT", settings.sandbox_port)
    run(serve(settings, credentials))


@app.command()
def migrate() -> None:
    """Bring the database to this version."""
    from speedlead.settings import load_settings
    from speedlead.store.migrate import MigrationError
    from speedlead.store.migrate import migrate as apply

    settings = load_settings()
    url = _database_url(settings.database_url.get_secret_value() if settings.database_url else None)
    try:
        applied = asyncio.run(apply(url))
    except MigrationError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    print("\n".join(f"applied {name}" for name in applied) or "nothing to apply")


@app.command()
def demo(
    picture: Annotated[Path | None, typer.Option(help="Where the picture goes: an SVG file")] = None,
) -> None:
    """Play a few leads through their whole week, in seconds."""
    from speedlead.settings import load_settings

    run(importlib.import_module("speedlead.demo").run_demo(load_settings(), picture))


@app.command()
def doctor(
    live: Annotated[bool, typer.Option("--live", help="Ask Twilio and SendGrid whether we can go live")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --live: one JSON array instead of lines")] = False,
) -> None:
    """Check this machine and the servers it is configured for; with --live the accounts, read-only."""
    from speedlead.settings import load_settings

    if live:
        from speedlead.doctor_live import report_live

        run(report_live(load_settings(), as_json=as_json))
    if as_json:
        print("--json: expected together with --live", file=sys.stderr)
        raise typer.Exit(2)
    from speedlead.doctor import report

    run(report(load_settings()))


@app.command()
def backup(folder: Annotated[Path, typer.Argument(help="A new folder for it")]) -> None:
    """Back up the databases and secrets of a running `speedlead up`."""
    from speedlead.embedded import backup as backups
    from speedlead.embedded.process import StartError
    from speedlead.settings import load_settings

    try:
        made = asyncio.run(backups.back_up(load_settings(), folder))
    except (backups.BackupError, StartError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    print(f"{folder}: {len(made.sha256)} files, as of {made.postgres_wall[:19]} UTC. It holds secrets: keep it so.")


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="What `speedlead backup` has written")],
    temporal_from: Annotated[Path | None, typer.Option(help="Another backup, for Temporal's store alone")] = None,
    erasures: Annotated[Path | None, typer.Option(help="A newer list of erasures: they are done again")] = None,
) -> None:
    """Restore a backup into an empty data folder; `speedlead up` goes on from there."""
    from speedlead.embedded import backup as backups
    from speedlead.embedded.process import StartError
    from speedlead.settings import load_settings

    try:
        done = asyncio.run(backups.restore(load_settings(), folder, temporal_from=temporal_from, erasures=erasures))
    except (backups.BackupError, StartError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    print(f"{done.open_leads} open leads; {done.ended} workflows ended, which start again where their lead is open.")
    if erasures is not None:
        print(f"{done.erased} people erased again, as {erasures} says.")
    print(f"{done.sent} touches and {done.closed} ends learned from Temporal. Go on with: speedlead up")


@app.command(name="settings")
def settings_command() -> None:
    """Print every setting with its default, as docs/settings.md has them."""
    from speedlead.settings import settings_table

    print("| variable | default | what it is |\n| --- | --- | --- |")
    for name, default, description in settings_table():
        print(f"| `{name}` | {f'`{default}`' if default else ''} | {description} |")


def _mount() -> None:
    for module in pkgutil.iter_modules(commands.__path__):
        part = importlib.import_module(f"{commands.__name__}.{module.name}")
        app.add_typer(part.app, name=module.name)


def main() -> None:
    """Entry point of `speedlead`."""
    # zone rules come from the pinned tzdata, never from the machine: two workers must agree
    os.environ["PYTHONTZPATH"] = ""
    zoneinfo.reset_tzpath(to=())
    _mount()
    code: int | str | None = 0
    try:
        app(prog_name="speedlead")
    except SystemExit as end:
        code = end.code
    except Exception:
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    _leave(code or 0)


def _leave(code: int) -> None:
    """End the process. Temporal's threads may crash an interpreter that is being taken down (sdk-python issue 300)."""
    if "temporalio" not in sys.modules:
        raise SystemExit(code)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
