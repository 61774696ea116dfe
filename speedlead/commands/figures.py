"""`speedlead figures …`: what reports keep of each lead, written at once and compared with the events."""

from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="What reports keep of each lead, so that they need not count all events.")


@app.command()
def write(
    every: Annotated[bool, typer.Option("--all", help="Every lead, not only those that have changed.")] = False,
) -> None:
    """Write it now, as the worker does every five seconds. Figures are right, and slow, as long as it is not done."""
    from speedlead.command_database import with_database

    async def work(conn: Any) -> int:
        from rich.progress import Progress

        from speedlead.store import rollup

        if every:
            await rollup.mark_all(conn)
        left, done = await rollup.waiting(conn), 0
        with Progress(transient=True) as progress:
            task = progress.add_task("leads", total=left)
            async for leads in rollup.write_all(conn):
                done += leads
                progress.update(task, completed=min(done, left))
        print(f"{left:,} leads are written anew.")
        return 0

    with_database(work)


@app.command()
def check(
    leads: Annotated[int, typer.Option(min=1, max=100_000, help="So many, by lot.")] = 1_000,
) -> None:
    """Compare it with the events. Exits with 1 where something differs; that is written anew."""
    from speedlead.command_database import with_database

    async def work(conn: Any) -> int:
        from speedlead.clock import SystemClock
        from speedlead.store import rollup

        async with conn.transaction():
            found = await rollup.compare(conn, leads, SystemClock().wall())
        print(f"{found.differ:,} of {found.leads:,} leads differ" + (": they are marked." if found.differ else "."))
        return 1 if found.differ else 0

    with_database(work)
