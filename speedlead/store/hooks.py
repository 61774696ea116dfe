"""Endpoints of webhooks as rows, and what became of what they were sent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

State = Literal["on", "off", "gone", "dead"]
Kind = Literal["webhook", "hubspot", "salesforce"]


@dataclass(frozen=True, slots=True)
class EndpointRow:
    """`sealed`: address and secrets; `crm`: what the file asked of a CRM (crm/model.py), None of a webhook."""

    id: str
    name: str
    sealed: str
    events: tuple[str, ...]
    only_leads: dict[str, list[str]]
    include: tuple[str, ...]
    state: State
    state_wall: datetime
    failing_since_wall: datetime | None
    failures_in_a_row: int
    pause_until_wall: datetime | None
    taken_wall: datetime | None
    created_wall: datetime
    kind: Kind = "webhook"
    crm: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """`waiting`, `given_up`: events; `oldest_wall`: the oldest that waits."""

    waiting: int = 0
    given_up: int = 0
    oldest_wall: datetime | None = None


_COLUMNS = ", ".join(EndpointRow.__dataclass_fields__)


def _row(row: Any) -> EndpointRow:
    values = dict(row)
    return EndpointRow(**values | {"events": tuple(values["events"]), "include": tuple(values["include"])})


async def endpoints(conn: Any) -> list[EndpointRow]:
    return [_row(row) for row in await conn.fetch(f"select {_COLUMNS} from hook_endpoint order by name")]  # noqa: S608


async def endpoint(conn: Any, endpoint_id: str, *, lock: bool = False) -> EndpointRow | None:
    """`lock`: nobody else changes it until the transaction ends."""
    row = await conn.fetchrow(
        f"select {_COLUMNS} from hook_endpoint where id = $1{' for update' * lock}",  # noqa: S608
        endpoint_id,
    )
    return _row(row) if row else None


async def facts(conn: Any, endpoint_id: str) -> dict[str, Any] | None:
    """For the audit: what of it may be read by everybody who reads that."""
    row = await endpoint(conn, endpoint_id)
    if row is None:
        return None
    return {"name": row.name, "kind": row.kind, "state": row.state, "events": list(row.events),
            "only_leads": row.only_leads, "include": list(row.include)}  # fmt: skip


async def ready(conn: Any, wall: datetime) -> list[EndpointRow]:
    """Those that are on, do not rest, and for which something waits."""
    rows = await conn.fetch(
        f"""select {_COLUMNS} from hook_endpoint p where state = 'on'
                and (pause_until_wall is null or pause_until_wall <= $1)
                and exists (select from hook_delivery d where d.endpoint_id = p.id and d.state = 'waiting')
            order by name""",  # noqa: S608
        wall,
    )
    return [_row(row) for row in rows]


async def backlogs(conn: Any) -> dict[str, Backlog]:
    rows = await conn.fetch(
        """select d.endpoint_id, count(*) filter (where d.state = 'waiting') as waiting,
               count(*) filter (where d.state = 'given_up') as given_up,
               min(e.created_wall) filter (where d.state = 'waiting') as oldest_wall
           from hook_delivery d join hook_event e on e.seq = d.seq where d.state <> 'taken' group by 1"""
    )
    return {row["endpoint_id"]: Backlog(row["waiting"], row["given_up"], row["oldest_wall"]) for row in rows}


async def put(
    conn: Any, endpoint_id: str, *, name: str, sealed: str, events: tuple[str, ...], only_leads: dict[str, list[str]],
    include: tuple[str, ...], active: bool, wall: datetime, kind: Kind = "webhook", crm: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Adds it, or changes the one with this id. Raises asyncpg.UniqueViolationError for a name that is taken."""
    await conn.execute(
        """insert into hook_endpoint (id, name, sealed, events, only_leads, include, state, state_wall, created_wall,
               kind, crm)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)
           on conflict (id) do update set name = excluded.name, sealed = excluded.sealed, events = excluded.events,
               only_leads = excluded.only_leads, include = excluded.include, crm = excluded.crm""",
        endpoint_id, name, sealed, list(events), only_leads, list(include), "on" if active else "off", wall, kind, crm,
    )  # fmt: skip


async def reseal(conn: Any, endpoint_id: str, before: str, after: str) -> bool:
    """False: somebody has changed it meanwhile, and it stays as they left it."""
    return bool(
        await conn.fetchval(
            "update hook_endpoint set sealed = $3 where id = $1 and sealed = $2 returning true",
            endpoint_id, before, after,
        )
    )  # fmt: skip


async def set_state(conn: Any, endpoint_id: str, state: State, wall: datetime) -> bool:
    """False when it is so already, or gone. Switched on, it begins anew: nothing of its failures counts any more.

    What waits is tried at once, and is given up no sooner than what is new.
    """
    return bool(
        await conn.fetchval(
            """with changed as (update hook_endpoint set state = $2, state_wall = $3, failing_since_wall = null,
                   failures_in_a_row = 0, pause_until_wall = null where id = $1 and state <> $2 returning state),
               anew as (update hook_delivery set tries = 0, first_try_wall = null, next_try_wall = null
                   where endpoint_id = $1 and state = 'waiting' and first_try_wall is not null
                       and exists (select from changed where changed.state = 'on'))
               select true from changed""",
            endpoint_id, state, wall,
        )
    )  # fmt: skip


async def remove(conn: Any, endpoint_id: str) -> bool:
    return bool(await conn.fetchval("delete from hook_endpoint where id = $1 returning true", endpoint_id))


async def tries(conn: Any, endpoint_id: str, limit: int) -> list[Any]:
    """Newest first."""
    rows: list[Any] = await conn.fetch(
        "select * from hook_try where endpoint_id = $1 order by id desc limit $2", endpoint_id, limit
    )
    return rows


async def oldest_event(conn: Any) -> datetime | None:
    found: datetime | None = await conn.fetchval("select min(created_wall) from hook_event")
    return found
