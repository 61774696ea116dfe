"""The one row that says by which secrets this database was written."""

from pathlib import Path
from typing import Any

from speedlead.credentials import FILE_NAME, Credentials, load_or_create
from speedlead.house_mark import HouseMark, nothing_here
from speedlead.settings import Settings

_KEEP = "update house_mark set secret = $1, payload_keys = $2 where one"


async def use_house(pool: Any, mark: HouseMark, data_dir: Path) -> None:
    """The first start writes it; keys that are new are added. Raises OtherHouse. Several processes may ask at once."""
    async with pool.acquire() as conn, conn.transaction():
        # the row exists before it is locked, so that two first starts cannot pass each other
        await conn.execute(
            "insert into house_mark (secret, payload_keys) values ($1, $2) on conflict do nothing",
            mark.secret, dict(mark.payload_keys),
        )  # fmt: skip
        row = await conn.fetchrow("select secret, payload_keys from house_mark for update")
        recorded = HouseMark(row["secret"], row["payload_keys"])
        mark.compare(recorded, data_dir)
        if not mark.payload_keys.keys() <= recorded.payload_keys.keys():
            await conn.execute(_KEEP, recorded.secret, {**recorded.payload_keys, **mark.payload_keys})


async def credentials_of_house(pool: Any, settings: Settings) -> Credentials:
    """What a command goes on with. Nothing is recorded. Raises OtherHouse, CredentialsError."""
    row = await pool.fetchrow("select secret, payload_keys from house_mark")
    if row is not None and not (settings.data_dir / FILE_NAME).exists():
        raise nothing_here(settings.data_dir)
    credentials = load_or_create(settings.data_dir)
    if row is not None:
        HouseMark.of(settings, credentials).compare(HouseMark(row["secret"], row["payload_keys"]), settings.data_dir)
    return credentials


async def accept(conn: Any, mark: HouseMark) -> bool:
    """False when no process has started yet, so that there is nothing to accept."""
    return bool(await conn.fetchval(f"{_KEEP} returning true", mark.secret, dict(mark.payload_keys)))
