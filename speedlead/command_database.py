"""The database that a command reads: the one that is set, or that of the `speedlead up` on this data folder."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import typer


def database_url_or_exit(settings: Any) -> str:
    """Exits with 2 where there is none."""
    from speedlead.embedded.where import database_of

    url = database_of(settings)
    if url is None:
        print("SPEEDLEAD_DATABASE_URL: expected while no `speedlead up` runs on this data folder", file=sys.stderr)
        raise typer.Exit(2)
    return url


def with_database(work: Callable[[Any], Awaitable[int]]) -> None:
    """Runs `work(connection)` and exits with its code: 2 without a database, 1 when it does not answer."""
    import asyncpg

    from speedlead.settings import load_settings

    url = database_url_or_exit(load_settings())

    async def connected() -> int:
        connection = await asyncpg.connect(url)
        try:
            await connection.set_type_codec("uuid", encoder=str, decoder=str, schema="pg_catalog", format="text")
            return await work(connection)
        finally:
            await connection.close()

    try:
        code = asyncio.run(connected())
    except OSError as error:
        print(f"The database does not answer: {error}", file=sys.stderr)
        code = 1
    raise typer.Exit(code)
