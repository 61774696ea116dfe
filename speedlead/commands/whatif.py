"""`speedlead whatif`: the leads of the last weeks under another plan, other people or other cover."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Play the leads of the last weeks under another plan, team or on-call cover.")


@app.callback(invoke_without_command=True)
def whatif(
    plan: Annotated[str | None, typer.Option(help="A plan's file, its name, or a version such as inbound:7")] = None,
    team: Annotated[
        Path | None, typer.Option(help="People as for `speedlead rep import`; without it those of now")
    ] = None,
    cover: Annotated[
        str | None, typer.Option(help="On-call cover on top: '{zone: Europe/Berlin, hours: {sat: 09:00-18:00}}'")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="Of how many days")] = 30,
    most: Annotated[
        int, typer.Option(min=1, max=100_000, help="So many leads are played, from all over the days")
    ] = 500,
    zone: Annotated[str, typer.Option(help="Of the hours in the staffing table")] = "UTC",
    call_minutes: Annotated[
        float, typer.Option(min=0.1, max=240, help="How long a call holds somebody; 3 is a guess")
    ] = 3.0,
    within: Annotated[
        float, typer.Option(min=0, max=86_400, help="Seconds in which 95 % of calls find somebody free")
    ] = 180.0,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with all 168 hours")] = False,
) -> None:
    """How attempts, deadlines and load would have moved, and how many people each hour needs."""
    import asyncpg

    from speedlead.checked_yaml import FileFault
    from speedlead.command_database import database_url_or_exit
    from speedlead.settings import load_settings
    from speedlead.store.transactions import StoreUnavailable
    from speedlead.whatif import console, told
    from speedlead.whatif.work import Frame, WhatIfRefused

    settings = load_settings()
    url = database_url_or_exit(settings)
    wish = console.Wish(plan, team, cover, Frame(days, most, zone, call_minutes * 60, within))
    try:
        found = console.answer(settings, url, wish, quiet=as_json)
    except FileFault as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    except WhatIfRefused as error:
        print(f"--{error.field.replace('_', '-')}: {error.text}", file=sys.stderr)
        raise typer.Exit(2) from None
    except (OSError, StoreUnavailable, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print(f"The database does not answer: {type(error).__name__}: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps(told.as_json(found), indent=2))
    else:
        console.show(found)
