"""What is written otherwise by itself, saying the same: done under the person's lock, recorded, and undone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

from speedlead import ids
from speedlead.contact_marks import mark_of
from speedlead.domain.hygiene import Repair
from speedlead.store.people import suppress_as_before
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
# what went there went to the same mailbox or phone: limits of a number, and what a provider reports, count by these
_TOUCHES = "update touch set address = $3 where person_id = $1 and address = $2"
# who opted out is known again, and who shares a number is spared, by how it is written now
_HELD = """
select exists (select from barred where person_id = $1)
    or exists (select from person_phone where number = $2 and person_id <> $1)
"""
_UNDONE = """
select exists (select from hygiene_repair
    where person_id = $1 and what = $2 and before = $3 and undone_wall is not null)
"""


_WAYS = ("email", "phone")
Undone = Literal["undone", "changed", "held", "unknown"]


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


async def repair(conn: Any, wanted: Sequence[Repair], wall: datetime, secret: bytes) -> int:
    """How many were made; one that a person has undone is not made again. `secret`: of the marks of those who were
    erased: an opt-out from before holds for whoever turns out to have the same address.
    """
    made = 0
    for person_id, repairs in groupby(sorted(wanted, key=lambda one: one.person_id), key=lambda one: one.person_id):
        if await _has_left(conn, person_id):
            continue
        for one in repairs:
            if await conn.fetchval(_UNDONE, person_id, one.what, one.before):
                continue
            if await _change(conn, person_id, one.what, one.before, one.after):
                if one.what in _WAYS:
                    await suppress_as_before(conn, person_id, mark_of(secret, one.after), shared=one.what == "phone")
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


async def _change(conn: Any, person_id: str, what: str, before: str, after: str) -> bool:
    if await conn.execute(_CHANGE[what], person_id, before, after) != "UPDATE 1":
        return False
    if what in _WAYS:
        await conn.execute(_TOUCHES, person_id, before, after)
    return True


async def undo(conn: Any, repair_id: str, wall: datetime) -> Undone:
    """`changed`: something else stands there by now, or another has the address. `held`: an opt-out of theirs, or
    somebody else with the same number, would no longer be seen. In both cases nothing is written.
    """
    row = await conn.fetchrow("select * from hygiene_repair where id = $1", repair_id)
    if row is None or await _has_left(conn, row["person_id"]):
        return "unknown"
    row = await conn.fetchrow("select * from hygiene_repair where id = $1 and undone_wall is null", repair_id)
    if row is None:
        return "unknown"
    if row["what"] in _WAYS and await conn.fetchval(_HELD, row["person_id"], row["after"]):
        return "held"
    if not await _change(conn, row["person_id"], row["what"], row["after"], row["before"]):
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
