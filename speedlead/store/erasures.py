"""The list of whom we have erased, by ids and keyed hashes: what an older backup brings back is erased again by it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead.contact_marks import mark_of

# every place where an address or a number is kept as it is
_HELD = """
select address from person_email union select number from person_phone
union select lower(email) from inquiry where email is not null union select phone from inquiry where phone is not null
union select lower(sender) from reply where sender is not null union select number from inbound_call
    where number is not null
union select number from help_told union select number from ai_voice_consent
"""


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure: `people` and `leads` are ids; `marks` keyed hashes of their addresses and numbers."""

    id: str
    at_wall: datetime
    people: tuple[str, ...]
    leads: tuple[str, ...]
    marks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class OptOut:
    """Of somebody who was erased: a row of `suppressed_contact`."""

    mark: bytes
    channel: str
    at: datetime


async def record(conn: Any, erasure: Erasure) -> None:
    await conn.execute(
        "insert into erased (id, at_wall, people, leads, marks) values ($1, $2, $3, $4, $5) on conflict do nothing",
        erasure.id, erasure.at_wall, list(erasure.people), list(erasure.leads), list(erasure.marks),
    )  # fmt: skip


async def all_erasures(conn: Any) -> list[Erasure]:
    """In the order in which they were done."""
    rows = await conn.fetch("select * from erased order by at_wall, id")
    return [Erasure(row["id"], row["at_wall"], *(tuple(row[name]) for name in ("people", "leads", "marks")))
            for row in rows]  # fmt: skip


async def not_done(conn: Any, erasures: Sequence[Erasure]) -> list[Erasure]:
    """Those that this database does not know of: it is older than they are."""
    rows = await conn.fetch("select id from erased where id = any($1::uuid[])", [one.id for one in erasures])
    known = {row["id"] for row in rows}
    return [one for one in erasures if one.id not in known]


async def people_there(conn: Any, people: Iterable[str]) -> list[str]:
    return [row["id"] for row in await conn.fetch("select id from person where id = any($1::uuid[])", list(people))]


async def contacts_by_mark(conn: Any, secret: bytes, marks: set[bytes]) -> dict[bytes, str]:
    """The addresses and numbers in this database that have one of these marks."""
    found = {}
    if marks:
        async with conn.transaction():
            async for row in conn.cursor(_HELD, prefetch=2000):
                if (mark := mark_of(secret, row["address"])) in marks:
                    found[mark] = row["address"]
    return found


async def nobody_elses(conn: Any, contacts: Sequence[str], people: Sequence[str]) -> tuple[str, ...]:
    """Without what belongs to somebody who is not one of these people: what came from there may be the other's."""
    rows = await conn.fetch(
        """select c.contact from unnest($1::text[]) c (contact)
           where not exists (select from person_email where address = c.contact and person_id <> all($2::uuid[]))
               and not exists (select from person_phone where number = c.contact and person_id <> all($2::uuid[]))""",
        list(contacts), list(people),
    )  # fmt: skip
    return tuple(row["contact"] for row in rows)


async def all_opt_outs(conn: Any) -> list[OptOut]:
    return [OptOut(**row) for row in await conn.fetch("select mark, channel, at from suppressed_contact order by at")]


async def add_opt_outs(conn: Any, opt_outs: Sequence[OptOut]) -> None:
    await conn.executemany(
        "insert into suppressed_contact (mark, channel, at) values ($1, $2, $3) on conflict do nothing",
        [(one.mark, one.channel, one.at) for one in opt_outs],
    )
