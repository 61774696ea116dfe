"""Whose inquiry is it? One e-mail address is one person; a phone number alone rarely is.

Points of contact from a form are unverified and are added, never put in the place of old ones.
"""

from datetime import datetime
from typing import Any

from speedlead import ids
from speedlead.intake import Inquiry


async def find_or_make_person(conn: Any, inquiry: Inquiry, now: datetime) -> tuple[str, bool]:
    """(id, is it new) of the person, with the inquiry's e-mail and phone among the person's own.

    The same e-mail is the same person. A known phone is, when neither side has another e-mail or a different name
    and nobody else fits as well (switchboards, couples); else it is a new person, marked as a possible duplicate.
    """
    person_id, duplicate_of = await _by_email(conn, inquiry), None
    new_address = inquiry.email is not None and person_id is None
    if person_id is None and inquiry.phone is not None:
        person_id, duplicate_of = await _by_phone(conn, inquiry)
    new = person_id is None
    if person_id is None:
        person_id = ids.new_id()
        await conn.execute(
            "insert into person (id, name, company, possible_duplicate_of, created_at) values ($1, $2, $3, $4, $5)",
            person_id, inquiry.name, inquiry.company, duplicate_of, now,
        )  # fmt: skip
    else:
        await conn.execute(
            "update person set name = coalesce(name, $2), company = coalesce(company, $3) where id = $1",
            person_id, inquiry.name, inquiry.company,
        )  # fmt: skip
    if new_address:
        # a unique violation here means that somebody else was faster: the whole transaction goes again and finds them
        await conn.execute(
            "insert into person_email (address, person_id, created_at) values ($1, $2, $3)",
            inquiry.email, person_id, now,
        )  # fmt: skip
    if inquiry.phone is not None:
        await conn.execute(
            """insert into person_phone (number, person_id, created_at) values ($1, $2, $3)
               on conflict (number, person_id) do nothing""",
            inquiry.phone, person_id, now,
        )  # fmt: skip
    return str(person_id), new


async def _by_email(conn: Any, inquiry: Inquiry) -> str | None:
    if inquiry.email is None:
        return None
    found: str | None = await conn.fetchval("select person_id from person_email where address = $1", inquiry.email)
    return found


async def _by_phone(conn: Any, inquiry: Inquiry) -> tuple[str | None, str | None]:
    """(the one person that fits, None) or (None, whom a new person may be a duplicate of)."""
    rows = await conn.fetch(
        """select p.id, p.name, exists (select from person_email e where e.person_id = p.id) as has_email
           from person_phone n join person p on p.id = n.person_id where n.number = $1 order by p.created_at, p.id""",
        inquiry.phone,
    )
    fitting = [
        row for row in rows
        # the inquiry's own e-mail is not known to us, so any e-mail the person has is another one
        if not (inquiry.email is not None and row["has_email"]) and _same_name(inquiry.name, row["name"])
    ]  # fmt: skip
    if len(fitting) == 1:
        return fitting[0]["id"], None
    named = [row for row in fitting if inquiry.name and row["name"]]
    if len(named) == 1:
        return named[0]["id"], None
    return None, rows[0]["id"] if rows else None


def _same_name(one: str | None, other: str | None) -> bool:
    """A name that was not given contradicts nothing."""
    return not one or not other or one.casefold() == other.casefold()
