"""Merges as lists show them, and ends of short ids that commands take."""

from collections.abc import Sequence
from typing import Any

_MERGES = """
select m.id::text as id, m.kept_id::text as kept_id, m.gone_id::text as gone_id, m.at_wall, m.by_rule, m.undone_wall,
    m.moved -> 'person' ->> 'name' as gone_name, m.moved -> 'emails' ->> 0 as gone_email, p.name as kept_name,
    coalesce(a.email, nullif(split_part(m.role, ': ', 2), ''), m.role) as who,
    m.moved is null and m.undone_wall is null as erased,
    (select l.id::text from lead l where l.person_id = m.person_id
        order by l.closed_at is not null, l.created_at desc limit 1) as lead_id,
    m.moved -> 'closed' is not null as ended_a_lead
from merge m join person p on p.id = m.person_id left join account a on a.id = m.account_id
order by m.number desc limit $1"""


async def merges(conn: Any, limit: int = 20) -> list[Any]:
    """Newest first."""
    rows: list[Any] = await conn.fetch(_MERGES, limit)
    return rows


async def parted_since(conn: Any, people: Sequence[str]) -> list[str]:
    """Merges in which one of these people is part of somebody who is none of them: undone after this was backed up.

    The newest first, as they are undone.
    """
    rows = await conn.fetch(
        """select id from merge where gone_id = any($1::uuid[]) and person_id <> all($1::uuid[]) and moved is not null
           order by number desc""",
        list(people),
    )
    return [row["id"] for row in rows]


async def is_of(conn: Any, merge_id: str, lead_id: str) -> bool:
    """Is it a merge of this lead's person?"""
    found = "select exists (select from merge m join lead l on l.person_id = m.person_id where m.id = $1 and l.id = $2)"
    return bool(await conn.fetchval(found, merge_id, lead_id))
