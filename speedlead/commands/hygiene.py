"""`speedlead hygiene`: what the newest look at the base found, as text or as files; or a look now."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from speedlead.steer_command import run_command

app = typer.Typer(help="What of the base is to be put right (docs/hygiene.md).")

_EXAMPLES = 5


@app.callback(invoke_without_command=True)
def hygiene(
    csv: Annotated[
        Path | None, typer.Option(file_okay=False, help="Write each table as a CSV file into this folder")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Look at the whole base first, beside the weekly look")] = False,
) -> None:
    """Show the newest look: how many of each kind, some of them, and what to do. Only --now changes anything."""

    async def work(pool: Any, settings: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.store.hygiene_findings import newest

        clock = SystemClock()
        if now:
            await _look(pool, settings, clock)
        async with pool.acquire() as conn:
            runs = await newest(conn)
            if not runs:
                print("Nobody has looked at the base yet: speedlead hygiene --now", file=sys.stderr)
                return 1
            if csv is not None:
                return await _files(conn, settings.house_zone, clock.wall(), csv)
            return await _show(conn, runs[0], settings)

    run_command(work)


async def _look(pool: Any, settings: Any, clock: Any) -> None:
    """Here, or in the worker that was quicker; waits until it is over."""
    from speedlead.chores.hygiene import hygiene_chore
    from speedlead.chores.runner import run_once
    from speedlead.hygiene.assemble import desk_of
    from speedlead.store.house_marks import credentials_of_house
    from speedlead.store.hygiene_findings import under_way

    credentials = await credentials_of_house(pool, settings)
    if not await desk_of(pool, settings, credentials, clock).begin_asked():
        print("A look is under way already; waiting for it.")
    while await under_way(pool):
        await run_once(pool, hygiene_chore(pool, settings, credentials, clock))
        await asyncio.sleep(0.2)


async def _show(conn: Any, run: Any, settings: Any) -> int:
    from speedlead.domain.hygiene import ADVICE, TITLES
    from speedlead.hygiene import words
    from speedlead.store import hygiene_findings as store

    others = run.found or {}
    print(f"Look of {run.ended_wall:%Y-%m-%d %H:%M} UTC at {run.looked_at:,} people; {run.repaired:,} repaired.")
    many = await store.counts(conn)
    for kind, title in TITLES.items():
        if not many[kind]:
            continue
        print(f"\n{title}: {many[kind]:,}")
        for one in await store.findings(conn, kind, _EXAMPLES):
            print(f"  {one.lead_id or '–'}  {words.who(one)}: {words.what(one, settings.house_zone)}")
        if many[kind] > _EXAMPLES:
            print(f"  … {settings.staff_url}/hygiene/{kind}")
        print(f"  → {ADVICE[kind]}")
    if not any(many.values()):
        print("Nothing is to be put right.")
    print(f"\nPairs that may be one person: {others.get('duplicates', 0):,} (speedlead duplicates list)")
    print(f"People past the time that we keep them: {others.get('past', 0):,}")
    return 0


async def _files(conn: Any, zone: str, wall: Any, folder: Path) -> int:
    from speedlead.hygiene.tables import NAMES, table_of

    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        table = await table_of(conn, name, zone, wall)
        file = folder / f"{name}.csv"
        # names and addresses will be in it
        file.touch(0o600)
        file.chmod(0o600)
        file.write_text(table.csv(), "utf-8", newline="")
        print(f"{file}: {len(table.rows)} rows")
    return 0
