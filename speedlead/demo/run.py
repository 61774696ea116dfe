"""`speedlead demo`: a fortnight of leads in seconds, told on the screen and drawn as one picture."""

import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from speedlead.closures import HolidayClosures
from speedlead.demo.picture import draw
from speedlead.demo.play import Played, play
from speedlead.demo.servers import open_servers
from speedlead.demo.stories import STORIES, Story, quiet_tuesday
from speedlead.demo.timeline import print_timeline
from speedlead.demo.world import open_world
from speedlead.embedded.process import StartError, tail
from speedlead.logging import configure_logging
from speedlead.settings import Settings

LONGEST_S = 300
PICTURE = Path(".speedlead-demo/week.svg")


async def run_demo(settings: Settings, picture: Path | None = None) -> int:
    """The exit code. `picture` is where the drawing goes. When cancelled, nothing is left running."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="speedlead-demo-", ignore_cleanup_errors=True) as folder:
        log = Path(folder) / "logs" / "demo.log"
        _log_into(log)
        try:
            played = await play_stories(STORIES, settings, Path(folder), console)
        except StartError as error:
            print(error, file=sys.stderr)
            return 1
        except Exception:
            print(tail(log, lines=40), file=sys.stderr)
            raise
    for one in played:
        print_timeline(console, one)
    target = (picture or PICTURE).absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(draw(played), encoding="utf-8")
    console.print(f"\n{len(played)} leads in {time.monotonic() - began:.0f} s. The picture: {target}", soft_wrap=True)
    return 0


async def play_stories(stories: Sequence[Story], settings: Settings, folder: Path, console: Console) -> list[Played]:
    """Starts everything in `folder`, plays, and stops everything. Raises StartError, TimeoutError."""
    tuesday = quiet_tuesday(datetime.now(UTC), HolidayClosures())
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} leads, {task.fields[touches]} touches"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    with progress:
        task = progress.add_task("starting Postgres and Temporal", total=len(stories), touches=0)

        def report(ended: int, touches: int) -> None:
            progress.update(task, completed=ended, touches=touches)

        async with open_servers(settings, folder) as servers:
            progress.update(task, description="starting gateway, worker and sandbox")
            async with open_world(servers.settings, servers.database_url, servers.client) as world:
                progress.update(task, description=f"playing {tuesday:%-d %B %Y} and the days after")
                async with asyncio.timeout(LONGEST_S):
                    played = await play(world, stories, tuesday, report)
                progress.update(task, description="stopping")
    return played


def _log_into(file: Path) -> None:
    """Log lines would tear the progress bar; they are shown when something fails."""
    file.parent.mkdir(parents=True, exist_ok=True)
    configure_logging("info", json=True)
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(file.open("a", encoding="utf-8"))
