"""The one asyncpg pool of a process; jsonb columns read and write plain Python values."""

import json
from typing import Any

import asyncpg


async def open_pool(database_url: str, *, size: int = 32) -> "asyncpg.Pool[Any]":
    """Raises OSError or asyncpg.PostgresError when the server does not answer."""
    return await asyncpg.create_pool(
        database_url,
        min_size=2,
        max_size=size,
        init=_set_codecs,
        reset=_keep_session,
        command_timeout=20,
        max_inactive_connection_lifetime=60,
    )


async def _set_codecs(connection: Any) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    # ids are text everywhere in our code; asyncpg's own UUID type would leak into contracts
    await connection.set_type_codec("uuid", encoder=str, decoder=str, schema="pg_catalog", format="text")


async def _keep_session(connection: Any) -> None:
    """Nothing of ours outlives its transaction in a session (locks, settings, cursors), so nothing is sent to undo it.

    The driver's default is one more round trip each time a connection is given back.
    """
