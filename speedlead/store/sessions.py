"""Sessions: who holds which token, and until when. Times are the wall's."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead.store.accounts import token_hash

# OWASP's session advice for an office tool: a working day, and at the latest after a week everybody shows again who
# they are; a page that refreshes by itself is no sign of a person
IDLE = timedelta(hours=12)
WHOLE = timedelta(days=7)
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Session:
    account_id: str
    email: str
    name: str
    role: str
    own_rep_id: str | None
    acting_rep_id: str | None
    seen_wall: datetime


async def open_session(conn: Any, account_id: str, wall: datetime, id_token: str | None = None) -> str:
    """The new session's token: 256 random bits, never the token of an earlier one. `id_token`: of the company."""
    token = secrets.token_urlsafe(32)
    await conn.execute("delete from session where expires_wall < $1 or seen_wall < $2", wall, wall - IDLE)
    await conn.execute(
        """insert into session (token_hash, account_id, created_wall, seen_wall, expires_wall, id_token)
           values ($1, $2, $3, $3, $4, $5)""",
        token_hash(token), account_id, wall, wall + WHOLE, id_token,
    )  # fmt: skip
    return token


async def session_of(conn: Any, token: str, wall: datetime) -> Session | None:
    row = await conn.fetchrow(
        """select a.id::text as account_id, a.email, a.name, a.role, s.seen_wall, r.id::text as own_rep_id,
               (select c.id::text from rep c where c.id = s.acting_rep_id and c.active) as acting_rep_id
           from session s join account a on a.id = s.account_id and a.active
           left join rep r on lower(r.email) = a.email and r.active
           where s.token_hash = $1 and s.expires_wall > $2 and s.seen_wall > $3""",
        token_hash(token), wall, wall - IDLE,
    )  # fmt: skip
    return Session(**row) if row else None


async def note_seen(conn: Any, token: str, session: Session, wall: datetime) -> None:
    """At most once a minute: not each look is a write."""
    if wall - session.seen_wall >= _NOTED_EVERY:
        await conn.execute("update session set seen_wall = $2 where token_hash = $1", token_hash(token), wall)


async def act_for(conn: Any, token: str, rep_id: str | None) -> None:
    """From now on the session works for this rep; None for its own again, or for one that does not exist."""
    await conn.execute(
        "update session set acting_rep_id = (select id from rep where id = $2 and active) where token_hash = $1",
        token_hash(token), rep_id,
    )  # fmt: skip


async def id_token_of(conn: Any, token: str) -> str | None:
    """None where the company had no part in this session."""
    found: str | None = await conn.fetchval("select id_token from session where token_hash = $1", token_hash(token))
    return found


async def close_session(conn: Any, token: str) -> None:
    await conn.execute("delete from session where token_hash = $1", token_hash(token))


async def close_all(conn: Any, account_id: str, *, but: str = "") -> None:
    """Signs the account out everywhere, except in the session with the token `but`."""
    await conn.execute("delete from session where account_id = $1 and token_hash <> $2", account_id, token_hash(but))
