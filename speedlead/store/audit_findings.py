"""What the audit reads, and what it found, as rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead import wording
from speedlead.domain.audit import ADVICE, TITLES, Came, Finding, lacking, loop_of, minutes_between
from speedlead.domain.sla import LeadFacts
from speedlead.store.flow_checks import REAL
from speedlead.store.rows import put_notice

_CAME = f"""
select l.lead_type, l.intent, l.source, l.segment, l.country, l.region, l.postcode, i.fields ->> 'channel' as channel,
    i.fields ->> 'product' as product, coalesce(i.fields ->> 'lang', i.fields ->> 'browser_lang') as language
from lead l join inquiry i on i.lead_id = l.id and i.number = 1
where l.created_at >= $1 and {REAL} and l.program is null
"""  # noqa: S608  a constant of ours
_UNMATCHED = f"""
select distinct on (a.lead_id) a.lead_id::text as lead_id, a.rep_id, a.gave_up, a.reason
from assignment a join lead l on l.id = a.lead_id where a.at >= $1 and {REAL} and l.program is null
order by a.lead_id, a.id desc
"""  # noqa: S608
_OWNERS = f"""
select s.lead_id::text as lead_id, array_agg(s.data ->> 'rep_id' order by s.id) as owners
from story s join lead l on l.id = s.lead_id
where s.kind in ('assigned', 'reassigned', 'escalated') and s.data ? 'rep_id' and {REAL} and l.program is null
    and exists (select from story n where n.lead_id = s.lead_id and n.at >= $1
        and n.kind in ('assigned', 'reassigned', 'escalated'))
group by s.lead_id having count(*) > 2
"""  # noqa: S608
# who is given a lead by hand is told so in these words, and by nothing else
_BY_HAND = f"""
select s.lead_id::text as lead_id, s.at, s.reason, r.name,
    $2::timestamptz + l.clock_offset_us * interval '1 microsecond' as now,
    (select min(x.at) from (
        select t.claimed_at as at from touch t where t.lead_id = s.lead_id and t.claimed_at > s.at
        union all select o.at from outcome o where o.lead_id = s.lead_id and o.at > s.at
        union all select a.written_at from answer a where a.lead_id = s.lead_id and a.written_at > s.at
        union all select l.closed_at) x) as went_on
from story s join lead l on l.id = s.lead_id left join rep r on r.id::text = s.data ->> 'rep_id'
where s.kind = 'reassigned' and s.at >= $1 and {REAL} and l.program is null
    and exists (select from notice n where n.lead_id = s.lead_id and n.kind = 'reassigned' and n.at = s.at)
order by s.at
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Report:
    """One audit, of the `days` before `at`."""

    at: datetime
    days: int
    findings: tuple[Finding, ...]

    def by_kind(self) -> list[tuple[str, str, list[Finding]]]:
        """(title, what to do, findings) for each kind that was found."""
        grouped = [(TITLES[kind], ADVICE[kind], [f for f in self.findings if f.kind == kind]) for kind in TITLES]
        return [group for group in grouped if group[2]]


async def came(conn: Any, since: datetime) -> list[Came]:
    return [
        Came(
            LeadFacts(
                row["lead_type"], row["intent"], row["source"], row["segment"], row["channel"] or "form",
                tuple(place for place in (row["country"], row["region"]) if place),
            ),
            row["postcode"], row["product"], row["language"],
        )
        for row in await conn.fetch(_CAME, since)
    ]  # fmt: skip


async def peaks(conn: Any, since: datetime) -> set[str]:
    return {row["peak"] for row in await conn.fetch("select distinct peak from assignment where at >= $1", since)}


async def skills(conn: Any) -> dict[str, set[str]]:
    """What our people are given: territory, product, language."""
    names = {"territory": "territories", "product": "products", "language": "languages"}
    return {
        kind: {row["name"] for row in await conn.fetch(
            f"select distinct unnest({column}) as name from rep where active")}  # noqa: S608  names of ours
        for kind, column in names.items()
    }  # fmt: skip


async def unmatched(conn: Any, since: datetime, words: Any) -> list[Finding]:
    """`words(code)`: what somebody lacked, as people say it."""
    found = []
    for row in await conn.fetch(_UNMATCHED, since):
        if gave_up := lacking(row["gave_up"]):
            detail = f"given away although the new owner {'; '.join(words(code) for code in gave_up)}"
        elif row["rep_id"] is None and row["reason"] != "offered":
            detail = "nobody fits"
        else:
            continue
        found.append(Finding("unmatched", detail, row["lead_id"]))
    return found


async def loops(conn: Any, since: datetime) -> list[Finding]:
    rows = await conn.fetch(_OWNERS, since)
    return [Finding("loop", why, row["lead_id"]) for row in rows if (why := loop_of(row["owners"])) is not None]


async def by_hand(conn: Any, since: datetime, wall: datetime) -> list[Finding]:
    return [
        Finding(
            "by_hand",
            f"to {row['name'] or 'somebody who has left'}" + (f": {row['reason']}"[:200] if row["reason"] else "")
            + ("" if row["went_on"] else "; nothing has happened since"),
            row["lead_id"],
            minutes=minutes_between(row["at"], row["went_on"] or row["now"]),
        )
        for row in await conn.fetch(_BY_HAND, since, wall)
    ]  # fmt: skip


async def write(conn: Any, at: datetime, days: int, findings: Sequence[Finding], wall: datetime) -> None:
    """A report is kept for a year; operations hear of one with findings, and of the newest alone."""
    await conn.execute("update notice set seen_wall = $1 where kind = 'audit_done' and seen_wall is null", wall)
    await conn.execute("delete from audit_run where at < $1", at - timedelta(days=366))
    run = await conn.fetchval("insert into audit_run (at, days) values ($1, $2) returning id", at, days)
    await conn.executemany(
        """insert into audit_finding (run_id, number, kind, lead_id, subject, detail, minutes)
           values ($1, $2, $3, $4::text::uuid, $5, $6, $7)""",
        [(run, number, f.kind, f.lead_id, f.subject, f.detail, f.minutes) for number, f in enumerate(findings, 1)],
    )
    if findings:
        await put_notice(conn, audience="ops", kind="audit_done", at=at,
                         reason=wording.counted(len(findings), "finding"), dedupe=f"audit_done:{run}")  # fmt: skip


async def newest(conn: Any) -> Report | None:
    """None: none was made yet."""
    run = await conn.fetchrow("select * from audit_run order by id desc limit 1")
    if run is None:
        return None
    rows = await conn.fetch(
        """select kind, detail, lead_id::text as lead_id, subject, minutes::float8 as minutes
           from audit_finding where run_id = $1 order by number""",
        run["id"],
    )
    return Report(run["at"], run["days"], tuple(Finding(**dict(row)) for row in rows))
