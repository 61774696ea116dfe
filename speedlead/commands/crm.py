"""`speedlead crm …`: HubSpot and Salesforce, told of leads by their own APIs (docs/crm.md)."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from speedlead.commands.hook import noted, with_desk

app = typer.Typer(no_args_is_help=True, help="CRMs that we tell of leads, and that tell us: HubSpot, Salesforce.")
Name = Annotated[str, typer.Argument(help="The name that the file gives it")]


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="YAML, as docs/crm.md says")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing")] = False,
) -> None:
    """Add and change CRMs. With one fault nothing is written, and every fault is listed."""
    from speedlead.checked_yaml import FileFault
    from speedlead.crm.desk import CrmRefused, bring_in
    from speedlead.crm.model import read_file

    async def work(conn: Any, desk: Any) -> int:
        try:
            asked = read_file(file, desk.allowed)
            async with conn.transaction():
                changes = await bring_in(conn, desk.keys, desk.clock, asked, dry_run=dry_run)
                for change in () if dry_run else changes:
                    await noted(conn, "crm add", change.endpoint_id, changed=",".join(change.fields))
        except (FileFault, CrmRefused) as fault:
            print(f"{fault}\nNothing was written.", file=sys.stderr)
            return 1
        for change in changes:
            print(f"{'+' if change.new else '~'} {change.name}{'' if change.new else ': ' + ', '.join(change.fields)}")
        new = sum(change.new for change in changes)
        print(f"{new} new, {len(changes) - new} changed, {len(asked) - len(changes)} as before."
              + " Nothing was written." * dry_run)  # fmt: skip
        return 0

    with_desk(work)


@app.command()
def check(
    name: Name,
    make: Annotated[bool, typer.Option("--make", help="Add the properties that we need (HubSpot)")] = False,
) -> None:
    """Ask it whether the token, the fields and the statuses are as we need them. Leads are not touched."""

    async def work(conn: Any, desk: Any) -> int:
        from speedlead.crm.sending import CrmSender

        row = await _row(conn, name)
        async with desk.sender() as sender:
            found, _ = await CrmSender(conn, desk.clock.wall).check(sender, row, desk.private(row), make=make)
        if make:
            await noted(conn, "crm check", row.id, make="yes")
        for one in found:
            print(f"{'ok   ' if one.wrong is None else 'WRONG'}  {one.what}{': ' + one.wrong if one.wrong else ''}")
        return 0 if all(one.wrong is None for one in found) else 1

    with_desk(work)


@app.command()
def sync(
    name: Name,
    since: Annotated[
        datetime | None, typer.Option(help="Leads that came since then (UTC)", formats=["%Y-%m-%dT%H:%M"])
    ] = None,
    lead: Annotated[str | None, typer.Option(help="One lead, also one that was deleted over there")] = None,
    open_: Annotated[bool, typer.Option("--open", help="All that are open")] = False,
) -> None:
    """Have leads told as they stand now: those that came before the CRM did, or that were deleted over there."""
    import uuid

    if sum((since is not None, lead is not None, open_)) != 1:
        print("Expected one of --since, --lead and --open", file=sys.stderr)
        raise typer.Exit(2)
    try:
        lead_id = str(uuid.UUID(lead)) if lead is not None else None
    except ValueError:
        print(f"--lead: expected the id of a lead, got {lead!r}", file=sys.stderr)
        raise typer.Exit(2) from None
    moment = since.replace(tzinfo=UTC) if since else None

    async def work(conn: Any, desk: Any) -> int:
        from speedlead.store import crm

        row = await _row(conn, name)
        async with conn.transaction():
            many = await crm.tell_anew(conn, row.id, since=moment, lead_id=lead_id, open_only=open_)
            await noted(conn, "crm sync", row.id, leads=str(many))
        print(f"{many} leads are told{'' if row.state == 'on' else ' when it is switched on'}")
        return 0 if many else 1

    with_desk(work)


@app.command(name="list")
def list_() -> None:
    """List the CRMs: how many leads each knows, and when it was last looked at."""

    async def work(conn: Any, desk: Any) -> int:
        from speedlead.store import crm

        print(f"{'name':<20}  {'kind':<10}  {'state':<5}  {'records':>7}  {'deleted':>7}  last look (UTC)")
        for row in await _rows(conn):
            counted, look = await crm.counted(conn, row.id), await crm.looked(conn, row.id)
            when = f"{look.looked_wall:%Y-%m-%d %H:%M:%S}" if look else "never"
            problem = f"  {look.problem}" if look and look.problem else ""
            known = f"{counted.records:>7}  {counted.gone:>7}"
            print(f"{row.name:<20}  {row.kind:<10}  {row.state:<5}  {known}  {when}{problem}")
        return 0

    with_desk(work)


async def _rows(conn: Any) -> Sequence[Any]:
    from speedlead.store import hooks

    return [row for row in await hooks.endpoints(conn) if row.kind != "webhook"]


async def _row(conn: Any, name: str) -> Any:
    found = next((row for row in await _rows(conn) if row.name == name), None)
    if found is None:
        print(f"{name}: expected the name of a CRM; `speedlead crm list` shows them", file=sys.stderr)
        raise typer.Exit(1)
    return found
