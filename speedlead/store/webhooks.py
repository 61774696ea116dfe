"""Verified webhooks as they came: kept before they are acted on, tried again when that failed, deleted after days."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

from speedlead import ids
from speedlead.store.mapped import NO_LEAD

Provider = Literal["twilio", "sendgrid", "calcom", "calendly", "mapping"]
State = Literal["done", "waiting", "failed"]
MAX_REASON = 300
# a call's question is answered while the call is up, and never asked again: the answer could dial
NEVER_AGAIN = ("voice/rep", "voice/accept")


@dataclass(frozen=True, slots=True)
class Received:
    """One verified request. `query` is as it was sent; `signed_by` names the secret that verified it.

    `about`: ids of leads, addresses and numbers that it names, for erasure.
    """

    provider: Provider
    path: str
    query: str
    content_type: str
    body: bytes
    signed_by: str
    received_wall: datetime
    digest: str = ""
    about: tuple[str, ...] = ()

    def sealed(self) -> "Received":
        """With the digest of what came; a later `replace` of the body keeps it."""
        parts = (self.provider.encode(), self.path.encode(), self.query.encode(), self.body)
        return replace(self, digest=sha256(b"\0".join(parts)).hexdigest())


async def keep(
    conn: Any, received: Received, state: State, *, next_try_wall: datetime | None = None, reason: str | None = None
) -> str | None:
    """Stores the request; its row's id, or None when the same one is there already. `next_try_wall`: when waiting."""
    found: str | None = await conn.fetchval(
        """insert into webhook (id, digest, provider, path, query, content_type, body, signed_by, about, received_wall,
               state, next_try_wall, reason)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) on conflict (digest) do nothing
           returning id""",
        ids.new_id(), received.digest, received.provider, received.path, received.query, received.content_type,
        received.body, received.signed_by, list(received.about), received.received_wall, state, next_try_wall,
        reason and reason[:MAX_REASON],
    )  # fmt: skip
    return found


async def hurry(conn: Any, digest: str, wall: datetime) -> None:
    """The provider came again: what waits for another try is tried at once."""
    await conn.execute(
        "update webhook set next_try_wall = least(next_try_wall, $2) where digest = $1 and state = 'waiting'",
        digest, wall,
    )  # fmt: skip


