"""What leads brought, as the books have it, and sales to people who had bought before; in every group of SEGMENTS.

The few who brought something are read by themselves, and again only after something has happened to one of them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from speedlead.numbers.chance import Sample
from speedlead.numbers.kept import Look

# by what leads are told apart, and how
SEGMENTS: Mapping[str, str] = {
    "type": "m.lead_type", "segment": "m.segment", "source": "m.source", "channel": "m.channel",
    "region": "coalesce(m.region, m.country)",
}  # fmt: skip
_BY = ", ".join(f"('{name}', coalesce({key}, ''))" for name, key in SEGMENTS.items())
# the columns of those
_TOLD = "m.lead_type, m.segment, m.source, m.channel, m.region, m.country"

_PEOPLE = """count(*) {whose} as customers, sum(value) {whose} as value,
        count(*) {whose90} as old_90d, sum(value_90d) {whose90} as value_90d,
        count(*) {whose365} as old_365d, sum(value_365d) {whose365} as value_365d"""


def _people(whose: str) -> str:
    days = {f"whose{n}": f"filter (where {whose} and first_on + {n} <= today)" for n in (90, 365)}
    return _PEOPLE.format(whose=f"filter (where {whose})", **days)


# Few leads have a deal, and those of a million stand in few cells: what is told apart six times are cells. People with
# deals from several leads count once in each group, so they are counted apart.
MONEY = f"""
with told as materialized (
    select m.lead_id, m.conversion_s is not null as won, ({{at}} at time zone 'UTC')::date as today, {_TOLD}
    from {{leads}} where m.lead_id = any(array(select lead_id from ledger_entry where kind = 'revenue'))
),
deal as materialized (
    select m.*, d.person_id, d.currency, d.revenue, v.first_on, v.value, v.value_90d, v.value_365d,
        row_number() over (partition by d.person_id, m.lead_id order by d.currency) = 1 as first,
        count(*) over (partition by d.person_id, d.currency) = 1 as alone
    from told m cross join lateral (select * from metric_deal x where x.lead_id = m.lead_id offset 0) d
    cross join lateral (select * from metric_value x
        where x.person_id = d.person_id and x.currency = d.currency offset 0) v
),
cell as materialized (
    select {_TOLD}, currency, count(*) as deals, sum(revenue) as revenue, sum(revenue * revenue) as squares,
        count(*) filter (where won and first) as booked, {_people("alone")}
    from deal m group by {_TOLD}, currency
),
customer as (
    select g.by, g.name, currency, person_id, max(today) as today, min(first_on) as first_on, min(value) as value,
        min(value_90d) as value_90d, min(value_365d) as value_365d
    from deal m cross join lateral (values ('all', ''), {_BY}) g (by, name) where not alone
    group by g.by, g.name, currency, person_id
),
part as (
    select g.by, g.name, currency, deals, revenue, squares, booked, customers, value, old_90d, value_90d, old_365d,
        value_365d
    from cell m cross join lateral (values ('all', ''), {_BY}) g (by, name)
    union all
    select by, name, currency, 0, 0, 0, 0, {_people("true")} from customer group by by, name, currency
)
select by, name, currency, sum(sum(booked)) over (partition by by, name)::int as booked, sum(deals)::int as deals,
    sum(revenue) as revenue, (sum(revenue) / sum(deals))::float8 as mean,
    sqrt(greatest(0, sum(squares) - sum(revenue) ^ 2 / sum(deals)) / nullif(sum(deals) - 1, 0))::float8 as sd,
    sum(customers)::int as customers, sum(value) / sum(customers) as value,
    sum(old_90d)::int as old_90d, sum(value_90d) / nullif(sum(old_90d), 0) as value_90d,
    sum(old_365d)::int as old_365d, sum(value_365d) / nullif(sum(old_365d), 0) as value_365d
from part group by by, name, currency order by by, name, sum(deals) desc, currency"""  # noqa: S608 our own text

REPEATS = f"""
-- few people have bought twice, and by them the view finds the sales without reading all of them
with again as materialized (
    select l.person_id from outcome w join lead l on l.id = w.lead_id where w.outcome = 'converted'
    group by l.person_id having count(*) > 1
),
sale as materialized (
    select r.person_id, r.origin_id from again a cross join lateral
        (select * from metric_repeat_conversion c where c.person_id = a.person_id offset 0) r
),
m as materialized (
    select m.* from {{leads}} where m.conversion_s is not null and m.lead_id = any(array(select origin_id from sale))
)
select g.by, g.name, count(*)::int as repeats
from m join lead l on l.id = m.lead_id join sale r on r.person_id = l.person_id and r.origin_id = m.lead_id
cross join lateral (values ('all', ''), {_BY}) g (by, name) group by g.by, g.name"""  # noqa: S608 our own text

# Any import counts, and whoever bought or stands in the books: with a changed fact, marked, or come into the period or
# gone from it. A customer of so many days is one from midnight on.
LOOK = Look(
    "books",
    """
select (select count(*) || ' ' || coalesce(max(imported_wall)::text, '') from ledger_entry)
    || ' ' || ({at}::timestamptz at time zone 'UTC')::date""",
    """
with gone as (
    select w.lead_id, w.conversion_s from lead_fact_was w
    where w.xid >= pg_snapshot_xmin({base}::text::pg_snapshot)
        and not pg_visible_in_snapshot(w.xid, {base}::text::pg_snapshot)
)
select exists (select from gone where conversion_s is not null) or exists (
    select from (
        select lead_id from gone union all select s.lead_id from stale_leads() s (lead_id) union all
        select f.lead_id from lead_fact f where f.created_at >= {was_start} and f.created_at < {start}
            or f.created_at >= {start} and f.created_at < {was_start}
            or f.created_at >= {was_end} and f.created_at < {end}
    ) c where exists (select from ledger_entry e where e.lead_id = c.lead_id)
        or exists (select from outcome w where w.lead_id = c.lead_id and w.outcome = 'converted')
        or exists (select from lead_fact k where k.lead_id = c.lead_id and k.conversion_s is not null))""",
)


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
class Books:
    """By name of SEGMENTS, or all, and group: `booked`: leads that were won and are in the books."""

    booked: Mapping[tuple[str, str], int]
    money: Mapping[tuple[str, str], list[Money]]
    repeats: Mapping[tuple[str, str], int]


def in_groups(money: Iterable[Mapping[str, Any]], repeats: Iterable[Mapping[str, Any]]) -> Books:
    """Of the rows of MONEY and REPEATS."""
    booked: dict[tuple[str, str], int] = {}
    found: defaultdict[tuple[str, str], list[Money]] = defaultdict(list)
    for row in money:
        values = dict(row)
        key = values.pop("by"), values.pop("name")
        booked[key] = values.pop("booked")
        found[key].append(Money(**values))
    return Books(booked, found, {(row["by"], row["name"]): row["repeats"] for row in repeats})
