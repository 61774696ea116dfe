"""What is known of a lead, and how it was judged, as the activity before routing reads and keeps it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from speedlead.domain.knowing import Company, History, best
from speedlead.domain.lanes import HEAT, Judged
from speedlead.domain.outcomes import BAD_DATA
from speedlead.records import Found, Judgement, Looked
from speedlead.store.companies import remember
from speedlead.store.story import tell_story

# a company with more leads than that is no clearer for it
_ENOUGH = 1000

_LOOK = f"""
select (select j.lane from judgement j where j.lead_id = l.id and j.inquiry_number = $2) as lane,
    array(select name || '/' || source from known_fact where lead_id = l.id and wrong_at is not null) as wrong,
    a.answer, a.problem, a.domain is not null as asked,
    to_jsonb(c) as company, h.*, o.*
from lead l
left join company_answer a on a.domain = $4 and a.expires_wall > $5
-- domains that somebody has joined with this one are the same company (company_alike.py)
cross join lateral (select array(select of_domain from company_alike
        where domain = any($3::text[]) and state = 'joined') as main) j
cross join lateral (select array[$4::text] || array(select unnest(array[a.domain, a.of_domain]) from company_alike a
        where a.state = 'joined' and a.of_domain = any(array[$4::text] || j.main)) as domains) g
left join lateral (select c.domain, c.name, c.employees, c.industry, c.tier, c.named, c.note,
        case when r.active then c.owner_id end as owner_id
    from company c left join rep r on r.id = c.owner_id where c.domain = any($3::text[] || j.main)
    order by c.domain = any($3::text[]) desc, length(c.domain) desc limit 1) c on true
cross join lateral (select count(*)::int as leads,
        count(*) filter (where o.qualified)::int as qualified, count(*) filter (where o.bought)::int as bought,
        count(*) filter (where o.bad)::int as bad
    from lead b left join lateral (select bool_or(outcome = 'qualified') as qualified,
            bool_or(outcome = 'converted') as bought, bool_or(reason = any($6::text[])) as bad
        from outcome where lead_id = b.id) o on true
    -- what was sold in a program stands on the lead behind it, which has bought in any case
    where b.person_id = l.person_id and b.id <> l.id and b.program is null) h
cross join lateral (select count(*)::int as of_company, count(*) filter (where b.bought)::int as company_bought
    from (select exists (select from outcome where lead_id = b.id and outcome = 'converted') as bought
        from person_email e join lead b on b.person_id = e.person_id
        where split_part(e.address, '@', 2) = any(g.domains) and e.person_id <> l.person_id and b.program is null
        limit {_ENOUGH}) b) o
