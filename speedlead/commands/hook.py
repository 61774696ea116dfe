"""`speedlead hook …`: which systems are told of leads by signed webhooks (docs/webhooks.md)."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from speedlead.command_database import database_url_or_exit
from speedlead.whoami import command_line

app = typer.Typer(no_args_is_help=True, help="Webhooks that we send: endpoints, secrets, sending again.")
Name = Annotated[str, typer.Argument(help="The endpoint's name")]


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="YAML, as docs/webhooks.md says")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change and write nothing")] = False,
) -> None:
    """Add and change endpoints. With one fault nothing is written, and every fault is listed."""
    from speedlead.checked_yaml import FileFault
    from speedlead.hooks.desk import HookRefused
    from speedlead.hooks.endpoint import read_file

    async def work(conn: Any, desk: Any) -> int:
        try:
            asked = read_file(file, desk.allowed)
        except FileFault as fault:
            print(f"{fault}\nNothing was written.", file=sys.stderr)
            return 1
        faults = []
        for one in asked:
            try:
                await desk.check(one)
            except HookRefused as refused:
                faults.append(f"{file}: {one.name}: {refused}")
        if faults:
            print("\n".join([*faults, "Nothing was written."]), file=sys.stderr)
            return 1
        async with conn.transaction():
            changes = await desk.bring_in(conn, asked, dry_run=dry_run)
            for change in () if dry_run else changes:
                await noted(
                    conn, "hook import", change.endpoint_id, changed=",".join(name for name, *_ in change.fields)
                )
        for change in changes:
            print(f"{'+' if change.new else '~'} {change.name}")
            for name, before, after in change.fields:
                print(f"    {name}: {after}" if before is None else f"    {name}: {before} → {after}")
            if change.secret and not dry_run:
                print(f"    secret, shown only now: {change.secret}")
        new = sum(change.new for change in changes)
        print(f"{new} new, {len(changes) - new} changed, {len(asked) - len(changes)} as before."
              + " Nothing was written." * dry_run)  # fmt: skip
        return 0

    with_desk(work)


@app.command(name="list")
def list_() -> None:
    """List the endpoints, how they stand, and what waits for them."""

    async def work(conn: Any, desk: Any) -> int:
        from speedlead.hooks.desk import shown
        from speedlead.payload_keys import UnknownKey
        from speedlead.store import hooks

        backlogs = await hooks.backlogs(conn)
        print(f"{'name':<24}  {'state':<8}  {'waiting':>7}  {'given up':>8}  {'last taken (UTC)':<19}  address")
        for row in await hooks.endpoints(conn):
            try:
                address = shown(desk.private(row).url)
            except UnknownKey as error:
                address = f"({error})"
            backlog = backlogs.get(row.id, hooks.Backlog())
            state = "failing" if row.state == "on" and row.failing_since_wall else row.state
            taken = f"{row.taken_wall:%Y-%m-%d %H:%M:%S}" if row.taken_wall else "never"
            print(f"{row.name:<24}  {state:<8}  {backlog.waiting:>7}  {backlog.given_up:>8}  {taken:<19}  {address}")
        return 0

    with_desk(work)


@app.command()
def test(name: Name) -> None:
    """Send one test event now, and show the answer."""

    async def work(conn: Any, desk: Any) -> int:
        row = await _row(conn, name)
        answer = await desk.test(conn, row)
        await noted(conn, "hook test", row.id)
        print(" ".join(str(part) for part in (answer.status, answer.error, f"{answer.ms} ms", answer.excerpt) if part))
        return 0 if answer.status is not None and 200 <= answer.status < 300 else 1

    with_desk(work)


@app.command()
def replay(
    name: Name,
    since: Annotated[
        datetime | None, typer.Option(help="Everything since then (UTC)", formats=["%Y-%m-%dT%H:%M"])
    ] = None,
    event: Annotated[str | None, typer.Option(help="The id of one event")] = None,
    given_up: Annotated[bool, typer.Option("--given-up", help="All that were given up")] = False,
) -> None:
    """Have events sent again, in order and with the ids that they had."""
    import uuid

    if sum((since is not None, event is not None, given_up)) != 1:
        print("Expected one of --since, --event and --given-up", file=sys.stderr)
        raise typer.Exit(2)
    try:
        event_id = str(uuid.UUID(event)) if event is not None else None
    except ValueError:
        print(f"--event: expected the id of an event, got {event!r}", file=sys.stderr)
        raise typer.Exit(2) from None
    moment = since.replace(tzinfo=UTC) if since else None

    async def work(conn: Any, desk: Any) -> int:
        from speedlead.store import hook_queue

        row = await _row(conn, name)
        many = await hook_queue.replay(conn, row.id, since=moment, event_id=event_id, given_up=given_up)
        await noted(conn, "hook replay", row.id, events=str(many))
        print(f"{many} events are sent again{'' if row.state == 'on' else ' when it is switched on'}")
        return 0 if many else 1

    with_desk(work)


@app.command()
def rotate(name: Name) -> None:
    """Make a new secret. The old one signs for 24 hours more, beside it."""

    async def work(conn: Any, desk: Any) -> int:
        row = await _row(conn, name)
        secret = await desk.rotate(conn, row)
        await noted(conn, "hook rotate", row.id)
        print(secret)
        return 0

    with_desk(work)


@app.command()
def schema() -> None:
    """Print the JSON Schema of all events."""
    from speedlead.hooks.events import schema as made

    print(json.dumps(made(), indent=2))


async def _row(conn: Any, name: str) -> Any:
    from speedlead.store import hooks

    found = next((row for row in await hooks.endpoints(conn) if row.name == name), None)
    if found is None:
        print(f"{name}: expected the name of an endpoint; `speedlead hook list` shows them", file=sys.stderr)
        raise typer.Exit(1)
    return found


async def noted(conn: Any, action: str, endpoint_id: str, **asked: str) -> None:
    from speedlead.clock import SystemClock
    from speedlead.store import audit, hooks

    change = audit.Change(None, command_line(), None, action, endpoint_id, asked)
    number = await audit.begin(conn, change, None, SystemClock().wall())
    await audit.end(conn, number, await hooks.facts(conn, endpoint_id), 0)


def with_desk(work: Callable[[Any, Any], Awaitable[int]]) -> None:
    """Runs `work(connection, desk)` in the house of this data folder, and exits with its code."""
    from speedlead.clock import SystemClock
    from speedlead.credentials import CredentialsError
    from speedlead.hooks.desk import HookRefused, desk_of
    from speedlead.house_mark import OtherHouse
    from speedlead.payload_keys import UnknownKey
    from speedlead.settings import load_settings
    from speedlead.store.house_marks import credentials_of_house
    from speedlead.store.pool import open_pool

    settings = load_settings()
    url = database_url_or_exit(settings)

    async def connected() -> int:
        async with await open_pool(url, size=2) as pool:
            # sealed by another house's key, it would be closed to this one
            desk = desk_of(settings, await credentials_of_house(pool, settings), SystemClock())
            async with pool.acquire() as conn:
                return await work(conn, desk)

    try:
        code = asyncio.run(connected())
    except (OtherHouse, CredentialsError) as error:
        print(error, file=sys.stderr)
        code = 2
    except (UnknownKey, HookRefused) as error:
        print(error, file=sys.stderr)
        code = 1
    except OSError as error:
        print(f"The database does not answer: {error}", file=sys.stderr)
        code = 1
    raise typer.Exit(code)
