"""`speedlead company …`: what we know ourselves of companies, by the domain of their mail."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from speedlead.command_database import with_database

app = typer.Typer(no_args_is_help=True, help="What we know ourselves of companies (docs/enrichment.md).")


@app.callback()
def company() -> None:
    """What we know ourselves of companies (docs/enrichment.md)."""


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV: domain, name, employees, industry, tier, named, owner, note")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take out companies that the file does not have")] = False,
) -> None:
    """Add and change companies by their domain. With one bad row nothing is written, and every bad row is listed."""
    from speedlead.enrichment.companies import CompaniesError, load_companies

    with _bar() as bar:
        reading = bar.add_task("Reading", total=None)
        try:
            listed = load_companies(file, lambda: bar.advance(reading))
        except CompaniesError as error:
            bar.stop()
            print(f"{error}\nNothing was written.", file=sys.stderr)
            raise typer.Exit(1) from None
    with_database(lambda conn: _import(conn, listed, str(file), dry_run=dry_run, remove=remove))


def _bar() -> Any:
    """Beside what is printed, and gone at the end; nothing where nobody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


async def _import(conn: Any, listed: Any, name: str, *, dry_run: bool, remove: bool) -> int:
    from speedlead.clock import SystemClock
    from speedlead.store import audit
    from speedlead.store.companies import CompaniesRefused, import_companies
    from speedlead.whoami import command_line

    wall = SystemClock().wall()
    await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    try:
        async with conn.transaction():
            with _bar() as bar:
                writing = bar.add_task("Writing", total=None)
                done = await import_companies(
                    conn, listed, name, wall, remove=remove, dry_run=dry_run,
                    written=lambda done, of: bar.update(writing, completed=done, total=of),
                )  # fmt: skip
            if not dry_run and (done.new or done.changed or done.removed):
                asked = {"new": len(done.new), "changed": len(done.changed), "removed": len(done.removed)}
                change = audit.Change(None, command_line(), None, "company import", None, asked)
                await audit.end(conn, await audit.begin(conn, change, None, wall), None, 0)
    except CompaniesRefused as error:
        print(f"{error}\nNothing was written.", file=sys.stderr)
        return 1
    for sign, domains in (("+", done.new), ("~", done.changed), ("-", done.removed)):
        for domain in domains:
            print(f"{sign} {domain}")
    print(
        f"{len(done.new)} new, {len(done.changed)} changed, {len(done.removed)} removed, {done.same} as before."
        + " Nothing was written." * dry_run
    )
    return 0


@app.command()
def show(domain: Annotated[str, typer.Argument(help="Such as acme.com")]) -> None:
    """What is known of a company, by whom, and until when that is good."""
    from speedlead.enrichment.mail_domains import domain_of, kind_of, parents_of

    name = domain_of(domain)
    if name is None:
        print(f"DOMAIN: expected a domain such as acme.com, got {domain!r}", file=sys.stderr)
        raise typer.Exit(2)
    print(f"{name}: {(kind_of(name) or '').replace('_', ' ')}, by the lists of mail services")
    with_database(lambda conn: _show(conn, name, parents_of(name)))


async def _show(conn: Any, domain: str, parents: tuple[str, ...]) -> int:
    from speedlead.store.companies import known_company

    await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    for line in await known_company(conn, domain, parents):
        print(line)
    return 0
