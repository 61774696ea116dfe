"""Sign-ins at the company's identity provider: those that have begun, and whose account an identity opens."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead.store import accounts
from speedlead.store.accounts import AccountRefused, token_hash

# a person types a password and a second factor there
LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Begun:
    """`state` goes there and back through the browser's address, `browser` stays in its cookie."""

    state: str
    browser: str
    nonce: str
    verifier: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What the provider says. `email` only when it is verified; `role` is the one of the groups, if any."""

    issuer: str
    subject: str
    email: str | None
    name: str
    role: str | None


class IdentityRefused(Exception):
    """`code`: closed, no_group, email_unverified, other_identity or no_account."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def begin(conn: Any, wanted: str, wall: datetime) -> Begun:
    state, browser, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
    made = Begun(state, browser, nonce, verifier, wanted)
    await conn.execute("delete from company_sign_in where expires_wall < $1", wall)
    await conn.execute(
        """insert into company_sign_in (state_hash, browser_hash, nonce, verifier, wanted, expires_wall)
           values ($1, $2, $3, $4, $5, $6)""",
        token_hash(made.state), token_hash(made.browser), made.nonce, made.verifier, wanted, wall + LASTS,
    )  # fmt: skip
    return made


async def take(conn: Any, state: str, browser: str, wall: datetime) -> tuple[Begun | None, str]:
    """What has begun under this state, once; else None and why: `state` or `browser`."""
    row = await conn.fetchrow(
        "delete from company_sign_in where state_hash = $1 and expires_wall > $2 returning *", token_hash(state), wall
    )
    if row is None:
        return None, "state"
    if row["browser_hash"] != token_hash(browser):
        return None, "browser"
    return Begun(state, browser, row["nonce"], row["verifier"], row["wanted"]), ""


async def account_for(conn: Any, who: Identity, wall: datetime) -> str:
    """The id of the account that this identity opens; links it, or makes it, the first time. Raises IdentityRefused."""
    row = await conn.fetchrow(
        """select a.id::text as id, a.active, a.role, i.by_group from company_identity i
           join account a on a.id = i.account_id where i.issuer = $1 and i.subject = $2""",
        who.issuer, who.subject,
    )  # fmt: skip
    if row is None:
        return await _first_time(conn, who, wall)
    if not row["active"]:
        raise IdentityRefused("closed")
    if row["by_group"]:
        if who.role is None:
            raise IdentityRefused("no_group")
        if who.role != row["role"]:
            with suppress(AccountRefused):  # the last admin stays one
                await accounts.set_role(conn, row["id"], who.role)
    return str(row["id"])


async def _first_time(conn: Any, who: Identity, wall: datetime) -> str:
    if who.email is None:
        raise IdentityRefused("email_unverified")
    found = await accounts.account_of(conn, who.email)
    by_group = found is None
    if found is None:
        if who.role is None:
            raise IdentityRefused("no_account")
        try:
            found = await accounts.add_account(conn, who.email, who.name, who.role, wall)
        except AccountRefused:
            raise IdentityRefused("email_unverified") from None
    if not found.active:
        raise IdentityRefused("closed")
    linked = await conn.fetchval(
        "select true from company_identity where account_id = $1 and issuer = $2", found.account_id, who.issuer
    )
    if linked:
        raise IdentityRefused("other_identity")
    await conn.execute(
        "insert into company_identity (issuer, subject, account_id, by_group, linked_wall) values ($1, $2, $3, $4, $5)",
        who.issuer, who.subject, found.account_id, by_group, wall,
    )  # fmt: skip
    return found.account_id


async def unlink(conn: Any, account_id: str) -> bool:
    """Forgets whose identity opens the account: the next one with its verified address does. False: none did."""
    return bool(await conn.fetchval(
        "with gone as (delete from company_identity where account_id = $1 returning 1) select count(*) > 0 from gone",
        account_id,
    ))  # fmt: skip
