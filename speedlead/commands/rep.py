"""`speedlead rep …`: bring our people in from a file, and what they bring with them that no page asks for."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from speedlead.command_database import with_database
from speedlead.hand_over_command import hand_over

app = typer.Typer(no_args_is_help=True, help="Our people: zones, shifts, time off, skills, and the video of each.")
app.command(name="hand-over")(hand_over)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="YAML or CSV, as docs/routing.md says")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing")] = False,
) -> None:
    """Add and change reps. With one bad row nothing is written, and every bad row is listed."""
    import asyncio

    from speedlead.embedded.where import database_of
    from speedlead.repbook import RepFileError, load_reps
    from speedlead.settings import load_settings
    from speedlead.store.transactions import StoreUnavailable

    try:
        reps = load_reps(file)
    except RepFileError as error:
        print(f"{error}\nNothing was written.", file=sys.stderr)
        raise typer.Exit(1) from None
    url = database_of(load_settings())
    if url is None:
        print("SPEEDLEAD_DATABASE_URL: expected while no `speedlead up` runs on this data folder", file=sys.stderr)
        raise typer.Exit(2)
    try:
        changes = asyncio.run(_import(url, reps, dry_run))
    except (OSError, StoreUnavailable) as error:
        print(f"The database does not answer: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    for change in changes:
        print(f"{'+' if change.new else '~'} {change.email}")
        for name, before, after in change.fields:
            print(f"    {name}: {after}" if before is None else f"    {name}: {before} → {after}")
        if change.owns:
            print(
                f"    owns {change.owns} open leads: `speedlead rep hand-over {change.email} --spread` gives them away"
            )
    added = sum(change.new for change in changes)
    same = len(reps) - len(changes)
    print(f"{added} new, {len(changes) - added} changed, {same} as before." + (" Nothing was written." * dry_run))


async def _import(url: str, reps: Any, dry_run: bool) -> Any:
    from speedlead.clock import SystemClock
    from speedlead.store.capacity import By
    from speedlead.store.pool import open_pool
    from speedlead.store.rep_import import import_reps
    from speedlead.store.transactions import transact

    by = By(None, "by a file of reps", SystemClock().wall())
    pool = await open_pool(url, size=2)
    try:
        return await transact(pool, lambda conn: import_reps(conn, reps, by, dry_run=dry_run))
    finally:
        await pool.close()


@app.command()
def video(
    email: Annotated[str, typer.Argument(help="The rep's e-mail address")],
    url: Annotated[str | None, typer.Argument(help="Where the video is watched; without it, the rep has none")] = None,
    thumbnail: Annotated[str | None, typer.Option(help="The address of a picture of it")] = None,
) -> None:
    """Set, show or take away what a plan step with `template: video` sends in the rep's name (docs/plans.md)."""
    from speedlead.composing.book import is_web_address

    for name, address in (("url", url), ("--thumbnail", thumbnail)):
        if address is not None and not is_web_address(address):
            print(f"{name}: expected an address like https://www.example.com/page, got {address!r}", file=sys.stderr)
            raise typer.Exit(2)
    with_database(lambda conn: _video(conn, email.strip().lower(), url, thumbnail))


async def _video(conn: Any, email: str, url: str | None, thumbnail: str | None) -> int:
    from speedlead.store.reps import set_video

    if not await set_video(conn, email, url, thumbnail):
        print(f"{email}: expected the e-mail address of a rep", file=sys.stderr)
        return 1
    print(f"{email}: {url or 'no video'}")
    return 0
