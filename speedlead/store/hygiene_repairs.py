"""What is written otherwise by itself, saying the same: done under the person's lock, recorded, and undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

from speedlead import ids
from speedlead.domain.hygiene import Repair
from speedlead.store.rows import lock_person
from speedlead.store.transactions import PersonGone

# only what still stands there is changed; an address that is another row already is a duplicate, and nobody's repair
_CHANGE = {
    "name": "update person set name = $3 where id = $1 and name = $2",
    "company": "update person set company = $3 where id = $1 and company = $2",
    "email": """update person_email set address = $3 where person_id = $1 and address = $2
        and not exists (select from person_email where address = $3)""",
    "phone": """update person_phone set number = $3 where person_id = $1 and number = $2
        and not exists (select from person_phone where person_id = $1 and number = $3)""",
}
_UNDONE = """
select exists (select from hygiene_repair
    where person_id = $1 and what = $2 and before = $3 and undone_wall is not null)
"""


@dataclass(frozen=True, slots=True)
class Done:
    id: str
    person_id: str
    lead_id: str | None
    what: str
    before: str
    after: str
    at_wall: datetime
    undone_wall: datetime | None


async def repair(conn: Any, wanted: Sequence[Repair], wall: datetime) -> int:
    """How many were made; one that a person has undone is not made again. `wanted`: in the order of people."""
    made = 0
    for person_id, repairs in groupby(sorted(wanted, key=lambda one: one.person_id), key=lambda one: one.person_id):
        if await _has_left(conn, person_id):
            continue
        for one in repairs:
            if await conn.fetchval(_UNDONE, person_id, one.what, one.before):
                continue
            if await conn.execute(_CHANGE[one.what], person_id, one.before, one.after) == "UPDATE 1":
                await conn.execute(
                    "insert into hygiene_repair (id, person_id, what, before, after, at_wall) "
                    "values ($1, $2, $3, $4, $5, $6)",
                    ids.new_id(), person_id, one.what, one.before, one.after, wall,
                )  # fmt: skip
                made += 1
    return made


async def _has_left(conn: Any, person_id: str) -> bool:
    """Locks the person. True for the erased, and for whoever has become part of another entry."""
    try:
        return await lock_person(conn, person_id)
    except PersonGone:
        return True


async def undo(conn: Any, repair_id: str, wall: datetime) -> Literal["undone", "changed", "unknown"]:
    """`changed`: something else stands there by now, or another has the address; then nothing is written."""
    row = await conn.fetchrow("select * from hygiene_repair where id = $1", repair_id)
    if row is None or await _has_left(conn, row["person_id"]):
        return "unknown"
    row = await conn.fetchrow("select * from hygiene_repair where id = $1 and undone_wall is null", repair_id)
    if row is None:
        return "unknown"
    if await conn.execute(_CHANGE[row["what"]], row["person_id"], row["after"], row["before"]) != "UPDATE 1":
        return "changed"
    await conn.execute("update hygiene_repair set undone_wall = $2 where id = $1", repair_id, wall)
    return "undone"


async def repairs(conn: Any, most: int | None = None) -> list[Done]:
    """The newest first."""
    rows = await conn.fetch(
        """select r.id, r.person_id, l.id as lead_id, r.what, r.before, r.after, r.at_wall, r.undone_wall
           from hygiene_repair r left join lateral (select id from lead w where w.person_id = r.person_id
               order by w.closed_at is null desc, w.created_at desc, w.id limit 1) l on true
           order by r.at_wall desc, r.id limit $1""",
        most,
    )
    return [Done(**row) for row in rows]


async def repaired_since(conn: Any, since: datetime) -> int:
    return int(await conn.fetchval(
        "select count(*) from hygiene_repair where at_wall >= $1 and undone_wall is null", since
    ))  # fmt: skip
