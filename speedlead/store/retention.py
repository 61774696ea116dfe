"""What is kept no longer than it is needed, a bounded number at a time. Nothing here touches an open lead."""

from datetime import datetime
from typing import Any

# People none of whose leads is open, or was closed after $1. A nurture program in which nobody was heard of keeps
# nobody beyond its own end: what we write ourselves is no reason to keep somebody longer.
_PAST = """
from person p where p.erased_wall is null
    and not exists (select from lead l where l.person_id = p.id and (l.closed_at is null or l.closed_at >= $1
        and (l.program is distinct from 'nurture' or l.first_contact_at is not null
            or exists (select from outcome o where o.lead_id = l.id))))
    and exists (select from lead l where l.person_id = p.id)
"""
_DUE = f"select p.id {_PAST} order by p.created_at limit $2"
_HOW_MANY = f"select count(*)::int {_PAST}"
_OLD_LEADS = "select id from lead l where closed_at < $1 and exists (select from {0} s where s.lead_id = l.id) limit $2"
# what happened, and when the calendar allowed it; delivered messages repeat what other rows say
_STORIES = ("story", "placement", "message")
# from strangers: nobody's lead ends for them
_STRANGERS = (
    """delete from reply where id in (select id from reply where lead_id is null and received_at < $1 limit $2)
       returning 1""",
    """delete from inbound_call where id in (select id from inbound_call
           where lead_id is null and state <> 'ringing' and at < $1 limit $2) returning 1""",
)


async def people_due(conn: Any, before: datetime, limit: int) -> list[str]:
    return [row["id"] for row in await conn.fetch(_DUE, before, limit)]


async def people_past(conn: Any, before: datetime) -> int:
    """All whose time is over, also those that the next rounds take."""
    return int(await conn.fetchval(_HOW_MANY, before))


async def delete_stories(conn: Any, before: datetime, limit: int) -> int:
    """Rows deleted, of at most `limit` leads for each kind."""
    deleted = 0
    for table in _STORIES:
        rows = await conn.fetch(
            f"delete from {table} where lead_id in ({_OLD_LEADS.format(table)}) returning 1",  # noqa: S608
            before,
            limit,
        )
        deleted += len(rows)
    return deleted


async def delete_answers(conn: Any, wall: datetime, limit: int) -> int:
    """What the outside source said of companies and is not good any more; whoever needs it asks again."""
    return len(
        await conn.fetch(
            """delete from company_answer where domain in (
                   select domain from company_answer where expires_wall < $1 limit $2) returning 1""",
            wall, limit,
        )
    )  # fmt: skip


async def delete_strangers(conn: Any, before: datetime, limit: int) -> int:
    return sum([len(await conn.fetch(statement, before, limit)) for statement in _STRANGERS])
