"""Accounts and the links that let somebody in once. Times are the wall's; tokens are stored as hashes only."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead import ids

LINK_LASTS = timedelta(hours=1)
FIRST_ADMIN = "admin@localhost"
# a person who mistypes is not kept waiting; a program that guesses gets some hundred tries a day
FREE_TRIES = 5
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Account:
    account_id: str
    email: str
    name: str
    role: str
    active: bool
    has_password: bool
    rep_name: str | None
    seen_wall: datetime | None
    # wants the weekly review by mail, in a role that gets it
    review_mail: bool


class AccountRefused(ValueError):
    """`field` is what was wrong, the text what was expected."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def plain_email(text: str) -> str:
    """As accounts are found by it. Raises AccountRefused."""
    from email_validator import EmailNotValidError, validate_email

    email = text.strip().lower()
    if email == FIRST_ADMIN:
        return email
    try:
        found = validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise AccountRefused("email", "expected an e-mail address such as mara@company.example") from None
    return found.normalized.lower()


_ACCOUNTS = """
select a.id::text as account_id, a.email, a.name, a.role, a.active, a.password_hash is not null as has_password,
    r.name as rep_name, (select max(seen_wall) from session s where s.account_id = a.id) as seen_wall, a.review_mail
from account a left join rep r on lower(r.email) = a.email and r.active"""


async def accounts(conn: Any) -> list[Account]:
    return [Account(**row) for row in await conn.fetch(_ACCOUNTS + " order by not a.active, a.email")]


async def account(conn: Any, account_id: str) -> Account | None:
    row = await conn.fetchrow(_ACCOUNTS + " where a.id = $1", account_id)
    return Account(**row) if row else None


async def account_of(conn: Any, email: str) -> Account | None:
    row = await conn.fetchrow(_ACCOUNTS + " where a.email = $1", email.strip().lower())
    return Account(**row) if row else None


async def add_account(conn: Any, email: str, name: str, role: str, wall: datetime) -> Account:
    """Without a password: its first sign-in is by a link. Raises AccountRefused."""
    email = plain_email(email)
    account_id = await conn.fetchval(
        """insert into account (id, email, name, role, created_wall) values ($1, $2, $3, $4, $5)
           on conflict (email) do nothing returning id""",
        ids.new_id(), email, name.strip()[:120] or email, role, wall,
    )  # fmt: skip
    if account_id is None:
        raise AccountRefused("email", "expected an address that has no account yet")
    found = await account(conn, account_id)
    assert found is not None
    return found


async def set_role(conn: Any, account_id: str, role: str) -> None:
    """Raises AccountRefused for the last admin."""
    await _keep_an_admin(conn, account_id, stays=role == "admin")
    await conn.execute("update account set role = $2 where id = $1", account_id, role)


async def set_active(conn: Any, account_id: str, active: bool) -> None:
    """Whoever is shut out is signed out at once. Raises AccountRefused for the last admin."""
    await _keep_an_admin(conn, account_id, stays=active)
    await conn.execute("update account set active = $2 where id = $1", account_id, active)
    if not active:
        await conn.execute("delete from session where account_id = $1", account_id)
        await conn.execute("delete from sign_in_link where account_id = $1", account_id)


async def set_password(conn: Any, account_id: str, password_hash: str) -> None:
    await conn.execute("update account set password_hash = $2 where id = $1", account_id, password_hash)


async def _keep_an_admin(conn: Any, account_id: str, *, stays: bool) -> None:
    admins = await conn.fetch("select id::text as id from account where role = 'admin' and active for update")
    if not stays and [row["id"] for row in admins] == [account_id]:
        raise AccountRefused("account", "expected another admin to be left: this is the only one")


# ── links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


async def make_link(conn: Any, account_id: str, wall: datetime) -> str:
    """The token of a link that lets the account in once, within an hour; earlier ones stop working."""
    token = secrets.token_urlsafe(32)
    await conn.execute("delete from sign_in_link where account_id = $1 or expires_wall < $2", account_id, wall)
    await conn.execute(
        "insert into sign_in_link (token_hash, account_id, expires_wall) values ($1, $2, $3)",
        token_hash(token), account_id, wall + LINK_LASTS,
    )  # fmt: skip
    return token


async def link_is_good(conn: Any, token: str, wall: datetime) -> bool:
    found = """select exists (select from sign_in_link l join account a on a.id = l.account_id and a.active
        where l.token_hash = $1 and l.used_wall is null and l.expires_wall > $2)"""
    return bool(await conn.fetchval(found, token_hash(token), wall))


async def use_link(conn: Any, token: str, wall: datetime) -> str | None:
    """The account's id, once; None for a link that is used, too old, or no link."""
    used: str | None = await conn.fetchval(
        """update sign_in_link l set used_wall = $2 from account a where a.id = l.account_id and a.active
               and l.token_hash = $1 and l.used_wall is null and l.expires_wall > $2 returning a.id::text""",
        token_hash(token), wall,
    )  # fmt: skip
    return used


async def first_link(conn: Any, wall: datetime) -> str | None:
    """For an installation that nobody can sign in to yet: the token of a link for its admin, who is made if need be.

    None as soon as an admin has been in.
    """
    await conn.execute("select pg_advisory_xact_lock(hashtext('first admin'))")
    row = await conn.fetchrow(
        """select a.id::text as id, a.password_hash is not null or exists (select from sign_in_link l
               where l.account_id = a.id and l.used_wall is not null) or exists (select from session s
               where s.account_id = a.id) as been_in
           from account a where a.role = 'admin' and a.active order by 2 desc, a.created_wall limit 1"""
    )
    if row is not None and row["been_in"]:
        return None
    account_id = row["id"] if row else (await add_account(conn, FIRST_ADMIN, "Admin", "admin", wall)).account_id
    return await make_link(conn, account_id, wall)


# ── passwords that were wrong ────────────────────────────────────────────────────────────────────────────────────────


async def password_of(conn: Any, email: str) -> tuple[str | None, str | None]:
    """(account's id, its hash) of an active account; (None, None) for any other address."""
    row = await conn.fetchrow(
        "select id::text as id, password_hash from account where email = $1 and active", email.strip().lower()
    )
    return (row["id"], row["password_hash"]) if row else (None, None)


def _subject(email: str) -> bytes:
    return hashlib.sha256(b"sign-in\0" + email.strip().lower().encode()).digest()


async def count_try(conn: Any, email: str, wall: datetime) -> timedelta | None:
    """Counts a try before its password is looked at, so that tries at one moment are all counted.

    How long to wait when this one comes too early, for an address with an account or without; None when it may go on.
    """
    await conn.execute("delete from sign_in_failure where last_wall < $1", wall - FORGOTTEN_AFTER)
    row = await conn.fetchrow(
        """insert into sign_in_failure as f (subject, failures, last_wall, until_wall) values ($1, 1, $2, $2)
           on conflict (subject) do update set last_wall = $2,
               failures = f.failures + case when f.until_wall > $2 then 0 else 1 end
           returning failures, until_wall""",
        _subject(email), wall,
    )  # fmt: skip
    if row["until_wall"] > wall:
        waits: timedelta = row["until_wall"] - wall
        return waits
    if row["failures"] >= FREE_TRIES:
        wait = min(FIRST_WAIT * 2 ** min(row["failures"] - FREE_TRIES, 10), LONGEST_WAIT)
        await conn.execute(
            "update sign_in_failure set until_wall = $2 where subject = $1", _subject(email), wall + wait
        )
    return None


async def forget_failures(conn: Any, email: str) -> None:
    await conn.execute("delete from sign_in_failure where subject = $1", _subject(email))
