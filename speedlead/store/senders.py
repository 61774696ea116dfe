"""Who sent what came in: by the thread that it answers, else by the address or number that it came from."""

from datetime import datetime
from typing import Any, Literal


async def people_behind(
    conn: Any, channel: Literal["sms", "email", "chat", "call"], sender: str, lead_id: str | None
) -> tuple[list[str], bool]:
    """(whose message it is, the one with the newest open lead first; does the thread name the first one?).

    A mail in a lead's thread is that lead's, whatever address it came from. A number may belong to several people.
    """
    in_thread = await conn.fetchval("select person_id from lead where id = $1", lead_id) if lead_id else None
    if channel == "email":
        owner = await conn.fetchval("select person_id from person_email where address = $1", sender)
        return list(dict.fromkeys(p for p in (in_thread, owner) if p is not None)), in_thread is not None
    rows = await conn.fetch(
        """select n.person_id, bool_or(l.id is not null and l.closed_at is null) as has_open
           from person_phone n left join lead l on l.person_id = n.person_id where n.number = $1
           group by n.person_id order by 2 desc, max(l.created_at) desc nulls last, n.person_id""",
        sender,
    )
    return [row["person_id"] for row in rows], False


async def remember_address(conn: Any, person_id: str, address: str, now: datetime) -> bool:
    """The person also writes from this address: unverified, behind the ones we had. False when we knew it.

    It stays with whomever it belongs to already: one address is one person.
    """
    return bool(
        await conn.fetchval(
            """insert into person_email (address, person_id, created_at) values ($1, $2, $3)
               on conflict (address) do nothing returning true""",
            address, person_id, now,
        )
    )  # fmt: skip
