"""What we know of leads in a CRM, how far we have looked there, and what somebody changed."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from speedlead.domain.crm import News, Record, Seen, settled
from speedlead.store import webhooks
from speedlead.store.hook_queue import wake
from speedlead.store.webhooks import Received

# a gateway that changes what somebody changed over there reads it by this mapping
MAPPING = "crm-status"
CHANNEL = "crm"
_FIELDS = tuple(Record.__dataclass_fields__)
_COLUMNS = ", ".join(f"{name}::text" if name == "about" else name for name in _FIELDS)


async def about_of(conn: Any, kind: str, lead_id: str) -> str:
    """The id of ours that a record over there carries."""
    if kind != "hubspot":
        return lead_id
    return str(await conn.fetchval("select person_id from lead where id = $1", lead_id))


async def record(conn: Any, endpoint_id: str, about: str) -> Record | None:
    row = await conn.fetchrow(
        f"select {_COLUMNS} from crm_record where endpoint_id = $1 and about = $2",  # noqa: S608
        endpoint_id, about,
    )  # fmt: skip
    return Record(**row) if row else None


async def speaks(conn: Any, endpoint_id: str, about: str, lead_id: str) -> bool:
    """Of a person with several leads the newest speaks: an older one says nothing of status and owner."""
    return not await conn.fetchval(
        """select exists (select from crm_record r join lead n on n.id = r.lead_id join lead l on l.id = $3
               where r.endpoint_id = $1 and r.about = $2 and n.id <> l.id and n.created_at > l.created_at)""",
        endpoint_id, about, lead_id,
    )  # fmt: skip


async def told(conn: Any, endpoint_id: str, lead_id: str, before: Record | None, after: Record, wall: datetime) -> None:
    """What telling has made of `before`. In the caller's transaction: a look may write the same row."""
    row = await conn.fetchrow(
        f"select {_COLUMNS} from crm_record where endpoint_id = $1 and about = $2 for update",  # noqa: S608
        endpoint_id, after.about,
    )  # fmt: skip
    known = settled(Record(**row), before, after) if row and before else after
    await keep(conn, endpoint_id, lead_id, known, told_wall=wall)


async def keep(conn: Any, endpoint_id: str, lead_id: str, known: Record, *, told_wall: datetime | None = None) -> None:
    values = [*(getattr(known, name) for name in _FIELDS), told_wall]
    names, marks = ", ".join((*_FIELDS, "told_wall")), ", ".join(f"${n}" for n in range(3, 4 + len(_FIELDS)))
    changes = ", ".join(f"{name} = excluded.{name}" for name in ("lead_id", *_FIELDS[1:]))
    await conn.execute(
        f"""insert into crm_record (endpoint_id, lead_id, {names}) values ($1, $2, {marks})
            on conflict (endpoint_id, about) do update set {changes},
                told_wall = coalesce(excluded.told_wall, crm_record.told_wall)""",  # noqa: S608
        endpoint_id, lead_id, *values,
    )  # fmt: skip


async def of_erased(conn: Any, endpoint_id: str, about: str, lead_id: str) -> list[Record]:
    """Also one under the id of a person who was found to be this one since."""
    rows = await conn.fetch(
        f"select {_COLUMNS} from crm_record where endpoint_id = $1 and (about = $2 or lead_id = $3)",  # noqa: S608
        endpoint_id, about, lead_id,
    )  # fmt: skip
    return [Record(**row) for row in rows]


async def is_customer(conn: Any, lead_id: str) -> bool:
    """By any of the person's leads."""
    return bool(
        await conn.fetchval(
            """select exists (select from lead l join lead o on o.person_id = l.person_id where l.id = $1
                   and (o.stage = 'converted' or exists (
                       select from outcome where lead_id = o.id and outcome = 'converted')))""",
            lead_id,
        )
    )


async def is_shared(conn: Any, endpoint_id: str, record: Record) -> bool:
    """Is it also that of somebody who is not erased? Two of ours may have been merged over there."""
    return bool(
        await conn.fetchval(
            """select exists (select from crm_record r join lead l on l.id = r.lead_id
                       join person p on p.id = l.person_id
                   where r.endpoint_id = $1 and r.external_id = $2 and r.about <> $3 and p.erased_wall is null)""",
            endpoint_id, record.external_id, record.about,
        )
    )  # fmt: skip


async def forget(conn: Any, endpoint_id: str, about: str) -> None:
    await conn.execute("delete from crm_record where endpoint_id = $1 and about = $2", endpoint_id, about)


# ── what they tell us ────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Looked:
    upto: datetime
    looked_wall: datetime
    problem: str | None


async def looked(conn: Any, endpoint_id: str) -> Looked | None:
    row = await conn.fetchrow("select upto, looked_wall, problem from crm_look where endpoint_id = $1", endpoint_id)
    return Looked(**row) if row else None


async def note_look(conn: Any, endpoint_id: str, upto: datetime, wall: datetime, problem: str | None) -> None:
    await conn.execute(
        """insert into crm_look (endpoint_id, upto, looked_wall, problem) values ($1, $2, $3, $4)
           on conflict (endpoint_id) do update set upto = excluded.upto,
               looked_wall = excluded.looked_wall, problem = excluded.problem""",
        endpoint_id, upto, wall, problem,
    )  # fmt: skip


