"""Events on their way to endpoints: spread over them, taken in the order of each lead, settled, told again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

CHANNEL = "hooks"
_MATCHES = " and ".join(
    f"(not p.only_leads ? '{name}' or p.only_leads -> '{name}' ? l.{name})"
    for name in ("lead_type", "source", "intent", "segment", "country")
)
_CHOSEN = f"e.type = any(p.events) and {_MATCHES}"
# who was told of a person is told of its erasure, whatever was chosen, and also when it is off just then
_HAS_TO_KNOW = """e.type = 'lead.erased' and exists (
    select from hook_told t where t.endpoint_id = p.id and t.lead_id = e.lead_id)"""
# a flow check is no lead, and a program is none that came
_REAL = "l.source <> 'flow_check' and l.program is null"
# Nobody can tell from a number whether one below it is still to be committed, so each row says whether it was seen.
# What another transaction could not yet see did not cause what it wrote: this order is that of cause and effect.
_SPREAD = f"""
with e as (update hook_event set spread = true
    where seq in (select seq from hook_event where not spread order by seq limit $1) returning seq, lead_id, type),
told as (insert into hook_delivery (endpoint_id, seq, lead_id)
    select p.id, e.seq, e.lead_id from e join lead l on l.id = e.lead_id cross join hook_endpoint p
    where {_REAL} and (p.state = 'on' and {_CHOSEN} or {_HAS_TO_KNOW}) on conflict do nothing
    returning endpoint_id, lead_id),
known as (insert into hook_told select distinct endpoint_id, lead_id from told on conflict do nothing)
select count(*) from e
"""  # noqa: S608
_HEADS = """
select seq, lead_id from (
    select distinct on (lead_id) seq, lead_id, next_try_wall from hook_delivery
    where endpoint_id = $1 and state = 'waiting' order by lead_id, seq) head
where (next_try_wall is null or next_try_wall <= $2) and lead_id <> all($3::uuid[])
order by next_try_wall nulls first, seq limit $4
"""
_READ = """
select e.seq, e.id, e.type, e.lead_id, e.data, d.round,
    coalesce(e.at, e.created_wall + l.clock_offset_us * interval '1 microsecond') as at,
    -- how long the lead had the status of before: since the change to it, or since it came
    case when e.type = 'lead.status_changed' then greatest(0, round(extract(epoch from e.created_wall - coalesce(
        (select b.created_wall from hook_event b where b.lead_id = e.lead_id and b.type = e.type and b.seq < e.seq
            order by b.seq desc limit 1), case when e.data ->> 'from' = 'new' then l.created_wall end))))::bigint
        end as seconds,
    s.kind, s.step, s.reason, s.data as story, p.erased_wall,
    l.stage, l.lead_type, l.intent, l.source, l.segment, l.country, l.owner_id, l.plan_id, l.plan_version,
    l.close_reason, l.created_at, l.acknowledged_at, l.assigned_at, l.accepted_at, l.first_attempt_due,
    l.first_attempt_at, l.first_contact_at, l.decided_at, l.next_touch_at, l.closed_at
from hook_event e join lead l on l.id = e.lead_id join person p on p.id = l.person_id
join hook_delivery d on d.endpoint_id = $1 and d.seq = e.seq and d.state = 'waiting'
left join story s on s.id = e.story_id
where e.seq = $2 and not exists (select from hook_delivery b where b.endpoint_id = $1 and b.lead_id = e.lead_id
    and b.state = 'waiting' and b.seq < e.seq)
"""
# the first is the one to use: one that does not work, or was corrected, comes last
_CONTACT = """
select p.name, p.company,
    array(select address from person_email where person_id = p.id
        order by bad_reason is not null, created_at, address) as emails,
    array(select number from person_phone where person_id = p.id
        order by bad_reason is not null, created_at, number) as phones
from lead l join person p on p.id = l.person_id where l.id = $1
"""
# whoever was erased while the receiver wrote its answer is not in it: the erasure holds the person's row
_LOG = """
insert into hook_try (endpoint_id, seq, lead_id, event_id, type, at_wall, ms, status, error, excerpt)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10::text is null or $3::uuid is null then $10::text
    when (select p.erased_wall is null from person p join lead l on l.person_id = p.id where l.id = $3::uuid
        for share of p) then $10::text end)
"""
# an endpoint is one row for all its events: it is written when it says something new, or once a minute
_TAKEN = f"""
with delivery as (update hook_delivery set state = 'taken', tries = tries + 1,
    first_try_wall = coalesce(first_try_wall, $11), next_try_wall = null
    where endpoint_id = $1 and seq = $2 and round = $13),
endpoint as (update hook_endpoint set failing_since_wall = null, failures_in_a_row = 0, pause_until_wall = null,
    taken_wall = $11 where id = $1 and (failures_in_a_row > 0 or taken_wall is null or taken_wall < $12))
{_LOG}
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Head:
    """The event of a lead that an endpoint gets next."""

    seq: int
    lead_id: str


@dataclass(frozen=True, slots=True)
class Try:
    """A request that was made; `seq` and `lead_id` None: a test. `round`: of what was to be told then."""

    endpoint_id: str
    seq: int | None
    lead_id: str | None
    event_id: str
    type: str
    at_wall: datetime
    ms: int
    status: int | None
    error: str | None
    excerpt: str | None
    round: int = 0


async def spread(conn: Any, limit: int) -> int:
    """Gives new events to those who want them; how many there were."""
    return int(await conn.fetchval(_SPREAD, limit))


