"""What customers brought before and after a change of ours, in equal time for both sides (REQ 129)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from speedlead.numbers.books import LOOK
from speedlead.numbers.chance import Sample, moved
from speedlead.numbers.changes import MOST_WEEKS, WEEK, ChangeNumbers, Mark
from speedlead.numbers.filters import Filter

# a customer's first days, and how soon after the inquiry the first revenue is in the books
VALUED, BOOKED = timedelta(days=90), timedelta(days=30)

# $12: the instant of the figures, $13: marks, $14: how long before and after, $15: BOOKED
_VALUES = """
with customer as materialized (
    select m.created_at, v.currency, v.value_90d
    from {leads} join lead l on l.id = m.lead_id
    cross join lateral (select * from metric_value x where x.person_id = l.person_id offset 0) v
    where m.lead_id = any(array(select lead_id from ledger_entry where kind = 'revenue'))
        and v.first_on >= m.created_at::date and v.first_on < (m.created_at + $15::interval)::date
        and v.first_on + 90 <= ($12::timestamptz at time zone 'UTC')::date
)
select k.n::int as n, m.created_at >= k.at as after, m.currency, count(*)::int as customers,
    avg(m.value_90d)::float8 as mean, stddev_samp(m.value_90d)::float8 as sd
from customer m join unnest($13::timestamptz[], $14::interval[]) with ordinality k (at, length, n)
    on m.created_at >= k.at - k.length and m.created_at < k.at + k.length
group by 1, 2, 3 order by 1, 3, 2"""


@dataclass(frozen=True, slots=True)
class Valued:
    """Customers of as many weeks before and after `mark`, who have been customers for VALUED: what each brought in
    that time, less support cost, in one currency. `moved`: 1 or -1 where it rose or fell by more than chance explains.
    """

    mark: Mark
    weeks: int
    currency: str
    before: Sample
    after: Sample

    @property
    def moved(self) -> int:
        return moved(self.after, self.before)


def weeks_around(at: datetime, now: datetime) -> int:
    """Whole weeks after `at` whose customers have been ones for VALUED by `now`; 0: none yet."""
    return max(0, min(MOST_WEEKS, (now - at - BOOKED - VALUED) // WEEK))


class ChangeValueNumbers(ChangeNumbers):
    """The figures, what changed, and what customers brought before and after it."""

    async def valued_at(self, marks: Sequence[Mark], wanted: Filter) -> list[Valued]:
        """Of those marks that are long enough ago, each currency for itself; of the filter's leads."""
        weeks = {mark.at: weeks_around(mark.at, wanted.taken_at) for mark in marks}
        old = [mark for mark in marks if weeks[mark.at]]
        if not old:
            return []
        lengths = [WEEK * weeks[mark.at] for mark in old]
        reach = wanted.model_copy(update={
            "start": min(mark.at - length for mark, length in zip(old, lengths, strict=True)),
            "end": max(mark.at + length for mark, length in zip(old, lengths, strict=True)),
            "at": wanted.taken_at, "period": None,
        })  # fmt: skip

        async def read() -> dict[tuple[int, str], dict[bool, Sample]]:
            found: dict[tuple[int, str], dict[bool, Sample]] = {}
            for row in await self._rows(_VALUES, reach, reach.taken_at, [mark.at for mark in old], lengths, BOOKED):
                sample = Sample(row["customers"], row["mean"], row["sd"])
                found.setdefault((row["n"], row["currency"]), {})[row["after"]] = sample
            return found

        if self._kept is None:
            found = await read()
        else:
            look = replace(LOOK, name=" ".join(("changes", *(mark.at.isoformat() for mark in old))))
            found = await self._kept.as_read(self._pool, look, await self._values(reach), read)
        nobody = Sample(0, None, None)
        return [
            Valued(old[n - 1], weeks[old[n - 1].at], currency, sides.get(False, nobody), sides.get(True, nobody))
            for (n, currency), sides in sorted(found.items())
        ]
