"""Does the database take writes, by which clock, and is it of our version?"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import asyncpg

from speedlead.store.migrate import read_migrations

# leases, cookies and signatures are compared across hosts; above this some would be wrong
MOST_SKEW_S = 2.0

# some 140 KB, empty again with every commit: a file that has to grow each time fails on a full disk as rows of ours
# would, and nothing of it is in the log or in a backup
_TABLE = "create temp table if not exists fitness (n int, answered_wall timestamptz) on commit delete rows"
_FILL = "insert into pg_temp.fitness select generate_series(1, 4000)"
_TIME = "update pg_temp.fitness set answered_wall = clock_timestamp() where n = 1 returning answered_wall"
_READ_ONLY = "select pg_is_in_recovery() or current_setting('transaction_read_only')::bool"


@dataclass(frozen=True)
class Asked:
    """`skew_s`: seconds by which our clock is ahead of the database's; the way there and back is divided evenly."""

    read_only: bool
    skew_s: float


async def write_and_ask_time(conn: Any, wall: Callable[[], datetime]) -> Asked:
    """Raises asyncpg.DiskFullError and whatever else a write meets."""
    if await conn.fetchval(_READ_ONLY):
        return Asked(True, 0.0)
    await conn.execute(_TABLE)
    async with conn.transaction():
        await conn.execute(_FILL)
        before = wall()
        theirs: datetime = await conn.fetchval(_TIME)
        after = wall()
    return Asked(False, ((before - theirs) + (after - theirs)).total_seconds() / 2)


def off(skew_s: float) -> str | None:
    """In words, when the clocks are too far apart."""
    if abs(skew_s) <= MOST_SKEW_S:
        return None
    return f"this host is {abs(skew_s):.1f} s {'ahead of' if skew_s > 0 else 'behind'} the database"


async def missing_migrations(pool: "asyncpg.Pool[Any]") -> list[str]:
    """Files of ours that this database has not seen."""
    applied = {row["version"] for row in await pool.fetch("select version from schema_migrations")}
    return [name for version, name in _ours() if version not in applied]


@cache
def _ours() -> list[tuple[str, str]]:
    # once: files of a newer version may be laid over a process that runs
    return [(migration.version, migration.name) for migration in read_migrations()]
