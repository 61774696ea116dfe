"""`speedlead rep hand-over`: the open leads of somebody who leaves or is away go to others."""

import asyncio
import sys
from typing import Annotated, Any

import typer

from speedlead.domain.hand_over import NoRoom


def hand_over(
    rep: Annotated[str, typer.Argument(help="E-mail address of the rep whose leads go to others")],
    to: Annotated[str | None, typer.Option("--to", help="E-mail address of the one who gets all of them")] = None,
    spread: Annotated[bool, typer.Option("--spread", help="Among all who have room, by load and weight")] = False,
    reason: Annotated[str, typer.Option(help="As the leads' stories say it")] = "handed_over",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show who would get how many and change nothing")] = False,
) -> None:
    """Hand all open leads of a rep over. Begun again after a stop, it goes on with those that are left."""
    from speedlead.credentials import CredentialsError
    from speedlead.embedded.where import database_of
    from speedlead.house_mark import OtherHouse
    from speedlead.settings import load_settings

    if (to is None) != spread:
        print("expected either --to REP or --spread", file=sys.stderr)
        raise typer.Exit(2)
    if not 0 < len(reason) <= 80 or not reason.isprintable():
        print("--reason: expected 1 to 80 printable characters", file=sys.stderr)
        raise typer.Exit(2)
    settings = load_settings()
    url = database_of(settings)
    if url is None:
        print("SPEEDLEAD_DATABASE_URL: expected while no `speedlead up` runs on this data folder", file=sys.stderr)
        raise typer.Exit(2)
    try:
        code = asyncio.run(_hand_over(settings, url, rep, to, reason, dry_run))
    except (OtherHouse, CredentialsError) as error:
        print(error, file=sys.stderr)
        code = 2
    except (OSError, NoRoom, LookupError, RuntimeError) as error:
        print(f"{error}. Nothing was changed.", file=sys.stderr)
        code = 1
    raise typer.Exit(code)


async def _hand_over(settings: Any, url: str, rep: str, to: str | None, reason: str, dry_run: bool) -> int:
    from speedlead.clock import SystemClock
    from speedlead.steer_command import CONNECTIONS, carry_out
    from speedlead.store.hand_over import begin_hand_over, plan_hand_over, rep_named
    from speedlead.store.house_marks import credentials_of_house
    from speedlead.store.pool import open_pool
    from speedlead.whoami import command_line

    pool = await open_pool(url, size=CONNECTIONS)
    try:
        await credentials_of_house(pool, settings)
        async with pool.acquire() as conn:
            whose = await _named(conn, rep, "REP")
            heir = None if to is None else await _named(conn, to, "--to")
            plan = await plan_hand_over(conn, whose[0], heir and heir[0])
            for rep_id in dict.fromkeys(plan.values()):
                found = await rep_named(conn, rep_id)
                print(f"{found[1] if found else rep_id}: {list(plan.values()).count(rep_id)}")
        print(f"{len(plan)} open leads of {whose[1]}." + (" Nothing was changed." * dry_run))
        if dry_run or not plan:
            return 0
        async with pool.acquire() as conn, conn.transaction():
            run_id = await begin_hand_over(
                conn, whose[0], plan, reason, role=command_line(), account_id=None, wall=SystemClock().wall()
            )
        return await carry_out(pool, settings, run_id)
    finally:
        await pool.close()


async def _named(conn: Any, name: str, field: str) -> tuple[str, str]:
    from speedlead.store.hand_over import rep_named

    found = await rep_named(conn, name)
    if found is None:
        raise LookupError(f"{field}: expected the e-mail address of a rep, got {name!r}")
    return found
