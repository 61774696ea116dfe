"""Whose inquiry is it? One e-mail address is one person; a phone number alone rarely is.

Points of contact from a form are unverified and are added, never put in the place of old ones.
"""

from datetime import datetime
from typing import Any

from speedlead import ids
from speedlead.contact_marks import NO_MARKS, Marks
from speedlead.intake import Inquiry

# Whoever comes back after an erasure is as suppressed as before, in the statement that writes the address or number.
# A number may be another's: an opt-out from everything that came with it holds for calls and texts, unless nothing but
# the number is known. The rows of a shared number count for all who share it, by the view `barred`.
_AS_BEFORE = """told as (
    insert into suppression (person_id, channel, reason, source, at)
    select $2, kind.channel, case when kind.channel = 'all' then 'opted_out_all' else 'opted_out' end,
        'before_erasure', max(k.at)
    from suppressed_contact k
    join unnest(case when $4 and k.channel = 'all' then array['call', 'sms'] else array[k.channel] end)
        kind (channel) on true
    where k.mark = $5::bytea group by kind.channel
    on conflict do nothing returning 1)
select exists (select from told)"""


async def find_or_make_person(conn: Any, inquiry: Inquiry, now: datetime, marks: Marks = NO_MARKS) -> tuple[str, bool]:
    """(id, is it new) of the person, with the inquiry's e-mail and phone among the person's own.

    Who is new to us and has an opt-out from before an erasure counts as known: there is something to be asked.

    The same e-mail is the same person. A known phone is, when neither side has another e-mail or a different name
    and nobody else fits as well (switchboards, couples); else it is a new person, marked as a possible duplicate.
    """
    person_id, new_address, duplicate_of = await _known(conn, inquiry)
    erased = None
    while person_id is not None and not await _add_names(conn, person_id, inquiry, come_back=person_id == erased):
        # an erasure was at work and has committed: whoever it was has no address and no number any more. Or a merge:
        # they are another person's
        erased = person_id
        person_id, new_address, duplicate_of = await _known(conn, inquiry)
    new = person_id is None
    if person_id is None:
        person_id = ids.new_id()
        await conn.execute(
            # whom it would point to may become part of another entry at this moment
            """insert into person (id, name, company, possible_duplicate_of, created_at)
               values ($1, $2, $3, (select id from person where id = $4 for key share), $5)""",
            person_id, inquiry.name, inquiry.company, duplicate_of, now,
        )  # fmt: skip
    if new_address:
        # a unique violation here means that somebody else was faster: the whole transaction goes again and finds them
        assert inquiry.email is not None
        new &= not await add_email(conn, str(person_id), inquiry.email, now, marks.email)
    if inquiry.phone is not None:
        new &= not await add_phone(conn, str(person_id), inquiry.phone, now, marks.phone, alone=inquiry.email is None)
    return str(person_id), new


async def _known(conn: Any, inquiry: Inquiry) -> tuple[str | None, bool, str | None]:
    """(the person, is the e-mail one that nobody has yet, whom a new person may be a duplicate of)."""
    person_id, duplicate_of = await _by_email(conn, inquiry), None
    new_address = inquiry.email is not None and person_id is None
    if person_id is None and inquiry.phone is not None:
        person_id, duplicate_of = await _by_phone(conn, inquiry)
    return person_id, new_address, duplicate_of


async def _add_names(conn: Any, person_id: str, inquiry: Inquiry, *, come_back: bool = False) -> bool:
    """Fills in what was not known, and locks the person: from here on no erasure can begin. False for the erased.

    An erasure that was at work is waited for, and the row is then judged as that one has left it. `come_back`: somebody
    erased who has a point of contact again is a person like any other.
    """
    return bool(
        await conn.fetchval(
            """update person set name = coalesce(name, $2), company = coalesce(company, $3), erased_wall = null
               where id = $1 and (erased_wall is null or $4) returning true""",
            person_id, inquiry.name, inquiry.company, come_back,
        )
    )  # fmt: skip


async def add_email(conn: Any, person_id: str, address: str, now: datetime, mark: bytes | None) -> bool:
    """True where an opt-out from before an erasure holds for it."""
    return bool(
        await conn.fetchval(
            "with added as (insert into person_email (address, person_id, created_at) values ($1, $2, $3)), "  # noqa: S608
            + _AS_BEFORE,
            address, person_id, now, False, mark,
        )
    )  # fmt: skip


async def add_phone(
    conn: Any, person_id: str, number: str, now: datetime, mark: bytes | None, *, alone: bool = False
) -> bool:
    """The same for a number; one that the person has already changes nothing. `alone`: nothing else is known."""
    return bool(
        await conn.fetchval(
            "with added as (insert into person_phone (number, person_id, created_at) values ($1, $2, $3) "  # noqa: S608
            "on conflict (number, person_id) do nothing), " + _AS_BEFORE,
            number, person_id, now, not alone, mark,
        )
    )  # fmt: skip


async def suppress_as_before(conn: Any, person_id: str, mark: bytes, *, shared: bool) -> None:
    """For an address or number that has come to be theirs otherwise. `shared`: a number may be another's."""
    await conn.execute(
        f"with given as (select $1::text, $3::text), {_AS_BEFORE}", None, person_id, None, shared, mark
    )  # fmt: skip


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
