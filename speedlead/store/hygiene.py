"""Rows that the look at the base reads: people, open leads, companies. What it found is in `hygiene_findings`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead.domain.flow_check import DOMAIN
from speedlead.domain.hygiene import Stuck
from speedlead.domain.review_week import first_instant, week_of
from speedlead.store.flow_checks import REAL

# companies that so many people name come first; more than this nobody looks up in a week
MOST_COMPANIES = 1_000

# $3: calls from which it matters whether anybody ever picked up
_PEOPLE = f"""
select p.id as person_id, p.name, p.company, l.id as lead_id, l.country, l.id is not null and l.closed_at is null
        as is_open,
    coalesce(l.country, l.tz, l.zone) is not null or n.numbers is not null as place,
    array(select channel from barred where person_id = p.id) as barred,
    coalesce(e.addresses, '[]') as mails, coalesce(n.numbers, '[]') as phones
from person p
left join lateral (select * from lead l where l.person_id = p.id
    order by l.closed_at is null desc, l.created_at desc, l.id limit 1) l on true
left join lateral (select jsonb_agg(jsonb_build_array(address, bad_reason) order by created_at, address) as addresses
    from person_email where person_id = p.id) e on true
left join lateral (select jsonb_agg(jsonb_build_array(x.number, x.bad_reason, c.calls, c.days,
        c.connected or c.calls >= $3 and (
            exists (select from lead w join outcome o on o.lead_id = w.id
                where w.person_id = p.id and o.call_result = 'connected')
            or exists (select from lead w join inbound_call i on i.lead_id = w.id
                where w.person_id = p.id and i.number = x.number)
            or exists (select from reply y where y.person_id = p.id and y.sender = x.number)))
        order by x.created_at, x.number) as numbers
    from person_phone x cross join lateral (
        select count(*)::int as calls, count(distinct t.sent_at::date)::int as days,
            coalesce(bool_or(t.call_result = 'connected'), false) as connected
        from touch t where t.address = x.number and t.state = 'sent' and t.channel = 'call') c
    where x.person_id = p.id) n on true
where p.id > $1 and p.erased_wall is null and (l.id is null or {REAL})
    and not exists (select from person_email f where f.person_id = p.id and f.address like '%@{DOMAIN}')
order by p.id limit $2
"""  # noqa: S608  constants of ours

_STUCK = f"""
select l.id as lead_id, l.person_id, $2::timestamptz + l.clock_offset_us * interval '1 microsecond' as now,
    l.owner_id is not null as has_owner, coalesce(r.active, false) as owner_active,
    coalesce(l.open_at, l.created_at) as opened_at,
    greatest(l.created_at, l.assigned_at, l.accepted_at,
        (select max(i.submitted_at) from inquiry i where i.lead_id = l.id),
        (select max(t.sent_at) from touch t where t.lead_id = l.id and t.state = 'sent'),
        (select max(o.at) from outcome o where o.lead_id = l.id),
        (select max(a.written_at) from answer a where a.lead_id = l.id),
        (select max(y.received_at) from reply y where y.lead_id = l.id)) as last_at,
    l.next_touch_at as waits_until, l.decided_at is not null as decided, l.program is not null as in_program,
    case when l.paused_until is not null then least(l.paused_until, '9000-01-01') end as paused_until
from lead l left join rep r on r.id = l.owner_id
where l.closed_at is null and {REAL} and l.id > $1 order by l.id limit $3
"""  # noqa: S608

# companies that people name, none of whom has an address of a company; what our own table names has a domain
_COMPANIES = f"""
select w.name, w.written, w.people, w.person_id, w.lead_id from (
    select lower(btrim(p.company)) as name, min(btrim(p.company)) as written, count(*)::int as people,
        (array_agg(p.id order by p.created_at desc, p.id))[1] as person_id,
        (array_agg(l.id order by l.closed_at is null desc, l.created_at desc, l.id))[1] as lead_id
    from person p
    join lateral (select * from lead l where l.person_id = p.id
        order by l.closed_at is null desc, l.created_at desc, l.id limit 1) l on true
    where p.erased_wall is null and btrim(p.company) <> '' and {REAL}
    group by 1
    having not bool_or(exists (select from person_email e
        where e.person_id = p.id and split_part(e.address, '@', 2) <> all($1::text[])))) w
where not exists (select from company c where lower(btrim(c.name)) = w.name)
order by w.people desc, w.name limit $2
"""  # noqa: S608  a constant of ours

# $1: the house's zone
_VALID = """
select date_trunc('week', created_at at time zone $1)::date as week, count(*)::int as leads,
    (count(*) filter (where valid))::int as valid
from lead_fact where valid is not null and created_at >= $2 group by 1 order by 1
"""


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A company that `people` name, without a domain; one of them, and a lead of theirs."""

    name: str
    written: str
    people: int
    person_id: str
    lead_id: str


@dataclass(frozen=True, slots=True)
class ValidWeek:
    """Of the leads that came in a week: how many have a way to reach them that works (REQ 108)."""

    week: Any
    leads: int
    valid: int


async def people_after(conn: Any, last: str, many: int, silent_calls: int) -> Sequence[Mapping[str, Any]]:
    """In the order of their ids, without the erased and the flow check's."""
    rows: Sequence[Mapping[str, Any]] = await conn.fetch(_PEOPLE, last, many, silent_calls)
    return rows


async def open_leads_after(conn: Any, last: str, wall: datetime, many: int) -> list[Stuck]:
    return [Stuck(**row) for row in await conn.fetch(_STUCK, last, wall, many)]


async def mail_domains(conn: Any) -> list[str]:
    rows = await conn.fetch("select distinct split_part(address, '@', 2) as domain from person_email")
    return [row["domain"] for row in rows]


async def companies_without(conn: Any, of_nobody: Collection[str]) -> list[Unplaced]:
    """`of_nobody`: domains that are no company's."""
    return [Unplaced(**row) for row in await conn.fetch(_COMPANIES, list(of_nobody), MOST_COMPANIES)]


async def valid_weeks(conn: Any, zone: str, now: datetime, weeks: int) -> list[ValidWeek]:
    """The week of `now` and those before it, without the weeks in which no lead came."""
    since = first_instant(week_of(now, zone).monday - timedelta(weeks=weeks - 1), zone)
    return [ValidWeek(**row) for row in await conn.fetch(_VALID, zone, since)]
