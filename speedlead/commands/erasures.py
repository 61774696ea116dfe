"""`speedlead erasures export|apply`: the list of whom we have erased, for a database that is restored from before."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from speedlead.person_commands import run_in_house
from speedlead.whoami import command_line

if TYPE_CHECKING:
    from speedlead.erasure_list import ErasureList

app = typer.Typer(
    no_args_is_help=True, help="Keep a list of whom we have erased, and erase them again after a restore."
)


@app.command()
def export(file: Annotated[Path, typer.Argument(help="Is written anew: keep it beside the backups")]) -> None:
    """Write the list: ids and keyed hashes alone. Without this house's credentials.json it is of no use."""

    async def work(settings: Any, pool: Any) -> int:
        from speedlead.credentials import load_or_create
        from speedlead.erasure_list import read_house, write_list
        from speedlead.house_mark import HouseMark
        from speedlead.store.transactions import transact

        mark = HouseMark.of(settings, load_or_create(settings.data_dir))
        found = await transact(pool, lambda conn: read_house(conn, mark))
        try:
            write_list(file, found)
        except OSError as error:
            print(f"{file}: cannot be written: {error.strerror}", file=sys.stderr)
            return 1
        print(f"{file}: {len(found.erasures)} erasures, {len(found.opt_outs)} opt-outs of erased people")
        return 0

    run_in_house(work)


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="What `speedlead erasures export` or a backup has written")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say whom it would erase")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Erase again whomever a restored backup has brought back. Begun again, it goes on with those that are left."""

    async def work(settings: Any, pool: Any) -> int:
        from speedlead.credentials import load_or_create
        from speedlead.erasure_list import ListRefused, foreseen, read_list
        from speedlead.house_mark import HouseMark

        try:
            found = read_list(file, HouseMark.of(settings, load_or_create(settings.data_dir)))
        except ListRefused as refused:
            print(refused, file=sys.stderr)
            return 2
        before = await foreseen(pool, found)
        print(f"{len(found.erasures)} erasures, {before.known} of them done here. "
              f"Left: {before.erased}, with {before.people} people and {before.leads} leads.")  # fmt: skip
        if dry_run:
            print("Nothing was erased.")
            return 0
        if before.erased and not yes and not typer.confirm("Erase them for good?"):
            return 1
        return await _apply(settings, pool, found, before.erased)

    run_in_house(work)


async def _apply(settings: Any, pool: Any, found: "ErasureList", left: int) -> int:
    from rich.progress import Progress

    from speedlead.cadence_client import CadenceClient
    from speedlead.clock import SystemClock
    from speedlead.credentials import load_or_create
    from speedlead.erasing import NotErased
    from speedlead.erasure_list import apply as erase_again
    from speedlead.payloads import converter_of
    from speedlead.store import audit
    from speedlead.temporal_link import TemporalRefused, connect_as_set, unreachable

    credentials, clock = load_or_create(settings.data_dir), SystemClock()
    try:
        client = await connect_as_set(settings, converter=converter_of(settings, credentials, pool))
    except (RuntimeError, TemporalRefused) as error:
        print(f"{unreachable(settings, error)}. Nothing was erased.", file=sys.stderr)
        return 1
    change = audit.Change(None, command_line(), None, "erasures apply", None, {"erasures": left})
    async with pool.acquire() as conn:
        line = await audit.begin(conn, change, None, clock.wall())
    try:
        with Progress(transient=not sys.stdout.isatty()) as progress:
            task = progress.add_task("erasing", total=left)
            done = await erase_again(
                pool, CadenceClient(client), clock, credentials.secret_bytes, found, request_id=change.request_id,
                step=lambda: progress.advance(task),
            )  # fmt: skip
    except NotErased as error:
        async with pool.acquire() as conn:
            await audit.end(conn, line, None, 409)
        print(f"{error}. What was erased before stays so: begin this again.", file=sys.stderr)
        return 1
    async with pool.acquire() as conn:
        await audit.end(conn, line, {"erasures": done.erased, "people": done.people, "rows": done.rows}, 200)
    print(f"{done.erased} erasures done again: {done.people} people, {done.rows} rows deleted or blanked.")
    if done.remembered:
        print(f"Temporal did not answer: it keeps {len(done.remembered)} histories until its retention ends",
              file=sys.stderr)  # fmt: skip
    if done.waiting:
        print(f"{done.waiting} webhooks that name them are still to be acted on: `speedlead webhook list` shows them",
              file=sys.stderr)  # fmt: skip
    return 1 if done.remembered or done.waiting else 0
