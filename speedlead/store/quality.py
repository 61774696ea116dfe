"""Contacts of our people with leads, those that were drawn to be reviewed, and the reviews."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from speedlead import ids
from speedlead.domain.quality import Contact, QualityRules

# Talks are those that count as contacts in every other figure (metric_touch), and those of calls to us. The criteria
# are about answering an inquiry: how customers are looked after is none of them.
_CONTACTS = """
with asked as (
    select lead_id from outcome where at >= $1 and at < $2 and call_result = 'connected'
    union
    select lead_id from touch where channel = 'call' and sent_at >= $1 and sent_at < $2
), found as (
    select 'call' as kind, 'call:' || c.id as key, a.lead_id, c.at, coalesce(o.rep_id, g.rep_id, l.owner_id) as rep_id
    from asked a join lead l on l.id = a.lead_id
    cross join lateral (select t.id, t.at from metric_touch t
        where t.lead_id = a.lead_id and t.is_call and t.contact and t.at >= $1 and t.at < $2) c
    left join lateral (select w.rep_id from outcome w where w.lead_id = a.lead_id and w.rep_id is not null
        and (w.id::text = c.id or w.touch_id = c.id) order by w.at limit 1) o on true
    left join lateral (select g.rep_id from leg g
        where g.touch_id = c.id and g.role = 'rep' and g.answered_at is not null
        order by g.answered_at desc limit 1) g on true
    union all
    select 'call', 'call:' || o.id, o.lead_id, o.at, coalesce(o.rep_id, i.rep_id)
    from outcome o join inbound_call i on i.id = o.id
    where o.at >= $1 and o.at < $2 and o.call_result = 'connected'
    union all
    select 'answer', 'answer:' || w.id, w.lead_id, t.sent_at, w.rep_id
    from answer w join touch t on t.lead_id = w.lead_id and t.step = 'answer-' || w.number and t.state = 'sent'
    where t.sent_at >= $1 and t.sent_at < $2
)
select f.kind, f.key, f.lead_id::text as lead_id, f.at, f.rep_id::text as rep_id
from found f join lead l on l.id = f.lead_id join person p on p.id = l.person_id
where f.rep_id is not null and l.source <> 'flow_check' and l.program is distinct from 'customer'
    and p.erased_wall is null
order by f.key
"""


@dataclass(frozen=True, slots=True)
class Found(Contact):
    kind: str
    lead_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Pick:
    """`reviewers`: how many have said something; `mine`: whoever looks is one of them. `value`: 0 to 1, of all."""

    pick_id: str
    kind: str
    contact: str
    lead_id: str
    lead: str
    rep_id: str
    rep_name: str
    at: datetime
    week: date
    reviewers: int
    mine: bool
    value: float | None
    apart: float | None


@dataclass(frozen=True, slots=True)
class Review:
    """The newest one of a person."""

    who: str
    account_id: str
    marks: dict[str, int]
    value: float
    remark: str | None
    at_wall: datetime


async def contacts(conn: Any, start: datetime, end: datetime) -> list[Found]:
    return [Found(**row) for row in await conn.fetch(_CONTACTS, start, end)]


async def drawn_weeks(conn: Any, weeks: Sequence[date]) -> set[date]:
    """Those of them that were drawn."""
    return {
        row["week"] for row in await conn.fetch("select week from quality_week where week = any($1::date[])", weeks)
    }


async def write_week(
    conn: Any, week: date, rules: QualityRules, found: Sequence[Found], picked: Sequence[Contact], wall: datetime
) -> bool:
    """False when somebody else has drawn this week meanwhile; then nothing is written."""
    written = await conn.fetchval(
        """insert into quality_week (week, contacts, drawn, share, drawn_wall) values ($1, $2, $3, $4, $5)
           on conflict do nothing returning true""",
        week, len(found), len(picked), rules.share, wall,
    )  # fmt: skip
    if not written:
        return False
    by_key = {one.key: one for one in found}
    await conn.executemany(
        """insert into quality_pick (id, contact, kind, lead_id, rep_id, week, at)
           values ($1, $2, $3, $4, $5, $6, $7) on conflict (contact) do nothing""",
        [(ids.new_id(), one.key, (of := by_key[one.key]).kind, of.lead_id, one.rep_id, week, of.at) for one in picked],
    )
    return True


_PICKS = """
select p.id::text as pick_id, p.kind, p.contact, p.lead_id::text as lead_id,
    coalesce(e.name, e.company, left(p.lead_id::text, 8)) as lead, p.rep_id::text as rep_id, r.name as rep_name, p.at,
    p.week, coalesce(v.reviewers, 0) as reviewers, v.value, v.apart,
    exists (select from quality_review q where q.pick_id = p.id and q.account_id = $1::text::uuid) as mine
from quality_pick p join rep r on r.id = p.rep_id join lead l on l.id = p.lead_id join person e on e.id = l.person_id
left join metric_contact_quality v on v.pick_id = p.id
"""


async def picks(conn: Any, account_id: str, since: datetime, *, rep_id: str | None = None) -> list[Pick]:
    """Those that nobody has reviewed first, then the newest. `rep_id`: of one of our people.

    Of who was erased nothing is left to review.
    """
    rows = await conn.fetch(
        _PICKS + """where p.at >= $2 and ($3::text is null or p.rep_id = $3::text::uuid)
            and (e.erased_wall is null or v.reviewers is not null)
            order by v.reviewers is not null, p.week desc, p.at, p.id""",
        account_id, since, rep_id,
    )  # fmt: skip
    return [Pick(**row) for row in rows]


async def pick_of(conn: Any, pick_id: str, account_id: str) -> Pick | None:
    row = await conn.fetchrow(_PICKS + "where p.id = $2::text::uuid", account_id, pick_id)
    return Pick(**row) if row else None


async def reviews(conn: Any, pick_id: str) -> list[Review]:
    """One of each person who has said something, the first one first."""
    rows = await conn.fetch(
        """select * from (select distinct on (q.account_id) q.id, coalesce(a.name, a.email) as who,
                   q.account_id::text as account_id, q.marks, q.value::float8 as value, q.remark, q.at_wall
               from quality_review q join account a on a.id = q.account_id where q.pick_id = $1::text::uuid
               order by q.account_id, q.id desc) n order by n.id""",
        pick_id,
    )
    return [Review(**{name: row[name] for name in Review.__slots__}) for row in rows]


async def write_review(
    conn: Any, pick_id: str, account_id: str, marks: Mapping[str, int], value: float, remark: str | None, wall: datetime
) -> None:
    """Nothing is overwritten: what somebody said before stays. Of who was erased meanwhile no remark is kept."""
    await conn.execute(
        """insert into quality_review (pick_id, account_id, marks, value, remark, at_wall)
           select k.id, $2, $3, $4, case when p.erased_wall is null then $5 end, $6
           from quality_pick k join lead l on l.id = k.lead_id join person p on p.id = l.person_id
           where k.id = $1::text::uuid for share of p""",
        pick_id, account_id, dict(marks), value, remark, wall,
    )  # fmt: skip
