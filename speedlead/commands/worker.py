"""`speedlead worker promote|versions|check|patches`: which code open leads go on with (docs/operations.md)."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

# the command itself runs a worker: speedlead/cli.py
app = typer.Typer()
# further days are one line
_DAYS_SHOWN = 14


_VERDICTS = {
    "another_way": "goes another way than its workflow went: it would be started again from the records, unless a "
    "patch keeps the old way (CONTRIBUTING)",
    "fails": "fails on its history: it would stand still until a release mends that",
}


@app.command()
def promote(
    build_id: Annotated[str | None, typer.Option(help="Another version than this program's")] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait until its workers are running")] = 60,
) -> None:
    """From now on new leads, and open ones at their next step, go to the workers of this version."""
    from speedlead.deployments import PromoteError
    from speedlead.deployments import promote as make_current
    from workers.deployment import build_id as own

    version = build_id or own()

    async def work(client: Any) -> int:
        deadline = time.monotonic() + wait
        while True:
            try:
                await make_current(client, version)
            except PromoteError as error:
                if time.monotonic() >= deadline:
                    print(error, file=sys.stderr)
                    return 1
                await asyncio.sleep(1)
            else:
                print(f"{version} is current")
                await _show(client)
                return 0

    _run(work)


@app.command()
def versions() -> None:
    """Every version of the worker: its state, since when, and how many open leads it had last."""

    async def work(client: Any) -> int:
        await _show(client)
        return 0

    _run(work)


@app.command()
def check(
    at_most: Annotated[int, typer.Option(min=1, help="How many open leads to replay")] = 500,
) -> None:
    """Before a deployment: can the code of this program go on with the leads that are open? 1 when not with all."""
    from speedlead.cadence_client import CadenceClient
    from workers.deployment import build_id
    from workers.replaying import Replays

    async def work(client: Any) -> int:
        running = sorted(await CadenceClient(client).running())
        chosen, replays = running[:at_most], Replays(client)
        found = {lead_id: await replays.verdict(lead_id) for lead_id in chosen}
        for lead_id, verdict in found.items():
            if verdict != "goes_on":
                print(f"lead {lead_id}: {build_id()} {_VERDICTS[verdict]}")
        well = sum(verdict == "goes_on" for verdict in found.values())
        print(f"{well} of {len(chosen)} open leads can go on ({len(running)} are open)")
        return 0 if well == len(chosen) else 1

    _run(work)


@app.command()
def patches() -> None:
    """Which open leads may still need each old way of the workflow's code, by the day (UTC) on which they began."""

    async def work(client: Any) -> int:
        from rich.console import Console
        from rich.table import Table

        from speedlead.patch_use import patches_in_use

        table = Table("patch", "life, since", "open leads that need it", "what comes next")
        for use in await patches_in_use(client, datetime.now(UTC).date()):
            days = [f"{many} of {day}" for day, many in use.by_day.items()]
            more = f"{sum(list(use.by_day.values())[_DAYS_SHOWN:])} older" if len(days) > _DAYS_SHOWN else ""
            table.add_row(
                use.patch.id, f"{use.patch.life}, {use.patch.since}",
                "\n".join([*days[:_DAYS_SHOWN], *([more] if more else [])]) or "0", use.next_life,
            )  # fmt: skip
        Console().print(table)
        return 0

    _run(work)


async def _show(client: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    from speedlead.deployments import versions as all_versions
    from workers.deployment import build_id

    found, unversioned = await all_versions(client)
    table = Table("version", "state", "since, UTC", "open leads")
    for version in found:
        name = f"{version.build_id}{' (this program)' if version.build_id == build_id() else ''}"
        table.add_row(
            name, version.state, f"{version.since:%Y-%m-%d %H:%M}" if version.since else "", str(version.open_leads)
        )
    table.add_row("without a version", "", "", str(unversioned))
    Console().print(table)


def _run(work: Callable[[Any], Awaitable[int]]) -> None:
    from speedlead.deployments import with_client
    from speedlead.settings import load_settings

    raise typer.Exit(asyncio.run(with_client(load_settings(), work)))