async def settle(
    conn: Any, webhook_id: str, state: State, *, next_try_wall: datetime | None = None, reason: str | None = None
) -> None:
    await conn.execute(
        "update webhook set state = $2, next_try_wall = $3, reason = $4 where id = $1",
        webhook_id, state, next_try_wall, reason and reason[:MAX_REASON],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """A webhook whose turn it is; `tries` counts this one."""

    id: str
    tries: int
    received: Received


async def next_waiting(conn: Any, wall: datetime, lease: timedelta) -> Waiting | None:
    """Takes the one that is due longest. It is due again after the lease, should nobody settle it until then."""
    row = await conn.fetchrow(
        """update webhook set tries = tries + 1, next_try_wall = $2 where id = (
               select id from webhook where state = 'waiting' and next_try_wall <= $1
               order by next_try_wall limit 1 for update skip locked)
           returning *""",
        wall, wall + lease,
    )  # fmt: skip
    if row is None:
        return None
    received = Received(
        row["provider"], row["path"], row["query"], row["content_type"], row["body"], row["signed_by"],
        row["received_wall"], row["digest"], tuple(row["about"]),
    )  # fmt: skip
    return Waiting(row["id"], row["tries"], received)


async def purge(conn: Any, done_before: datetime, others_before: datetime) -> int:
    """Deletes what was done and is older than `done_before`, and anything older than `others_before`; how many."""
    rows = await conn.fetch(
        """delete from webhook where (received_wall < $1 and state = 'done') or received_wall < $2 returning 1""",
        done_before, others_before,
    )  # fmt: skip
    return len(rows)


_THEIR_CALL = "(number = any($1::text[]) or lead_id::text = any($1::text[]))"
# what came by itself and belongs to no lead, beside the requests that it came with; a call that rings is still needed
_FORGOTTEN = (
    "delete from webhook where about && $1 and state <> 'waiting'",
    "delete from reply where lead_id is null and lower(sender) = any($1::text[])",
    f"delete from inbound_call where state <> 'ringing' and {_THEIR_CALL}",  # noqa: S608
    "delete from help_told where number = any($1::text[])",
)


async def forget(conn: Any, about: Sequence[str]) -> tuple[int, int]:
    """Deletes what we hold of these leads, addresses or numbers outside of leads: (rows deleted, still to be acted on).

    Requests, calls to our number, what strangers wrote, and who was told what HELP gets. What waits to be acted on
    stays, for it may speak of others too; ask again when it is done.
    """
    deleted = [await conn.fetch(f"{statement} returning 1", list(about)) for statement in _FORGOTTEN]
    left = await conn.fetchval(
        f"""select (select count(*) from webhook where about && $1)
                + (select count(*) from inbound_call where {_THEIR_CALL})""",  # noqa: S608
        list(about),
    )
    return sum(map(len, deleted)), int(left)


# ── for people ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def listed(conn: Any, *, failed: bool, limit: int) -> list[Any]:
    """Newest first, without what they say; `failed`: only those that are not done."""
    rows: list[Any] = await conn.fetch(
        """select id, provider, path, received_wall, state, tries, next_try_wall,
               nullif(concat_ws('; ', reason, note), '') as reason from webhook
           where not $1 or state <> 'done' order by received_wall desc limit $2""",
        failed, limit,
    )  # fmt: skip
    return rows


async def chosen(conn: Any, prefixes: Sequence[str], *, failed: bool, since: datetime | None) -> list[Any]:
    """What `replay` is asked to do again, oldest first: by id or its beginning, failed ones, or by when they came."""
    rows: list[Any] = await conn.fetch(
        """select id, provider, path, received_wall, state, tries, next_try_wall, reason from webhook
           where exists (select from unnest($1::text[]) prefix where id::text like prefix || '%')
               or ($2 and state = 'failed') or received_wall >= $3 order by received_wall""",
        list(prefixes), failed, since,
    )  # fmt: skip
    return rows


async def replay(conn: Any, webhook_ids: Sequence[str], wall: datetime) -> int:
    """Gives them to the gateway's loop, to be acted on at once; how many. A call's questions stay as they are."""
    rows = await conn.fetch(
        """update webhook set state = 'waiting', tries = 0, next_try_wall = $2, reason = null
           where id = any($1::uuid[]) and path <> all($3::text[]) returning 1""",
        list(webhook_ids), wall, list(NEVER_AGAIN),
    )  # fmt: skip
    return len(rows)


async def states(conn: Any, webhook_ids: Sequence[str]) -> dict[str, int]:
    rows = await conn.fetch(
        "select state, count(*) as n from webhook where id = any($1::uuid[]) and path <> all($2::text[]) group by 1",
        list(webhook_ids), list(NEVER_AGAIN),
    )  # fmt: skip
    return {row["state"]: row["n"] for row in rows}


async def signers(conn: Any) -> list[Any]:
    """Rows of provider, signed_by, n and the newest: which secrets verified what is still kept."""
    rows: list[Any] = await conn.fetch(
        """select provider, signed_by, count(*) as n, max(received_wall) as newest from webhook
           group by 1, 2 order by 1, 2"""
    )
    return rows


async def not_done(conn: Any) -> dict[str, int]:
    """By state. What waits, or has waited, for a lead that another system spoke of is nothing to be mended."""
    rows = await conn.fetch(
        """select state, count(*) as n from webhook where state <> 'done'
               and not (provider = 'mapping' and reason is not distinct from $1) group by 1""",
        NO_LEAD,
    )
    return {row["state"]: row["n"] for row in rows}
