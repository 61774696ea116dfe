"""What a review is made of besides the figures: leads worth reading, changes, what leads said. And those kept."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

# What counts nowhere (flow checks, spam, tests, duplicates) is no lead worth reading: fifty are looked at for one.

# hot, and over without anything that was agreed; who waited longest for us comes first
_LOST = """
select c.* from (
    select l.id as lead_id, l.close_reason as reason, l.first_attempt_at is not null as tried,
        l.first_contact_at is not null as spoken,
        extract(epoch from coalesce(l.first_attempt_at, l.closed_at) - l.created_at)::float8 as waited_s,
        (select count(*)::int from breach b where b.lead_id = l.id) as missed
    from lead l join person p on p.id = l.person_id
    where l.lead_type = 'hot' and l.closed_at >= $1 and l.closed_at < $2 and p.erased_wall is null
        and not exists (select from outcome o where o.lead_id = l.id
            and o.outcome in ('qualified', 'meeting_booked', 'converted', 'unqualified'))
    order by waited_s desc, l.id limit 50) c
where exists (select from metric_lead m where m.lead_id = c.lead_id)
order by c.waited_s desc, c.lead_id limit 1"""

# won, or handed over, in the week although a target was missed before: the more was missed, the earlier it comes
_RECOVERED = """
select c.* from (
    select l.id as lead_id, o.outcome, extract(epoch from o.at - l.created_at)::float8 as took_s,
        (select count(*)::int from breach b where b.lead_id = l.id and b.due_at < o.at) as missed,
        (select count(*)::int from touch t where t.lead_id = l.id and t.state = 'sent' and t.sent_at < o.at
            and t.purpose in ('plan', 'manual')) as touches
    from lead l join person p on p.id = l.person_id
    join lateral (select o.outcome, o.at from outcome o where o.lead_id = l.id
        and o.outcome in ('qualified', 'meeting_booked', 'converted') order by o.at limit 1) o on true
    where o.at >= $1 and o.at < $2 and p.erased_wall is null and l.id <> all($3::uuid[])
        and exists (select from breach b where b.lead_id = l.id and b.due_at < o.at)
    order by missed desc, touches desc, took_s desc, l.id limit 50) c
where exists (select from metric_lead m where m.lead_id = c.lead_id)
order by c.missed desc, c.touches desc, c.took_s desc, c.lead_id limit 1"""

# by lot, and the same one whenever it is drawn: nobody has chosen it
_RANDOM = """
select c.* from (
    select l.id as lead_id, l.lead_type, l.stage, md5($4 || l.id::text) as lot
    from lead l join person p on p.id = l.person_id
    where l.created_at >= $1 and l.created_at < $2 and p.erased_wall is null and l.id <> all($3::uuid[])
    order by lot limit 50) c
where exists (select from metric_lead m where m.lead_id = c.lead_id)
order by c.lot limit 1"""

_SAID = """
with f as materialized (select * from metric_feedback where changed_at >= $3 and changed_at < $2)
select w.name, (count(*) filter (where f.fast))::int as fast, count(f.fast)::int as of_speed,
    (count(*) filter (where f.helpful))::int as helpful, count(f.helpful)::int as of_contact
from (values ('now', $1::timestamptz, $2::timestamptz), ('old', $3, $1)) w (name, start, until)
left join f on f.changed_at >= w.start and f.changed_at < w.until
    and exists (select from metric_lead m where m.lead_id = f.lead_id)
group by w.name"""

_CHANGES = """
select kind, count(*)::int as many, (array_agg(distinct what))[1:6] as what
from metric_change where at_wall >= $1 and at_wall < $2 group by kind
union all
select 'goal', count(*)::int, (array_agg(distinct object))[1:6] from audit
where action in ('goal set', 'goal end') and at_wall >= $1 and at_wall < $2 having count(*) > 0
order by kind"""


@dataclass(frozen=True, slots=True)
class Kept:
    week: str
    starts_at: datetime
    ends_at: datetime
    content: dict[str, Any]
    composed_wall: datetime
    sent: int


async def lost(conn: Any, start: datetime, end: datetime) -> Any | None:
    return await conn.fetchrow(_LOST, start, end)


async def recovered(conn: Any, start: datetime, end: datetime, but: Sequence[str]) -> Any | None:
    return await conn.fetchrow(_RECOVERED, start, end, list(but))


async def by_lot(conn: Any, start: datetime, end: datetime, but: Sequence[str], lot: str) -> Any | None:
    return await conn.fetchrow(_RANDOM, start, end, list(but), lot)


async def said(conn: Any, start: datetime, end: datetime, before: datetime) -> dict[str, Any]:
    return {row["name"]: row for row in await conn.fetch(_SAID, start, end, before)}


async def changes(conn: Any, start: datetime, end: datetime) -> list[Any]:
    return list(await conn.fetch(_CHANGES, start, end))


async def had_leads(conn: Any, until: datetime) -> bool:
    return bool(await conn.fetchval("select exists (select from metric_lead where created_at < $1)", until))


# ── reviews that are kept ────────────────────────────────────────────────────────────────────────────────────────────


async def keep(
    conn: Any, week: str, bounds: tuple[datetime, datetime], content: str, wall: datetime, *, anew: bool = False
) -> bool:
    """False where one is kept already; `anew`: it takes its place."""
    clash = (
        "update set content = excluded.content, composed_wall = excluded.composed_wall, "
        "starts_at = excluded.starts_at, ends_at = excluded.ends_at" if anew else "nothing"
    )  # fmt: skip
    done = await conn.fetchval(
        f"""insert into review (week, starts_at, ends_at, content, composed_wall) values ($1, $2, $3, $4, $5)
            on conflict {"(week)" if anew else ""} do {clash} returning true""",  # noqa: S608 one of two texts above
        week, *bounds, json.loads(content), wall,
    )  # fmt: skip
    return bool(done)


_KEPT = """
select r.week, r.starts_at, r.ends_at, r.content, r.composed_wall,
    (select count(*)::int from review_mail m where m.week = r.week and m.state = 'sent') as sent
from review r"""


async def kept(conn: Any, week: str) -> Kept | None:
    row = await conn.fetchrow(f"{_KEPT} where r.week = $1", week)
    return Kept(**row) if row else None


async def newest(conn: Any, most: int) -> list[Kept]:
    return [Kept(**row) for row in await conn.fetch(f"{_KEPT} order by r.week desc limit $1", most)]
