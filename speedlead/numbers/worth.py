"""What leads bring, beside how fast they were answered: by segment, scenario and channel, as the books have it.

Amounts of two currencies are never added: whatever is money is told for each currency apart.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from speedlead.numbers.chance import Sample
from speedlead.numbers.filters import Filter
from speedlead.numbers.kept import Row
from speedlead.numbers.questions import AT, Question
from speedlead.numbers.read import Numbers

# by what leads are told apart, and how
SEGMENTS: Mapping[str, str] = {
    "type": "m.lead_type", "segment": "m.segment", "source": "m.source", "channel": "m.channel",
    "region": "coalesce(m.region, m.country)",
}  # fmt: skip
_VARIANT = "array_to_string(m.variants, ', ')"
_BY = ", ".join(f"('{name}', coalesce({key}, ''))" for name, key in SEGMENTS.items())

_WON = "count(m.conversion_s)"
_JUDGED = f"count(*) filter (where m.first_attempt_in_time is not null or m.first_attempt_judged <= {AT})"
_LATE = f"m.first_attempt_in_time is not true and m.first_attempt_judged <= {AT}"
_IN_TIME = "count(*) filter (where m.first_attempt_in_time)"
_SPEED = {"first_attempt": "m.first_attempt_s"}


def _worth(*keys: str) -> Question:
    return Question({"leads": "count(*)", "won": _WON, "again": "count(m.repeat_cycle_s)"}, _SPEED, keys)


_RISK = Question(
    {"leads": "count(*)", "judged": _JUDGED, "in_time": _IN_TIME,
     "won_in_time": "count(m.conversion_s) filter (where m.first_attempt_in_time)",
     "won_late": f"count(m.conversion_s) filter (where {_LATE})",
     "waiting": f"count(*) filter (where m.is_open and m.first_attempt_in_time is null and {_LATE})"},
    keys=("m.channel", "m.segment"),
)  # fmt: skip


def _scenarios(key: str) -> Question:
    sums = {"leads": "count(*)", "judged": _JUDGED, "in_time": _IN_TIME, "won": _WON}
    return Question(sums, _SPEED, ("m.plan", _VARIANT, SEGMENTS[key], "m.channel"))


_MONEY = f"""
with deal as materialized (
    select g.by, g.name, d.lead_id, d.person_id, d.currency, d.revenue, m.conversion_s is not null as won,
        ({{at}} at time zone 'UTC')::date as today
    from {{leads}} join metric_deal d on d.lead_id = m.lead_id
    cross join lateral (values ('all', ''), {_BY}) g (by, name)
)
select by, name, currency, z.booked, x.deals, x.revenue, x.mean, x.sd, y.customers, y.value, y.old_90d, y.value_90d,
    y.old_365d, y.value_365d
from (select by, name, currency, count(*)::int as deals, sum(revenue) as revenue, avg(revenue)::float8 as mean,
        stddev_samp(revenue)::float8 as sd from deal group by by, name, currency) x
join (select c.by, c.name, c.currency, count(*)::int as customers, avg(v.value) as value,
        (count(*) filter (where v.first_on + 90 <= c.today))::int as old_90d,
        avg(v.value_90d) filter (where v.first_on + 90 <= c.today) as value_90d,
        (count(*) filter (where v.first_on + 365 <= c.today))::int as old_365d,
        avg(v.value_365d) filter (where v.first_on + 365 <= c.today) as value_365d
    from (select by, name, currency, person_id, max(today) as today from deal group by by, name, currency, person_id) c
    join metric_value v on v.person_id = c.person_id and v.currency = c.currency
    group by c.by, c.name, c.currency) y using (by, name, currency)
join (select by, name, (count(distinct lead_id) filter (where won))::int as booked from deal group by by, name) z
    using (by, name)
