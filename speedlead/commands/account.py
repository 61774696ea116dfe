"""`speedlead account …`: who may sign in. Nobody has a password until the person has chosen one; links let them in."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from speedlead.whoami import command_line

app = typer.Typer(no_args_is_help=True, help="Who may sign in: list, add, link, role, disable, enable, unlink.")

Email = Annotated[str, typer.Argument(help="The account's e-mail address")]


@app.command(name="list")
def list_() -> None:
    """List the accounts with their roles."""

    async def work(conn: Any) -> None:
        from speedlead.store.accounts import accounts

        print(f"{'e-mail':<36}  {'role':<9}  {'signs in by':<11}  {'rep':<20}  seen (UTC)")
        for found in await accounts(conn):
            by = ("password" if found.has_password else "link") if found.active else "closed"
            seen = f"{found.seen_wall:%Y-%m-%d %H:%M}" if found.seen_wall else "–"
            print(f"{found.email:<36}  {found.role:<9}  {by:<11}  {found.rep_name or '–':<20}  {seen}")

    _with_database(work)


@app.command()
def add(
    email: Email,
    role: Annotated[str, typer.Option(help="rep, manager, ops, marketing, analyst, support or admin")] = "rep",
    name: Annotated[str, typer.Option(help="As others see it; empty is the address")] = "",
) -> None:
    """Add somebody, and print a link that lets this person in once within an hour."""
    known = _role(role)

    async def work(conn: Any) -> None:
        from speedlead.clock import SystemClock
        from speedlead.store import accounts

        made = await accounts.add_account(conn, email, name, known, SystemClock().wall())
        await _noted(conn, "account add", made.account_id, role=known)
        await _print_link(conn, made.account_id)
        if known == "rep" and made.rep_name is None:
            print(f"no rep has the address {made.email} yet: the account sees no leads until one has "
                  "(`speedlead rep import`, or /people)", file=sys.stderr)  # fmt: skip

    _with_database(work)


@app.command()
def link(email: Email) -> None:
    """Print a link that lets somebody in once within an hour; an earlier one stops working."""

    async def work(conn: Any) -> None:
        account_id = await _found(conn, email)
        await _noted(conn, "account link", account_id)
        await _print_link(conn, account_id)

    _with_database(work)


@app.command()
def role(email: Email, role: Annotated[str, typer.Argument(help="The new role")]) -> None:
    """Change what somebody may do; it holds at once."""
    known = _role(role)

    async def work(conn: Any) -> None:
        from speedlead.store import accounts

        account_id = await _found(conn, email)
        await accounts.set_role(conn, account_id, known)
        await _noted(conn, "account role", account_id, role=known)

    _with_database(work)


@app.command()
def disable(email: Email) -> None:
    """Shut somebody out, at once and everywhere."""
    _set_active(email, False)


@app.command()
def enable(email: Email) -> None:
    """Let somebody in again, with the password of before or by a link."""
    _set_active(email, True)


@app.command()
def unlink(email: Email) -> None:
    """Forget which identity at the company opens the account; the next one with its verified address does."""

    async def work(conn: Any) -> None:
        from speedlead.store import company_sign_in
        from speedlead.store.accounts import AccountRefused

        account_id = await _found(conn, email)
        if not await company_sign_in.unlink(conn, account_id):
            raise AccountRefused("email", "expected an account that somebody has opened with a company account")
        await _noted(conn, "account unlink", account_id)

    _with_database(work)


def _set_active(email: str, active: bool) -> None:
    async def work(conn: Any) -> None:
        from speedlead.store import accounts

        account_id = await _found(conn, email)
        await accounts.set_active(conn, account_id, active)
        await _noted(conn, "account enable" if active else "account disable", account_id)

    _with_database(work)


def _role(text: str) -> str:
    from speedlead.gateway.access.table import Role

    if text not in list(Role):
        print(f"role: expected one of {', '.join(Role)}, got {text!r}", file=sys.stderr)
        raise typer.Exit(2)
    return text


async def _found(conn: Any, email: str) -> str:
    from speedlead.store.accounts import AccountRefused, account_of

    found = await account_of(conn, email)
    if found is None:
        raise AccountRefused("email", "expected the address of an account; `speedlead account list` shows them")
    return found.account_id


async def _noted(conn: Any, action: str, account_id: str, **asked: str) -> None:
    from speedlead.clock import SystemClock
    from speedlead.store import audit

    change = audit.Change(None, command_line(), None, action, account_id, asked)
    await audit.end(conn, await audit.begin(conn, change, None, SystemClock().wall()), None, 0)


async def _print_link(conn: Any, account_id: str) -> None:
    from speedlead.clock import SystemClock
    from speedlead.settings import load_settings
    from speedlead.store.accounts import make_link

    token = await make_link(conn, account_id, SystemClock().wall())
    print(f"{load_settings().staff_url}/sign-in/link/{token}")


def _with_database(work: Callable[[Any], Awaitable[None]]) -> None:
    from speedlead.embedded.where import database_of
    from speedlead.settings import load_settings
    from speedlead.store.accounts import AccountRefused
    from speedlead.store.pool import open_pool
    from speedlead.store.transactions import StoreUnavailable, transact

    url = database_of(load_settings())
    if url is None:
        print("SPEEDLEAD_DATABASE_URL: expected while no `speedlead up` runs on this data folder", file=sys.stderr)
        raise typer.Exit(2)

    async def connected() -> None:
        async with await open_pool(url, size=2) as pool:
            await transact(pool, work)

    try:
        asyncio.run(connected())
    except AccountRefused as refused:
        print(f"{refused.field}: {refused.text}", file=sys.stderr)
        raise typer.Exit(2) from None
    except (OSError, StoreUnavailable) as error:
        print(f"The database does not answer: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
