"""`speedlead webhook …`: what providers told us, as it came: list it, have it acted on again, delete a person's."""

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from speedlead.command_database import with_database

app = typer.Typer(no_args_is_help=True, help="Webhooks as they came: list, act again, delete.")

WAIT_S = 15.0


@app.command(name="list")
def list_(
    failed: Annotated[bool, typer.Option("--failed", help="Only those that are not done")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
) -> None:
    """List the verified webhooks that are kept, newest first, without what they say."""
    with_database(lambda conn: _list(conn, failed, limit))


@app.command()
def replay(
    webhook_ids: Annotated[list[str] | None, typer.Argument(help="Ids, or their first characters")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that were given up")] = False,
    since: Annotated[
        datetime | None, typer.Option(help="All that came since then (UTC), done or not", formats=["%Y-%m-%dT%H:%M"])
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say which")] = False,
) -> None:
    """Have webhooks acted on again by the running gateway. What was done before is known and changes nothing."""
    prefixes = [text.strip().lower() for text in webhook_ids or []]
    for text in prefixes:
        if len(text) < 4 or set(text) - set("0123456789abcdef-"):
            print(f"{text}: expected an id, or at least its first four characters; `speedlead webhook list` shows them",
                  file=sys.stderr)  # fmt: skip
            raise typer.Exit(2)
    if not (prefixes or failed or since):
        print("Expected ids, --failed or --since", file=sys.stderr)
        raise typer.Exit(2)
    with_database(lambda conn: _replay(conn, prefixes, failed, since and since.replace(tzinfo=UTC), dry_run))


@app.command()
def forget(
    about: Annotated[list[str], typer.Argument(help="Ids of leads, e-mail addresses, numbers in E.164 form")],
) -> None:
    """Delete kept webhooks, calls to our number and strangers' messages that name somebody, as erasure asks for."""
    with_database(lambda conn: _forget(conn, [text.strip().lower() for text in about]))


async def _list(conn: Any, failed: bool, limit: int) -> int:
    from speedlead.store import webhooks

    _show(await webhooks.listed(conn, failed=failed, limit=limit))
    return 0


async def _replay(conn: Any, prefixes: list[str], failed: bool, since: datetime | None, dry_run: bool) -> int:
    from speedlead.clock import SystemClock
    from speedlead.store import webhooks

    rows = await webhooks.chosen(conn, prefixes, failed=failed, since=since)
    missing = [text for text in prefixes if not any(row["id"].startswith(text) for row in rows)]
    if missing:
        print(f"{missing[0]}: no such webhook is kept; `speedlead webhook list` shows them", file=sys.stderr)
        return 1
    _show(rows)
    questions = sum(row["path"] in webhooks.NEVER_AGAIN for row in rows)
    if questions:
        print(f"{questions} of them are a call's questions, which are never asked again")
    chosen = [row["id"] for row in rows if row["path"] not in webhooks.NEVER_AGAIN]
    if dry_run or not chosen:
        print(f"{len(chosen)} would be acted on again" if dry_run else "nothing to act on again")
        return 0
    print(f"{await webhooks.replay(conn, chosen, SystemClock().wall())} handed to the gateway")
    states, until = await webhooks.states(conn, chosen), time.monotonic() + WAIT_S
    while states.get("waiting") and time.monotonic() < until:
        await asyncio.sleep(0.3)
        states = await webhooks.states(conn, chosen)
    print(", ".join(f"{states[state]} {state}" for state in ("done", "waiting", "failed") if states.get(state)))
    if states.get("waiting"):
        print("What waits is tried again later; if all of it waits, does a gateway run?", file=sys.stderr)
    return 0 if set(states) <= {"done"} else 1


async def _forget(conn: Any, about: list[str]) -> int:
    from speedlead.store import webhooks

    deleted, left = await webhooks.forget(conn, about)
    print(f"{deleted} deleted" + (f", {left} still to be acted on: ask again when they are done" if left else ""))
    return 1 if left else 0


def _show(rows: list[Any]) -> None:
    """One line each, for eyes and for grep."""
    print(f"{'id':<8}  {'came (UTC)':<19}  {'what':<23}  {'state':<7}  {'tries':>5}  why, next try")
    for row in rows:
        due = row["next_try_wall"]
        why = " ".join(part for part in (row["reason"], f"(next {due:%m-%d %H:%M:%S})" if due else "") if part)
        what = f"{row['provider']} {row['path']}"
        print(f"{row['id'][:8]}  {row['received_wall']:%Y-%m-%d %H:%M:%S}  {what:<23}  {row['state']:<7}  "
              f"{row['tries']:>5}  {why}".rstrip())  # fmt: skip
