"""`speedlead credentials …`: which secrets the database belongs to."""

import sys
from typing import Annotated, Any

import typer

from speedlead.command_database import with_database
from speedlead.whoami import command_line

app = typer.Typer(no_args_is_help=True, help="The secrets that the database belongs to: accept others.")

_LOST = (
    "Links and unsubscribe addresses that were sent stop working, opt-outs of erased people are not recognised any "
    "more, and what Temporal carries under the old payload key cannot be read."
)


@app.command()
def accept(yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False) -> None:
    """Go on with the secrets of this data folder, when those that the database was written with are lost."""
    if not yes:
        print(_LOST, file=sys.stderr)
        typer.confirm("Go on with the secrets of this data folder?", abort=True, err=True)
    with_database(_accept)


async def _accept(conn: Any) -> int:
    import json

    from speedlead.clock import SystemClock
    from speedlead.credentials import CredentialsError, load_or_create
    from speedlead.house_mark import HouseMark
    from speedlead.settings import load_settings
    from speedlead.store import audit, house_marks

    settings = load_settings()
    try:
        mark = HouseMark.of(settings, load_or_create(settings.data_dir))
    except CredentialsError as error:
        print(error, file=sys.stderr)
        return 2
    await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    async with conn.transaction():
        if not await house_marks.accept(conn, mark):
            print("Nothing to accept: no process has started on this database yet")
            return 0
        change = audit.Change(None, command_line(), None, "credentials accept", None, {})
        await audit.end(conn, await audit.begin(conn, change, None, SystemClock().wall()), None, 0)
    print(f"This database belongs to {settings.data_dir / 'credentials.json'} now; start the processes again")
    return 0