async def heads(conn: Any, endpoint_id: str, wall: datetime, but: Collection[str], limit: int) -> list[Head]:
    """At most one event of each lead, what was never tried first; none of the leads of `but`."""
    rows = await conn.fetch(_HEADS, endpoint_id, wall, list(but), limit)
    return [Head(row["seq"], row["lead_id"]) for row in rows]


async def to_send(conn: Any, endpoint_id: str, seq: int) -> dict[str, Any] | None:
    """As it stands now; None when it is its lead's turn no more. What of it is told, `hooks.events` says."""
    row = await conn.fetchrow(_READ, endpoint_id, seq)
    return dict(row) if row else None


async def contact(conn: Any, lead_id: str) -> dict[str, Any]:
    return dict(await conn.fetchrow(_CONTACT, lead_id))


async def owner(conn: Any, rep_id: str) -> dict[str, Any] | None:
    row = await conn.fetchrow("select id, name, email from rep where id = $1", rep_id)
    return dict(row) if row else None


def _values(made: Try) -> tuple[Any, ...]:
    return (made.endpoint_id, made.seq, made.lead_id, made.event_id, made.type, made.at_wall, made.ms, made.status,
            made.error, made.excerpt)  # fmt: skip


async def log(conn: Any, made: Try) -> None:
    await conn.execute(_LOG, *_values(made))


async def taken(conn: Any, made: Try, wall: datetime) -> None:
    """One statement, for there are many of them."""
    await conn.execute(_TAKEN, *_values(made), wall, wall - timedelta(minutes=1), made.round)


async def failed(conn: Any, made: Try, wall: datetime) -> tuple[int, datetime, int, datetime] | None:
    """(tries of the event, its first try, failures of the endpoint in a row, since when).

    None: it was switched off, or is to be told again from an earlier one.
    """
    tried = await conn.fetchrow(
        """update hook_delivery set tries = tries + 1, first_try_wall = coalesce(first_try_wall, $3)
           where endpoint_id = $1 and seq = $2 and round = $4 returning tries, first_try_wall""",
        made.endpoint_id, made.seq, wall, made.round,
    )  # fmt: skip
    endpoint = await conn.fetchrow(
        """update hook_endpoint set failures_in_a_row = failures_in_a_row + 1,
               failing_since_wall = coalesce(failing_since_wall, $2) where id = $1 and state = 'on'
           returning failures_in_a_row, failing_since_wall""",
        made.endpoint_id, wall,
    )  # fmt: skip
    await log(conn, made)
    if tried is None or endpoint is None:
        return None
    return (*tried, *endpoint)


async def again(conn: Any, endpoint_id: str, seq: int, at: datetime) -> None:
    await conn.execute(
        "update hook_delivery set next_try_wall = $3 where endpoint_id = $1 and seq = $2", endpoint_id, seq, at
    )


async def give_up(conn: Any, endpoint_id: str, seq: int) -> None:
    await conn.execute(
        """update hook_delivery set state = 'given_up', next_try_wall = null
           where endpoint_id = $1 and seq = $2 and state = 'waiting'""",
        endpoint_id, seq,
    )  # fmt: skip


async def rest(conn: Any, endpoint_id: str, until: datetime) -> None:
    await conn.execute("update hook_endpoint set pause_until_wall = $2 where id = $1", endpoint_id, until)


async def replay(
    conn: Any, endpoint_id: str, *, since: datetime | None = None, event_id: str | None = None, given_up: bool = False
) -> int:
    """Has events told again in their order, by the moment they were written, one of them, or those that were given up.

    How many. What is chosen now counts, not what was chosen then.
    """
    many = await conn.fetchval(
        f"""with told as (insert into hook_delivery as d (endpoint_id, seq, lead_id)
            select p.id, e.seq, e.lead_id from hook_event e join lead l on l.id = e.lead_id
            join hook_endpoint p on p.id = $1
            where e.spread and ($2::timestamptz is null or e.created_wall >= $2) and ($3::uuid is null or e.id = $3)
                and (not $4 or exists (select from hook_delivery g
                    where g.endpoint_id = p.id and g.seq = e.seq and g.state = 'given_up'))
                and {_REAL} and ({_CHOSEN} or {_HAS_TO_KNOW})
            on conflict (endpoint_id, seq) do update set state = 'waiting', tries = 0, first_try_wall = null,
                next_try_wall = null, round = d.round + 1
            returning d.endpoint_id, d.lead_id),
            known as (insert into hook_told select distinct endpoint_id, lead_id from told on conflict do nothing)
            select count(*) from told""",  # noqa: S608
        endpoint_id, since, event_id, given_up,
    )  # fmt: skip
    await wake(conn)
    return int(many)


async def wake(conn: Any) -> None:
    await conn.execute("select pg_notify($1, '')", CHANNEL)


async def tidy(conn: Any, before: datetime, limit: int) -> int:
    """Deletes what is older and waits no more, a bounded number at a time; how many rows."""
    tries = await conn.fetch(
        "delete from hook_try where id in (select id from hook_try where at_wall < $1 limit $2) returning 1",
        before, limit,
    )  # fmt: skip
    events = await conn.fetch(
        """delete from hook_event where seq in (select e.seq from hook_event e where e.created_wall < $1 and e.spread
               and not exists (select from hook_delivery d where d.seq = e.seq and d.state = 'waiting') limit $2)
           returning 1""",
        before, limit,
    )  # fmt: skip
    return len(tries) + len(events)