order by by, name, x.deals desc, currency"""  # noqa: S608 our own text

_REPEATS = f"""
select g.by, g.name, count(*)::int as repeats
-- who buys again has bought: few leads, and by their persons the view finds the sales without reading all of them
from (select m.*, l.person_id from {{leads}} join lead l on l.id = m.lead_id where m.conversion_s is not null) m
join metric_repeat_conversion r on r.person_id = m.person_id and r.origin_id = m.lead_id
cross join lateral (values ('all', ''), {_BY}) g (by, name) group by g.by, g.name"""  # noqa: S608 our own text


@dataclass(frozen=True, slots=True)
class Money:
    """Of one group of leads in one currency. `deals`: leads with a sale in the books; `mean`, `sd` of their revenue.

    `value`: mean revenue less support cost of `customers`, the people of those deals, of all their leads until now; in
    the first 90 and 365 days, of those who have been customers for so long.
    """

    currency: str
    deals: int
    revenue: Decimal
    mean: float
    sd: float | None
    customers: int
    value: Decimal
    old_90d: int
    value_90d: Decimal | None
    old_365d: int
    value_365d: Decimal | None

    @property
    def deal_values(self) -> Sample:
        return Sample(self.deals, self.mean, self.sd)


@dataclass(frozen=True, slots=True)
class Worth:
    """`by`: a name of SEGMENTS, or all. `won`: customers, `again` of them had bought before; `booked`: in the books.

    `repeats`: sales to people who had bought before, also those of a program that followed one of the leads.
    `median`: seconds to the first attempt. `money`: one for each currency, the most deals first.
    """

    by: str
    name: str
    leads: int
    won: int
    again: int
    repeats: int
    booked: int
    median: float | None
    money: tuple[Money, ...] = field(default=())

    @property
    def sales(self) -> int:
        return self.won - self.again + self.repeats

    def in_currency(self, code: str) -> Money | None:
        return next((money for money in self.money if money.currency == code), None)


@dataclass(frozen=True, slots=True)
class Risk:
    """Leads of one channel and client type. `judged`: their first attempt was in time, or is late; `waiting`: late, and
    not made yet, of open leads. `client`: the segment.
    """

    channel: str
    client: str
    leads: int
    judged: int
    in_time: int
    won_in_time: int
    won_late: int
    waiting: int

    @property
    def late(self) -> int:
        return self.judged - self.in_time


@dataclass(frozen=True, slots=True)
class Scenario:
    """Leads of one plan, and variant of an experiment, by type or segment, in one channel."""

    plan: str
    variant: str
    by: str
    name: str
    channel: str
    leads: int
    median: float | None
    judged: int
    in_time: int
    won: int


class WorthNumbers(Numbers):
    """The figures, and what leads bring. An empty period gives no rows."""

    async def worth(self, wanted: Filter) -> list[Worth]:
        """All leads first, then by SEGMENTS in their order, the largest group first."""
        booked: dict[tuple[str, str], int] = {}
        money: defaultdict[tuple[str, str], list[Money]] = defaultdict(list)
        for row in await self._rows(_MONEY, wanted, wanted.taken_at):
            values = dict(row)
            key = values.pop("by"), values.pop("name")
            booked[key] = values.pop("booked")
            money[key].append(Money(**values))
        repeats = {(row["by"], row["name"]): row["repeats"] for row in await self._rows(_REPEATS, wanted)}
        found = []
        for by, question in {"all": _worth(), **{name: _worth(key) for name, key in SEGMENTS.items()}}.items():
            groups = [("".join(keys), row) for keys, row in (await self._ask(question, wanted)).items()]
            found += [
                Worth(by, name, **_counts(row), repeats=repeats.get((by, name), 0),
                      booked=booked.get((by, name), 0), median=row.times["first_attempt"].median,
                      money=tuple(money[by, name]))
                for name, row in sorted(groups, key=_largest) if row.sums["leads"]
            ]  # fmt: skip
        return found

    async def risk(self, wanted: Filter) -> list[Risk]:
        """By channel and client type, the most leads first."""
        groups = sorted((await self._ask(_RISK, wanted)).items(), key=_largest)
        return [Risk(channel, client, **_counts(row)) for (channel, client), row in groups if row.sums["leads"]]

    async def scenarios(self, wanted: Filter) -> list[Scenario]:
        """Once by lead type and once by segment, the most leads first."""
        found = []
        for by in ("type", "segment"):
            for (plan, variant, name, channel), row in (await self._ask(_scenarios(by), wanted)).items():
                median = row.times["first_attempt"].median
                if row.sums["leads"]:
                    found.append(Scenario(plan, variant, by, name, channel, median=median, **_counts(row)))
        return sorted(found, key=lambda one: (-one.leads, one.by, one.plan, one.variant, one.name, one.channel))


def _counts(row: Row) -> dict[str, int]:
    return {name: round(value) for name, value in row.sums.items()}


def _largest(group: tuple[Any, Row]) -> tuple[float, Any]:
    return -group[1].sums["leads"], group[0]
