"""`speedlead lead erase` and `lead export`: everything about one person goes, or is given out."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from speedlead.command_database import database_url_or_exit
from speedlead.intake_text import one_line
from speedlead.whoami import command_line

Lead = Annotated[str | None, typer.Argument(help="The id of one of the person's leads, or its first eight characters")]
Email = Annotated[str | None, typer.Option("--email", help="Or the person's e-mail address")]
Phone = Annotated[str | None, typer.Option("--phone", help="Or the person's number, E.164; erase: all who share it")]


def erase(
    lead: Lead = None,
    email: Email = None,
    phone: Phone = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
) -> None:
    """Erase a person for good: leads stay without anybody's name, for counting, and opt-outs still hold."""
    run_in_house(lambda settings, pool: _erase(settings, pool, _asked(lead, email, phone), dry_run, yes))


def export(
    lead: Lead = None,
    email: Email = None,
    phone: Phone = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="FILE.zip, .json or .html; without it, JSON is printed")
    ] = None,
) -> None:
    """Give out everything about a person, to be read by people and by programs."""
    if out is not None and out.suffix not in (".zip", ".json", ".html"):
        print(f"--out {out}: expected a name that ends in .zip, .json or .html", file=sys.stderr)
        raise typer.Exit(2)
    run_in_house(lambda settings, pool: _export(settings, pool, _asked(lead, email, phone), out))


def add_person_commands(app: typer.Typer) -> None:
    app.command()(erase)
    app.command()(export)


def _asked(lead: str | None, email: str | None, phone: str | None) -> tuple[str, str]:
    """(what kind, value) of exactly one way to name somebody."""
    given = {"LEAD": lead, "--email": email, "--phone": phone}
    named = [(kind, one_line(value).strip()) for kind, value in given.items() if value]
    if len(named) != 1:
        print("expected exactly one of a lead's id, --email and --phone", file=sys.stderr)
        raise typer.Exit(2)
    kind, value = named[0]
    if kind == "--email" and "@" not in value:
        print(f"--email: expected an e-mail address, got {value!r}", file=sys.stderr)
        raise typer.Exit(2)
    if kind == "--phone" and not (value.startswith("+") and value[1:].isdigit()):
        print(f"--phone: expected a number in E.164 form such as +14155552671, got {value!r}", file=sys.stderr)
        raise typer.Exit(2)
    return kind, value.lower()


def run_in_house(work: Callable[[Any, Any], Awaitable[int]]) -> None:
    """`work(settings, pool)` in the house that these credentials belong to; exits the command with its code."""
    from speedlead.credentials import CredentialsError
    from speedlead.house_mark import OtherHouse
    from speedlead.settings import load_settings
    from speedlead.store.house_marks import credentials_of_house
    from speedlead.store.pool import open_pool
    from speedlead.store.transactions import StoreUnavailable

    settings = load_settings()
    url = database_url_or_exit(settings)

    async def connected() -> int:
        pool = await open_pool(url, size=2)
        try:
            await credentials_of_house(pool, settings)
            return await work(settings, pool)
        finally:
            await pool.close()

    try:
        code = asyncio.run(connected())
    except (OtherHouse, CredentialsError) as error:
        print(error, file=sys.stderr)
        code = 2
    except (OSError, StoreUnavailable) as error:
        print(f"The database does not answer: {error}", file=sys.stderr)
        code = 1
    raise typer.Exit(code)


async def _found(conn: Any, kind: str, value: str) -> Any:
    """Everything of those who are meant; None, with a line, where nobody is."""
    from speedlead.commands.lead import full_id
    from speedlead.store import erasure

    if kind == "LEAD":
        lead_id = await full_id(conn, value)
        person = await erasure.person_of_lead(conn, lead_id) if lead_id else None
        if person is None:
            print(f"{value}: no such lead, or more than one begins like this; `speedlead lead list` shows them",
                  file=sys.stderr)  # fmt: skip
            return None
        return await erasure.all_of(conn, [person])
    whose = await erasure.all_of(conn, await erasure.people_with(conn, value), (value,))
    if not await erasure.read_all(conn, whose):
        print(f"{kind} {value}: we hold nothing of such a person", file=sys.stderr)
        return None
    return whose


def _leads(of_each: list[list[str]]) -> str:
    """One lead of each person, as `speedlead lead show` takes it."""
    return ", ".join(leads[0] for leads in of_each)


