"""Reviewed quality, and the versions of templates and scripts in use, for the leads of a report (REQ 17, 164)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from speedlead.domain.quality import Score, score
from speedlead.numbers.chance import Sample, moved
from speedlead.numbers.filters import Filter
from speedlead.numbers.kept import Row
from speedlead.numbers.questions import TEXTS
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


@dataclass(frozen=True, slots=True)
class Version:
    """`made_from`: such as `email/useful.de v3`, or `script/inbound.en v2` of a call; None: written by hand, or a call
    of the time before they were kept. `leads`, and how many of them were spoken to and qualified, whatever did it; on
    which days the first and the last of them came.
    """

    channel: str
    made_from: str | None
    touches: int
    leads: int
    contacted: int
    qualified: int
    first_on: date
    last_on: date


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
        """Touches that went out to the leads of the report; of each text, the newest version first."""
        found: defaultdict[tuple[str, str], list[tuple[date, Row]]] = defaultdict(list)
        for (channel, made_from, day), row in (await self._ask(TEXTS, wanted)).items():
            if row.sums["leads"]:
                found[channel, made_from].append((date.fromisoformat(day), row))
        versions = [_version(*key, days) for key, days in found.items()]
        return sorted(versions, key=lambda one: (
            one.channel, one.made_from is None, (one.made_from or "").partition(" v")[0], -one.last_on.toordinal(),
            -one.first_on.toordinal(),
        ))  # fmt: skip


def _version(channel: str, made_from: str, days: Sequence[tuple[date, Row]]) -> Version:
    leads, touches, contacted, qualified = (
        round(sum(row.sums[name] for _, row in days)) for name in ("leads", "touches", "contacted", "qualified")
    )
    came = [day for day, _ in days]
    return Version(channel, made_from or None, touches, leads, contacted, qualified, min(came), max(came))
