"""What a house knows of its own return: the figures of docs/metrics.md, and what its bookkeeping says."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from speedlead.numbers.changes import ChangeNumbers
from speedlead.numbers.read import Numbers
from speedlead.roi.inputs import read
from speedlead.roi.ledger import Entry
from speedlead.roi.measured import Measured, checks, filled_in, measure, own_views, values
from speedlead.roi.scenarios import own_rows
from speedlead.store.ledger import LedgerRefused, import_entries
from speedlead.store.pool import open_pool
from tests.numbers.cases import CAME, LATER, Lead, a_lead

FIRST = LATER - timedelta(days=30)


async def house(conn: Any) -> list[Lead]:
    """Thirty days, 100 leads: 40 answered in two minutes, of which 8 bought; 60 in two hours, of which 2 did."""
    leads = []
    for number in range(100):
        came = FIRST + timedelta(hours=7 * number)
        soon = number < 40
        tried = came + timedelta(minutes=2 if soon else 120)
        lead = await a_lead(conn, created=came, open_at=came, first_attempt_due=came + timedelta(minutes=3),
                            first_attempt_at=tried)  # fmt: skip
        if number < 8 or number in (50, 60):
            await lead.outcome(came + timedelta(hours=3), "converted")
        leads.append(lead)
    return leads


def entry(line: int, reference: str, amount: str, **more: Any) -> Entry:
    values: dict[str, Any] = {
        "kind": "revenue",
        "day": date(2026, 11, 20),
        "currency": "EUR",
        "lead": None,
        "email": None,
    }
    return Entry(line, reference, amount=Decimal(amount), **(values | more))


def test_a_single_lead_of_a_quarter_is_not_no_lead() -> None:
    one = Measured("90d", Decimal(80), 1, 0, None, (), (), None)
    assert values(one, "EUR")["leads"].amount == Decimal("0.4")


async def test_what_the_house_knows_takes_the_place_of_the_example(
    numbers: Numbers, conn: Any, database_url: str
) -> None:  # fmt: skip
    leads = await house(conn)
    entries = [
        entry(2, "R-1", "1000", lead=leads[0].id), entry(3, "R-2", "500.50", lead=leads[1].id),
        entry(4, "R-2b", "-100.50", lead=leads[1].id), entry(5, "R-3", "99", lead=leads[2].id, currency="USD"),
        entry(6, "S-1", "60", kind="support_cost"), entry(7, "S-2", "40", kind="support_cost", lead=leads[0].id),
        entry(8, "A-1", "1500", kind="acquisition_cost"),
        entry(9, "A-0", "9999", kind="acquisition_cost", day=date(2025, 1, 1)),
    ]  # fmt: skip
    await import_entries(conn, entries, "f.csv", LATER, dry_run=False)
    pool = await open_pool(database_url, size=2)
    found = await measure(pool, numbers, LATER, "90d")
    assert (found.leads, found.converted, round(found.days)) == (100, 10, 30)
    measured, code = filled_in(found, {}, "USD")
    assert code == "EUR", "the currency in which most came in"
    inputs = read({"rate_usd": "1"}, measured, default_currency=code)
    assert inputs["leads"] == (100 * Decimal("365.25") / 12 / found.days).quantize(Decimal("0.1"))
    assert (inputs["conversion"], inputs["response_now"]) == (Decimal(10), Decimal(120))
    # 1,400 of two leads; 100 of support for them; 1,500 for 100 leads
    assert [inputs[name] for name in ("deal_value", "support", "lead_cost")] == [700, 50, 15]
    assert found.in_other_currencies("EUR") == ["USD"]
    low, own = own_views(found, inputs)
    assert own.times == 2, "8 of 40, where 10 of 100 buy"
    assert Decimal(1) < low.times < own.times
    assert own_views(found, read({"rate_usd": "1", "response_then": "15"}, measured, default_currency="EUR")) == ()
    titles = {check.title: check.state for check in await checks(pool, numbers, LATER)}
    await pool.close()
    assert titles["Leads that no rule fits"] == titles["Flow check"] == "unknown"


async def late_buyers(conn: Any) -> None:
    """Sixty days, 120 leads: every third buys after twelve days, all the time."""
    for number in range(120):
        came = LATER - timedelta(hours=12 * number + 1)
        lead = await a_lead(conn, created=came)
        if number % 3 == 0 and (bought := came + timedelta(days=12)) < LATER:
            await lead.outcome(bought, "converted")


async def test_leads_that_are_too_new_to_have_bought_are_no_change_of_the_house(
    numbers: ChangeNumbers, conn: Any, database_url: str
) -> None:
    await late_buyers(conn)
    pool = await open_pool(database_url, size=2)
    conversion = (await own_rows(pool, numbers, LATER, "30d"))[150][0].cells
    assert conversion == ("your house, conversion", "share of customers", "+0 %, which chance explains", "30 days")
    await conn.execute("delete from outcome where at < $1", LATER - timedelta(days=32))
    conversion = (await own_rows(pool, numbers, LATER, "30d"))[150][0].cells
    await pool.close()
    assert re.fullmatch(r"\+\d+ %", conversion[2]), "fewer had bought before"


async def test_leads_that_are_too_new_to_have_bought_are_no_fall_of_the_return(
    numbers: Numbers, conn: Any, database_url: str
) -> None:
    await late_buyers(conn)
    pool = await open_pool(database_url, size=2)
    [bought, *_] = await checks(pool, numbers, LATER)
    assert (bought.title, bought.state) == ("Leads that buy", "good"), bought.says
    await conn.execute("delete from outcome where at > $1", LATER - timedelta(days=30))
    [bought, *_] = await checks(pool, numbers, LATER)
    await pool.close()
    assert bought.state == "look", "nobody has bought for a month"


async def test_a_young_or_empty_house_knows_nothing(numbers: Numbers, conn: Any, database_url: str) -> None:
    pool = await open_pool(database_url, size=2)
    assert filled_in(await measure(pool, numbers, LATER), {}, "USD") == ({}, "USD")
    await a_lead(conn, created=LATER - timedelta(days=2))
    assert filled_in(await measure(pool, numbers, LATER), {}, "USD") == ({}, "USD")
    await pool.close()


async def test_the_same_file_twice_is_one_entry_and_a_changed_row_is_told(conn: Any) -> None:
    lead = await a_lead(conn)
    rows = [entry(2, "R-1", "100", lead=lead.id), entry(3, "R-2", "5", email=f"{lead.id}@example.com")]
    tried = await import_entries(conn, rows, "f.csv", LATER, dry_run=True)
    assert (tried.new, await conn.fetchval("select count(*) from ledger_entry")) == (2, 0)
    await import_entries(conn, rows, "f.csv", LATER, dry_run=False)
    again = await import_entries(conn, [rows[0], entry(3, "R-2", "0", lead=lead.id)], "f.csv", LATER, dry_run=False)
    assert (again.new, again.same) == (0, 1)
    assert again.changed == (
        f"R-2: revenue 5 EUR of 2026-11-20, lead {lead.id[:8]} → revenue 0 EUR of 2026-11-20, lead {lead.id[:8]}",
    )
    assert await conn.fetchval("select sum(amount) from ledger_entry") == 100


async def test_with_a_lead_that_is_not_ours_nothing_is_written_and_every_row_is_told(conn: Any) -> None:
    lead = await a_lead(conn)
    rows = [entry(2, "R-1", "1", lead=lead.id), entry(3, "R-2", "1", lead="00000000-0000-4000-8000-0000000000ff"),
            entry(4, "R-3", "1", email="nobody@example.com"),
            entry(5, "R-4", "1", email=f"{lead.id}@example.com", day=CAME.date() - timedelta(days=1))]  # fmt: skip
    with pytest.raises(LedgerRefused) as refused:
        await import_entries(conn, rows, "f.csv", datetime(2026, 11, 23, tzinfo=UTC), dry_run=False)
    assert [line.split(": ")[0] for line in str(refused.value).splitlines()] == ["f.csv:3", "f.csv:4", "f.csv:5"]
    assert await conn.fetchval("select count(*) from ledger_entry") == 0
