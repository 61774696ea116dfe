"""The mails of a review: each account gets it once, whatever dies meanwhile."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead.ids import new_id

ROLES = ("manager", "admin")
# the first admin has an account without a mailbox
_READERS = """
select a.id::text as account_id, a.email, a.name from account a
where a.active and a.role = any($1) and a.review_mail and split_part(a.email, '@', 2) <> 'localhost' order by a.email"""
# new, or to be tried again
_CLAIM = """
insert into review_mail (week, account_id, id, state, claimed_wall) values ($1, $2, $3, 'claimed', $4)
on conflict (week, account_id) do update set state = 'claimed', tries = review_mail.tries + 1, claimed_wall = $4,
    next_wall = null
where review_mail.state = 'waiting' and review_mail.next_wall <= $4
returning id::text as id, tries"""


@dataclass(frozen=True, slots=True)
class Reader:
    account_id: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Claimed:
    id: str
    tries: int


async def readers(conn: Any) -> list[Reader]:
    """Managers and admins with a mailbox who want it."""
    return [Reader(**row) for row in await conn.fetch(_READERS, ROLES)]


async def wish(conn: Any, account_id: str, wanted: bool) -> None:
    await conn.execute("update account set review_mail = $2 where id = $1", account_id, wanted)


async def claim(conn: Any, week: str, account_id: str, wall: datetime) -> Claimed | None:
    """None for who has it, or is being sent it, or is to get it later."""
    row = await conn.fetchrow(_CLAIM, week, account_id, new_id(), wall)
    return Claimed(row["id"], row["tries"]) if row else None


async def settle(
    conn: Any, mail_id: str, state: str, *, error: str | None = None, next_wall: datetime | None = None
) -> None:
    await conn.execute(
        "update review_mail set state = $2, error = $3, next_wall = $4 where id = $1", mail_id, state,
        error[:200] if error else None, next_wall,
    )  # fmt: skip


async def give_up_claims(conn: Any, before: datetime) -> None:
    """Who claimed one so long ago has died: it may have gone out, so it goes out no more."""
    await conn.execute(
        "update review_mail set state = 'in_doubt' where state = 'claimed' and claimed_wall < $1", before
    )