async def _erase(settings: Any, pool: Any, asked: tuple[str, str], dry_run: bool, yes: bool) -> int:
    from speedlead.cadence_client import CadenceClient
    from speedlead.clock import SystemClock
    from speedlead.credentials import load_or_create
    from speedlead.erasing import NotErased, erase_people
    from speedlead.payloads import converter_of
    from speedlead.store import audit, erasure
    from speedlead.store.personal_data import titles
    from speedlead.temporal_link import TemporalRefused, connect_as_set, unreachable

    async with pool.acquire() as conn:
        whose = await _found(conn, *asked)
        if whose is None:
            return 1
        counted = titles(await erasure.count(conn, whose))
        others = {other for person in whose.people for other in await erasure.maybe_the_same(conn, person)}
        others_leads = await erasure.leads_of_each(conn, sorted(others - {*whose.people}))
    for what, many in counted.items():
        print(f"{many:>6}  {what}")
    print(f"{len(whose.people)} person(s), {len(whose.leads)} leads, {len(whose.open_leads)} of them open")
    if others_leads:
        print(f"Perhaps the same, and not erased with this: {_leads(others_leads)}")
    if dry_run:
        print("Nothing was erased.")
        return 0
    if not yes and not typer.confirm("Erase this for good?"):
        return 1
    credentials, clock = load_or_create(settings.data_dir), SystemClock()
    try:
        client = await connect_as_set(settings, converter=converter_of(settings, credentials, pool))
    except (RuntimeError, TemporalRefused) as error:
        print(f"{unreachable(settings, error)}. Nothing was erased.", file=sys.stderr)
        return 1
    about = {"people": len(whose.people), "leads": len(whose.leads)}
    change = audit.Change(None, command_line(), None, "lead erase", whose.leads[0] if whose.leads else None, about)
    async with pool.acquire() as conn:
        line = await audit.begin(conn, change, None, clock.wall())
    contacts = () if asked[0] == "LEAD" else (asked[1],)
    try:
        done = await erase_people(
            pool, CadenceClient(client), clock, credentials.secret_bytes, list(whose.people), contacts, by="ops",
            request_id=change.request_id,
        )  # fmt: skip
    except NotErased as error:
        async with pool.acquire() as conn:
            await audit.end(conn, line, None, 409)
        print(f"{error}.", file=sys.stderr)
        return 1
    async with pool.acquire() as conn:
        await audit.end(conn, line, {"rows": sum(done.rows.values())}, 200)
    print(f"Erased. {sum(done.rows.values())} rows deleted or blanked.")
    if done.remembered:
        print(f"Temporal did not answer: it keeps {len(done.remembered)} histories until its retention ends",
              file=sys.stderr)  # fmt: skip
    if done.waiting:
        print(f"{done.waiting} webhooks that name the person are still to be acted on: run this again in some minutes",
              file=sys.stderr)  # fmt: skip
    return 1 if done.waiting or done.remembered else 0


async def _export(settings: Any, pool: Any, asked: tuple[str, str], out: Path | None) -> int:
    from speedlead.clock import SystemClock
    from speedlead.export import as_html, as_json, as_zip
    from speedlead.store import audit, erasure

    wall = SystemClock().wall()
    async with pool.acquire() as conn:
        whose = await _found(conn, *asked)
        if whose is None:
            return 1
        if len(whose.people) > 1:
            leads = await erasure.leads_of_each(conn, list(whose.people))
            print(f"{asked[0]} {asked[1]}: {len(whose.people)} people share it, and nobody is given what is another's. "
                  f"Export one of them by a lead: {_leads(leads)}", file=sys.stderr)  # fmt: skip
            return 1
        rows = await erasure.read_all(conn, whose)
        change = audit.Change(None, command_line(), None, "lead export", whose.leads[0] if whose.leads else None, {})
        await audit.end(conn, await audit.begin(conn, change, None, wall), None, 200)
    kinds: dict[str, Callable[..., str | bytes]] = {".zip": as_zip, ".html": as_html, ".json": as_json}
    made = kinds[out.suffix if out else ".json"](rows, settings.company_name, wall)
    if out is None:
        print(made)
        return 0
    try:
        out.touch(mode=0o600)
        out.write_bytes(made if isinstance(made, bytes) else made.encode())
    except OSError as error:
        print(f"--out {out}: cannot be written: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{sum(map(len, rows.values()))} rows of {len(rows)} tables in {out}")
    return 0
