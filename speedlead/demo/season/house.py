"""What the house did meanwhile: its books, and what it changed. The same leads give the same of both."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import exp
from random import Random
from typing import Any

import asyncpg

from speedlead.demo.season import shapes

# what a sale brings, the median by segment; house estimates, as all shapes of a season
DEAL = {"enterprise_named": 21_000, "enterprise": 14_000, "b2b_saas": 4_200, "b2c_ecommerce": 310, None: 900}
SPREAD = 0.55  # of the logarithm
CURRENCY = {"US": "USD", "CA": "USD", "AU": "USD", "IN": "USD", "GB": "GBP"}  # everybody else pays in euros
BOOKED = 0.94  # of sales; the others are not in the books yet
REFUNDED, REFUND = 0.04, 0.35
SUPPORT = (0.04, 0.16)  # of the deal's value, in so many months after it
MONTHS = 4
# what came in as advertising, by lead and source, a month
ADS = {"paid_ads": 38, "trade_show": 95, "webinar": 24, "partner": 12}

_SALES = """
select l.id, l.segment, l.country, min(o.at) as at from lead l join outcome o on o.lead_id = l.id
where o.outcome = 'converted' group by l.id order by l.created_at, l.id"""
_LEADS = """
select date_trunc('month', created_at at time zone 'UTC')::date as month, source, count(*)::int as leads from lead
group by 1, 2 order by 1, 2"""
_COLUMNS = ("reference", "kind", "lead_id", "booked_on", "amount", "currency", "imported_wall")

Row = tuple[Any, ...]


async def furnish(database_url: str, *, until: datetime, days: int, seed: int = 7) -> int:
    """Lines in the books. For a database that a season was written into, once."""
    conn = await asyncpg.connect(database_url)
    try:
        chance = Random(seed)  # noqa: S311 the same books every time
        async with conn.transaction():
            entries = [row for sale in await conn.fetch(_SALES) for row in _sale(chance, sale, until)]
            entries += _house(await conn.fetch(_LEADS), until)
            await conn.copy_records_to_table("ledger_entry", records=entries, columns=_COLUMNS)
            await _changes(conn, until - timedelta(days=days), until, days)
        await conn.execute("vacuum analyze ledger_entry")
        return len(entries)
    finally:
        await conn.close()


def _sale(chance: Random, sale: Any, until: datetime) -> list[Row]:
    """A bill some days after the sale, sometimes a refund, and what its support costs month by month."""
    draws = [chance.random() for _ in range(6)]
    value = DEAL.get(sale["segment"], DEAL[None]) * exp(chance.gauss(0, SPREAD))
    if draws[0] > BOOKED:
        return []
    key, code = sale["id"].hex[:16], CURRENCY.get(sale["country"], "EUR")
    billed = (sale["at"] + timedelta(days=1 + 12 * draws[1])).date()
    rows = [(f"INV-{key}", "revenue", billed, value)]
    if draws[2] < REFUNDED:
        rows.append((f"REF-{key}", "revenue", billed + timedelta(days=round(3 + 20 * draws[3])), -REFUND * value))
    cost = value * (SUPPORT[0] + (SUPPORT[1] - SUPPORT[0]) * draws[4]) / MONTHS
    rows += [
        (f"SUP-{key}-{n}", "support_cost", billed + timedelta(days=30 * n - 23), cost) for n in range(1, MONTHS + 1)
    ]
    return [
        (reference, kind, sale["id"], on, _amount(amount), code, until)
        for reference, kind, on, amount in rows
        if on <= until.date()
    ]


def _house(months: list[Any], until: datetime) -> list[Row]:
    return [
        (f"ADS-{row['month']:%Y-%m}-{row['source']}", "acquisition_cost", None, _last(row["month"], until.date()),
         _amount(ADS[row["source"]] * row["leads"]), "EUR", until)
        for row in months if row["source"] in ADS
    ]  # fmt: skip


def _last(month: date, latest: date) -> date:
    return min(latest, (month + timedelta(days=32)).replace(day=1) - timedelta(days=1))


def _amount(value: float) -> Decimal:
    return Decimal(repr(round(value, 2)))


async def _changes(conn: Any, begins: datetime, until: datetime, days: int) -> None:
    """The slower plan gave way to the quicker one; texts, rules and people changed, too."""

    def at(part: float) -> datetime:
        return (begins + timedelta(days=days * part)).astimezone(UTC).replace(minute=0, second=0, microsecond=0)

    # the season's plans were written a moment ago
    versions = await conn.fetch("select id, version from plan order by version")
    for version, wall in zip(versions, (begins - timedelta(days=30), at(shapes.OLD_PLAN_UNTIL)), strict=False):
        await conn.execute(
            "update plan set published_wall = $3, used_wall = $3 where id = $1 and version = $2", *version, wall
        )
    for wall, kind, what, many, sha in (
        (begins - timedelta(days=30), "routing", "file", 1, "0" * 64), (at(0.7), "routing", "file", 1, "1" * 64),
        (at(0.25), "people", "added", 2, None), (at(0.82), "people", "left", 1, None),
        (at(0.82), "people", "hours", 3, None),
    ):  # fmt: skip
        await conn.execute(
            "insert into house_change (at_wall, kind, what, many, sha256) values ($1, $2, $3, $4, $5)",
            wall, kind, what, many, sha,
        )  # fmt: skip
    await conn.execute(
        """insert into audit (at_wall, role, action, object, status, request_id)
           select e.at, 'manager', 'experiment ' || e.what, x.id, 200, gen_random_uuid()
           from experiment x, lateral (values ('start', x.started_wall), ('stop', x.ended_wall)) e (what, at)"""
    )
    for version, wall in ((1, begins - timedelta(days=30)), (2, at(0.55))):
        await conn.execute(
            """insert into template_version (channel, id, language, version, sha256, owner, review_by, source,
                   published_wall) values ('email', 'season_note', 'en', $1, $1::int::text, 'marketing', $3, '', $2)
               on conflict do nothing""",
            version, wall, (until + timedelta(days=90)).date(),
        )  # fmt: skip
