"""What changed in the house, where no other table keeps it: files of rules, by their fingerprint, and our people."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

File = Literal["routing", "calendar"]
_NEW = """
insert into house_change (at_wall, kind, what, many, sha256) select $1, $2, 'file', 1, $3
where $3 is distinct from (select sha256 from house_change where kind = $2 order by id desc limit 1)"""


async def note_files(pool: Any, files: Mapping[File, Path], wall: datetime) -> None:
    """At a start: what is in force from now on, where its contents are others than before. Comments count too.

    Several processes may start at once; while old and new ones run side by side it is noted as often as it changes.
    """
    async with pool.acquire() as conn, conn.transaction():
        await conn.execute("select pg_advisory_xact_lock(hashtextextended('house_change', 0))")
        for kind, file in files.items():
            await conn.execute(_NEW, wall, kind, hashlib.sha256(file.read_bytes()).hexdigest())


async def note_people(conn: Any, counts: Mapping[str, int], wall: datetime) -> None:
    """`counts`: a code, such as added or left, and how many people; within the caller's transaction."""
    await conn.executemany(
        "insert into house_change (at_wall, kind, what, many) values ($1, 'people', $2, $3)",
        [(wall, what, many) for what, many in counts.items() if many],
    )
