"""`speedlead revenue …`: what leads brought and cost, from the bookkeeping's file."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from speedlead.command_database import with_database

app = typer.Typer(no_args_is_help=True, help="What leads brought and cost, from the bookkeeping (docs/roi.md).")


@app.callback()
def revenue() -> None:
    """What leads brought and cost, from the bookkeeping (docs/roi.md)."""


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV: reference, kind, date, amount, currency, lead or email")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing")] = False,
) -> None:
    """Add and change entries by their reference. With one bad row nothing is written, and every bad row is listed."""
    from speedlead.clock import SystemClock
    from speedlead.domain.review_week import day_of
    from speedlead.roi.ledger import LedgerError, load_ledger
    from speedlead.settings import load_settings

    # an entry of tomorrow is a mistake, and which day it is, the house says
    today = day_of(SystemClock().wall(), load_settings().house_zone)
    try:
        entries = load_ledger(file, today)
    except LedgerError as error:
        print(f"{error}\nNothing was written.", file=sys.stderr)
        raise typer.Exit(1) from None
    with_database(lambda conn: _import(conn, entries, str(file), dry_run))


async def _import(conn: Any, entries: Any, name: str, dry_run: bool) -> int:
    from decimal import Decimal

    from speedlead.clock import SystemClock
    from speedlead.store import audit
    from speedlead.store.ledger import LedgerRefused, import_entries
    from speedlead.whoami import command_line

    wall = SystemClock().wall()
    await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    try:
        async with conn.transaction():
            done = await import_entries(conn, entries, name, wall, dry_run=dry_run)
            if not dry_run and (done.new or done.changed):
                asked = {"new": done.new, "changed": len(done.changed)}
                change = audit.Change(None, command_line(), None, "revenue import", None, asked)
                await audit.end(conn, await audit.begin(conn, change, None, wall), None, 0)
    except LedgerRefused as error:
        print(f"{error}\nNothing was written.", file=sys.stderr)
        return 1
    for line in done.changed:
        print(f"~ {line}")
    totals: dict[tuple[str, str], Decimal] = {}
    for entry in entries:
        totals[entry.kind, entry.currency] = totals.get((entry.kind, entry.currency), Decimal(0)) + entry.amount
    for (kind, code), total in sorted(totals.items()):
        print(f"{kind}: {total:,f} {code}")
    print(f"{done.new} new, {len(done.changed)} changed, {done.same} as before." + " Nothing was written." * dry_run)
    return 0
