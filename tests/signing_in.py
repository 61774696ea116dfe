"""How tests sign in: as people do, by a link that is opened; there is no other way past the doors."""

from datetime import datetime
from typing import Any

from speedlead.store import accounts
from speedlead.store.transactions import transact


async def link_path(pool: Any, wall: datetime, role: str = "admin", rep_id: str | None = None) -> str:
    """The path of a fresh sign-in link for an account of this role; with `rep_id` the rep's own account."""

    async def write(conn: Any) -> str:
        email = f"{role}@staff.example"
        if rep_id is not None:
            email = (await conn.fetchval("select email from rep where id = $1", rep_id)).lower()
        account = await accounts.account_of(conn, email)
        if account is None:
            account = await accounts.add_account(conn, email, f"The {role}", role, wall)
        await conn.execute("update account set role = $2 where id = $1", account.account_id, role)
        return f"/sign-in/link/{await accounts.make_link(conn, account.account_id, wall)}"

    return await transact(pool, write)
