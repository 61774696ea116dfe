"""Reviewed quality, and the versions of templates and scripts in use, for the leads of a report (REQ 17, 164)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead.domain.quality import Score, score
from speedlead.numbers.chance import Sample, moved
from speedlead.numbers.filters import Filter
from speedlead.numbers.read import Numbers

_BY_REP = """
select v.rep_id::text as rep_id, count(*)::int as reviewed, avg(v.value) as mean
from {leads} join metric_contact_quality v on v.lead_id = m.lead_id group by 1"""

# $12: marks, $13: how long before and after; a lead's contacts count as long on both sides, $14
AROUND = """
select k.n::int as n, m.created_at >= k.at as after, count(*)::int as reviewed, avg(v.value) as mean,
    stddev_samp(v.value) as sd
from {leads}
join unnest($12::timestamptz[], $13::interval[]) with ordinality k (at, length, n)
    on m.created_at >= k.at - k.length and m.created_at < k.at + k.length
join metric_contact_quality v on v.lead_id = m.lead_id and v.at < m.created_at + $14::interval
group by 1, 2"""

# of each lead first: counting distinct leads would sort every touch of the period
_VERSIONS = """
select channel, made_from, sum(touches)::int as touches, count(*)::int as leads,
    (count(*) filter (where contacted))::int as contacted, (count(*) filter (where qualified))::int as qualified,
    min(first_at) as first_at, max(last_at) as last_at
from (select t.channel, t.made_from, count(*) as touches, m.first_contact_s is not null as contacted, m.qualified,
          min(t.at) as first_at, max(t.at) as last_at
      from {leads} join metric_text t on t.lead_id = m.lead_id
      group by m.lead_id, t.channel, t.made_from, contacted, m.qualified) l
group by 1, 2 order by 1, split_part(made_from, ' v', 1), max(last_at) desc"""


@dataclass(frozen=True, slots=True)
class Version:
    """`made_from`: such as `email/useful.de v3`, or `script/inbound.en v2` of a call; None: written by hand, or a call
    of the time before they were kept. `leads`, and how many of them were spoken to and qualified, whatever did it.
    """

    channel: str
    made_from: str | None
    touches: int
    leads: int
    contacted: int
    qualified: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Of contacts before and after something. `moved`: 1 or -1 where it rose or fell by more than chance explains."""

    before: Score
    after: Score
    moved: int


def reviewed(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Reviewed:
    """Of rows with `reviewed`, `mean` and `sd`; None: nothing was reviewed."""
    samples = [Sample(row["reviewed"], row["mean"], row["sd"]) if row else Sample(0, None, None)
               for row in (before, after)]  # fmt: skip
    old, new = (score(one.count, one.mean) for one in samples)
    return Reviewed(old, new, moved(samples[1], samples[0]))


class QualityNumbers(Numbers):
    async def quality_by_rep(self, wanted: Filter) -> dict[str, Score]:
        """Of reviewed contacts with the leads of the report, by who had the contact."""
        return {row["rep_id"]: score(row["reviewed"], row["mean"]) for row in await self._rows(_BY_REP, wanted)}

    async def versions(self, wanted: Filter) -> list[Version]:
        """Touches that went out to the leads of the report."""
        return [Version(**row) for row in await self._rows(_VERSIONS, wanted)]