async def mark(conn: Any, kind: str, external_id: str) -> bool:
    """They said that something of it changed: looked at soon. False: no record of ours."""
    found = await conn.fetchval(
        """with marked as (update crm_record r set look = true from hook_endpoint p
               where p.id = r.endpoint_id and p.kind = $1 and r.external_id = $2 returning 1)
           select count(*) from marked""",
        kind, external_id,
    )  # fmt: skip
    if found:
        await conn.execute("select pg_notify($1, '')", CHANNEL)
    return bool(found)


async def marked(conn: Any, endpoint_id: str, limit: int) -> list[str]:
    """Their ids. They are marked no more: what is said from now on marks them again."""
    rows = await conn.fetch(
        """update crm_record set look = false where endpoint_id = $1 and external_id in (
               select external_id from crm_record where endpoint_id = $1 and look limit $2) returning external_id""",
        endpoint_id, limit,
    )  # fmt: skip
    return sorted({row["external_id"] for row in rows})


async def mark_again(conn: Any, endpoint_id: str, ids: Sequence[str]) -> None:
    await conn.execute(
        "update crm_record set look = true where endpoint_id = $1 and external_id = any($2)", endpoint_id, list(ids)
    )


@dataclass(frozen=True, slots=True)
class Stands:
    """`lead_id`: for which it stands; `told_wall`: when we last told of it."""

    lead_id: str
    told_wall: datetime | None
    record: Record


async def standing(conn: Any, endpoint_id: str, seen: Seen) -> list[Stands]:
    """The newest lead first: two that were merged there are one record, which may have another id now.

    Nobody else writes them until the transaction ends.
    """
    found = await conn.fetch(
        f"""select {_COLUMNS}, lead_id::text as lead, told_wall from crm_record r
            where endpoint_id = $1 and (external_id = $2 or about = $3)
            order by (select created_at from lead where id = r.lead_id) desc for update""",  # noqa: S608
        endpoint_id, seen.external_id, _uuid(seen.about),
    )  # fmt: skip
    rows = [dict(row) for row in found]
    return [Stands(row.pop("lead"), row.pop("told_wall"), Record(**row)) for row in rows]


def _uuid(text: str | None) -> str | None:
    """None for what somebody has typed over there."""
    try:
        return str(UUID(text)) if text else None
    except ValueError:
        return None


async def hand_in(conn: Any, name: str, lead_id: str, seen: Record, news: News, wall: datetime) -> None:
    """To the gateway's door for what other systems say, where it is kept, acted on, tried again and shown."""
    said = {"lead_id": lead_id, "status": news.outcome, "owner": news.owner_email}
    key = sha256(f"{name}\0{seen.external_id}\0{seen.status}\0{seen.owner}\0{wall.isoformat()}".encode()).hexdigest()
    body = json.dumps({"id": key, **{field: text for field, text in said.items() if text}}).encode()
    received = Received("mapping", MAPPING, "", "application/json", body, f"crm {name}", wall, key, (lead_id,))
    await webhooks.keep(conn, received, "waiting", next_try_wall=wall)


# ── for people ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def tell_anew(
    conn: Any, endpoint_id: str, *, since: datetime | None, lead_id: str | None, open_only: bool
) -> int:
    """Has leads told as they stand, each once, in the order in which they came. How many."""
    many = await conn.fetchval(
        """with chosen as (select l.id from lead l join person p on p.id = l.person_id
                where l.source <> 'flow_check' and l.program is null and p.erased_wall is null
                    and ($2::timestamptz is null or l.created_at >= $2) and ($3::uuid is null or l.id = $3)
                    and (not $4 or l.closed_at is null) order by l.created_at),
            made as (insert into hook_event (lead_id, type, spread) select id, 'lead.snapshot', true from chosen
                returning seq, lead_id),
            told as (insert into hook_delivery (endpoint_id, seq, lead_id) select $1, seq, lead_id from made
                returning lead_id),
            known as (insert into hook_told select $1, lead_id from told on conflict do nothing)
            select count(*) from told""",
        endpoint_id, since, lead_id, open_only,
    )  # fmt: skip
    await wake(conn)
    return int(many)


async def tell_corrected(conn: Any, lead_id: str, fields: Collection[str]) -> None:
    """CRMs that have the lead hear which of its data were put right here; what they are now stands on its page."""
    told = await conn.fetchval(
        """with who as (select t.endpoint_id from hook_told t join hook_endpoint p on p.id = t.endpoint_id
                where t.lead_id = $1 and p.kind <> 'webhook' and p.state = 'on'),
            made as (insert into hook_event (lead_id, type, data, spread)
                select $1, 'lead.corrected', jsonb_build_object('fields', $2::text[]), true
                where exists (select from who) returning seq, lead_id),
            told as (insert into hook_delivery (endpoint_id, seq, lead_id)
                select endpoint_id, seq, lead_id from who cross join made returning 1)
            select count(*) from told""",
        lead_id, sorted(fields),
    )  # fmt: skip
    if told:
        await wake(conn)


@dataclass(frozen=True, slots=True)
class Counted:
    records: int
    gone: int


async def counted(conn: Any, endpoint_id: str) -> Counted:
    row = await conn.fetchrow(
        "select count(*) as records, count(*) filter (where gone) as gone from crm_record where endpoint_id = $1",
        endpoint_id,
    )
    return Counted(**row)
