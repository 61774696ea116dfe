"""`python -m speedlead.demo.season --database-url … --leads 100000`: fills a database of its own for a look around."""

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime

import asyncpg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from speedlead.demo.season.fill import EVENTS, fill
from speedlead.demo.season.house import furnish
from speedlead.store.migrate import migrate


async def run(given: argparse.Namespace) -> int:
    """The exit code."""
    console, began, until = Console(highlight=False), time.monotonic(), datetime.now(UTC)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        await migrate(given.database_url)
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("writing leads", total=given.leads)
            written = await fill(
                given.database_url, given.leads, until=until, days=given.days, seed=given.seed,
                report=lambda done: progress.update(task, completed=done),
            )  # fmt: skip
            lines = await furnish(given.database_url, until=until, days=given.days, seed=given.seed)
    except (ValueError, OSError, asyncpg.PostgresError) as error:
        print(error, file=sys.stderr)
        return 1
    events = sum(written[table] for table in EVENTS)
    console.print(f"{written['lead']:,} leads of {given.days} days with {events:,} events "
                  f"and {lines:,} lines in the books in {time.monotonic() - began:.0f} s")  # fmt: skip
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m speedlead.demo.season", description=__doc__)
    parser.add_argument("--database-url", required=True, help="a database that has no leads")
    parser.add_argument("--leads", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=180, help="the season ends now and began so long ago")
    parser.add_argument("--seed", type=int, default=7, help="the same seed makes the same leads")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