where l.id = $1
"""  # noqa: S608  nothing in it comes from outside

_JUDGED = """
insert into judgement (lead_id, inquiry_number, came_as, lead_type, lane, points, rules, version, account_owner,
    problem, ms, at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict do nothing returning true
"""
# The inquiry that made the lead as hot as it is carries the type, so that what is hotter is told from what is not.
_RAISED = """
update inquiry set lead_type = $3 where lead_id = $1 and number = (
    select min(number) from inquiry where lead_id = $1 and lead_type = $2)
"""
_LOWERED = "update inquiry set lead_type = $3 where lead_id = $1 and lead_type = $2"


class KnowledgeStore:
    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool

    async def look(
        self, lead_id: str, number: int, domain: str | None, parents: Sequence[str], wall: datetime
    ) -> Looked:
        """`domain`: of a company's mail, with what it is a part of. Raises LookupError when there is no such lead."""
        row = await self._pool.fetchrow(_LOOK, lead_id, number, list(parents), domain, wall, list(BAD_DATA))
        if row is None:
            raise LookupError(f"lead {lead_id}: there is no such lead")
        return Looked(
            History(
                row["leads"], row["qualified"], row["bought"], row["bad"], row["of_company"], row["company_bought"]
            ),
            Company(**row["company"]) if row["company"] is not None else None,
            row["asked"],
            row["answer"],
            row["problem"],
            frozenset(row["wrong"]),
            row["lane"],
        )

    async def remember(
        self, domain: str, answer: Mapping[str, object] | None, problem: str | None, wall: datetime, until: datetime
    ) -> None:
        await remember(self._pool, domain, answer, problem, wall, until)

    async def keep(self, found: Found, judged: Judged, *, version: int, now: datetime) -> None:
        """Facts, judgement and what follows from them, in one commit; of several answers the first one stands.

        The lead's type changes unless another inquiry has changed it meanwhile. Who looks after the company becomes the
        owner of a lead that has none, as a known owner would. A fact that somebody called wrong stays wrong.
        """
        async with self._pool.acquire() as conn, conn.transaction():
            whose = """select l.lead_type, l.owner_id, l.assigned_at, p.erased_wall
                from person p join lead l on l.person_id = p.id where l.id = $1 for no key update of p, l"""
            # a merge that we have waited for gave the lead to another person: the second look finds that one
            lead = await conn.fetchrow(whose, found.lead_id) or await conn.fetchrow(whose, found.lead_id)
            if lead is None:
                raise LookupError(f"lead {found.lead_id}: there is no such lead")
            if lead["erased_wall"] is not None:  # while it was being looked up
                return
            hits = [[rule.id, rule.points, rule.why] for rule in judged.hits]
            first = await conn.fetchval(
                _JUDGED, found.lead_id, found.number, found.came_as, judged.lead_type, judged.lane, judged.points,
                hits, version, found.account_owner, found.problem, found.ms, now,
            )  # fmt: skip
            if not first:
                return
            await conn.executemany(
                """insert into known_fact as k (lead_id, name, source, value, confidence, at)
                   values ($1, $2, $3, $4, $5, $6) on conflict (lead_id, name, source) do update set
                       value = excluded.value, confidence = excluded.confidence, at = excluded.at,
                       wrong_at = case when k.value = excluded.value then k.wrong_at end""",
                [(found.lead_id, f.name, f.source, f.value, f.confidence, now) for f in found.facts],
            )
            if lead["lead_type"] == found.came_as != judged.lead_type:
                raised = HEAT[judged.lead_type] > HEAT[found.came_as]
                await conn.execute("update lead set lead_type = $2 where id = $1", found.lead_id, judged.lead_type)
                await conn.execute(_RAISED if raised else _LOWERED, found.lead_id, found.came_as, judged.lead_type)
            if found.account_owner is not None and lead["owner_id"] is None and lead["assigned_at"] is None:
                await conn.execute("update lead set owner_id = $2 where id = $1", found.lead_id, found.account_owner)
            await self._tell(conn, found, judged, now)

    async def _tell(self, conn: Any, found: Found, judged: Judged, now: datetime) -> None:
        sources = sorted({fact.source for fact in found.facts})
        await tell_story(
            conn, found.lead_id, kind="enriched", at=now, reason=found.problem, dedupe=f"enriched-{found.number}",
            data={"sources": sources, "facts": len(best(found.facts)), "ms": found.ms},
        )  # fmt: skip
        changed = judged.lead_type != found.came_as
        if changed or judged.lane == "low":
            reason = f"{found.came_as}_to_{judged.lead_type}" if changed else "low_quality"
            await tell_story(
                conn, found.lead_id, kind="classified", at=now, reason=reason, dedupe=f"classified-{found.number}",
                data={"points": judged.points, "lane": judged.lane, "rules": [rule.id for rule in judged.hits]},
            )  # fmt: skip


async def read_judgement(pool: Any, lead_id: str) -> Judgement | None:
    """Of the newest inquiry that was judged, with the facts that nobody called wrong."""
    row = await pool.fetchrow(
        """select inquiry_number, came_as, lead_type, lane, account_owner, array(
               select jsonb_build_array(k.name, k.value) from known_fact k
               where k.lead_id = j.lead_id and k.wrong_at is null order by k.confidence, k.source desc) as facts
           from judgement j where lead_id = $1 order by inquiry_number desc limit 1""",
        lead_id,
    )
    if row is None:
        return None
    # the surest last: it stands
    knows = {name: value for name, value in row["facts"]}  # noqa: C416
    return Judgement(row["inquiry_number"], row["came_as"], row["lead_type"], row["lane"], row["account_owner"], knows)
