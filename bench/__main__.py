"""`make bench`: speed and cost of the product, side by side with the least that the same machine can do.

Every row measures its own floor in the same run. The whole takes some ten minutes; `--quick` some two, with samples too
small to be quoted. Everything that is started stops by itself, also on Ctrl-C.
"""

import argparse
import asyncio
import logging
import os
import signal
import sys
import time
import zoneinfo
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

os.environ["PYTHONTZPATH"] = ""
zoneinfo.reset_tzpath(to=())
# what the person at the keyboard has set is about another installation
for _name in [name for name in os.environ if name.upper().startswith(("SPEEDLEAD_", "TEMPORAL_"))]:
    del os.environ[_name]

from rich.console import Console  # noqa: E402
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: E402

from bench import calendar, cost, dashboard, experiments, memory, routing, speed, starts, webhooks  # noqa: E402
from bench.faults import row as faults  # noqa: E402
from bench.report import machine, show, write  # noqa: E402
from bench.result import Result  # noqa: E402
from bench.simulation import row as simulation  # noqa: E402
from speedlead.embedded.process import StartError  # noqa: E402

ROWS: dict[str, Callable[..., Awaitable[Result]]] = {
    "a": speed.measure,
    "b": starts.measure,
    "c": cost.measure,
    "d": memory.measure,
    "calendar": calendar.measure,
    "routing": routing.measure,
    "simulation": simulation.measure,
    "faults": faults.measure,
    "experiments": experiments.measure,
    "dashboard": dashboard.measure,
    "webhooks": webhooks.measure,
}


async def run(rows: list[str], file: Path, *, quick: bool) -> bool:
    """Whether every aim was met; of small samples that is not asked."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    progress = Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console,
        transient=True,
    )  # fmt: skip
    results: dict[str, Result] = {}
    loads: dict[str, list[float]] = {}
    about = machine()
    try:
        await measure_all(rows, file, progress, results, loads, about, quick=quick)
    finally:
        if results:
            show(console, results, about, loads)
            console.print(f"The same as JSON: {file}", soft_wrap=True)
    missed = [line for result in results.values() for line in result.lines if line.met is False]
    for line in [] if quick else missed:
        console.print(f"[bold red]MISSED[/]  {line.row}: {line.what}: {line.value:,.1f} {line.unit}, aim {line.aim}")
    return quick or not missed


async def measure_all(
    rows: list[str], file: Path, progress: Progress, results: dict[str, Result], loads: dict[str, list[float]],
    about: dict[str, object], *, quick: bool,
) -> None:  # fmt: skip
    """One row after the other; what was measured is in `results` and in the file even when a later row fails."""
    with progress:
        task = progress.add_task("", total=len(rows))
        for number, row in enumerate(rows):

            def report(what: str, part: float, row: str = row, number: int = number) -> None:
                progress.update(task, description=f"{row}: {what}", completed=number + part)

            before = os.getloadavg()[0]
            report("starting", 0.0)
            results[row] = await ROWS[row](report, quick=quick)
            loads[row] = [before, os.getloadavg()[0]]
            write(file, results, about, loads)


async def until_done(work: Awaitable[bool]) -> int:
    """The exit code, 1 when an aim was missed; SIGTERM and Ctrl-C cancel, and what was started is stopped first."""
    task = asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        met = await task
    except asyncio.CancelledError:
        print("stopped", file=sys.stderr)
        return 130
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if met else 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rows", default=",".join(ROWS), help="comma separated, of: %(default)s")
    parser.add_argument("--quick", action="store_true", help="small samples: does everything run?")
    parser.add_argument("--leads", type=int, help="of the season behind `dashboard`, such as 1000000")
    parser.add_argument("--database", help="one with a season in it, for `dashboard`, which adds a few leads")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"), help="where the JSON goes")
    given = parser.parse_args()
    rows = [row.strip() for row in given.rows.split(",")]
    unknown = [row for row in rows if row not in ROWS]
    if unknown:
        parser.error(f"unknown row {', '.join(unknown)}; there are {', '.join(ROWS)}")
    logging.getLogger().setLevel(logging.ERROR)  # log lines would tear the progress bar
    if given.leads is not None and given.database is not None:
        parser.error("--leads: expected none with --database, whose leads are measured")
    ROWS["dashboard"] = partial(dashboard.measure, leads=given.leads, database=given.database)
    code = asyncio.run(until_done(run(rows, given.out.absolute(), quick=given.quick)))
    sys.stdout.flush()
    sys.stderr.flush()
    time.sleep(0.1)
    os._exit(code)  # a worker's threads may still be ending, and a Python that finalizes under them can crash


if __name__ == "__main__":
    main()
