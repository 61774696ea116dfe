"""The newest zone data that anything in this database was ever decided by: rules of law never go backwards."""

from typing import Any

from speedlead.tzdata_version import OlderData, order

TZDATA = "tzdata"


async def use_tzdata(pool: Any, installed: str) -> None:
    """Notes the release; raises OlderData when a newer one has been in use here. Several processes may ask at once."""
    async with pool.acquire() as connection, connection.transaction():
        # the row exists before it is locked, so that two first starts cannot pass each other
        await connection.execute(
            "insert into data_release (name, release) values ($1, $2) on conflict do nothing", TZDATA, installed
        )
        recorded = await connection.fetchval("select release from data_release where name = $1 for update", TZDATA)
        if order(installed) < order(recorded):
            raise OlderData(installed, recorded)
        if order(installed) > order(recorded):
            await connection.execute("update data_release set release = $2 where name = $1", TZDATA, installed)


async def newest_tzdata(connection: Any) -> str | None:
    """None before the first worker has started."""
    found: str | None = await connection.fetchval("select release from data_release where name = $1", TZDATA)
    return found
