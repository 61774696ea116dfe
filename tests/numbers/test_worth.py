"""What leads bring, by segment, scenario and channel: on leads and books made by hand."""

import uuid
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from speedlead.numbers.changes import ChangeNumbers
from speedlead.numbers.worth import Scenario, Worth
from speedlead.store.merging import Asked, merge
from tests.numbers.cases import CAME, LATER, MONDAY, Lead, a_lead, after, period
from tests.store.hand_made import FixedClock, put

BOOKED = date(2026, 11, 20)
EMPTY = period(start=MONDAY - timedelta(days=30), end=MONDAY - timedelta(days=29))


async def booked(
    conn: Any, lead: Lead | None, amount: str, kind: str = "revenue", currency: str = "EUR", on: date = BOOKED
) -> None:
    await put(conn, "ledger_entry", reference=str(uuid.uuid4()), kind=kind, lead_id=lead and lead.id, booked_on=on,
              amount=Decimal(amount), currency=currency, imported_wall=LATER)  # fmt: skip


async def sold(conn: Any, amount: str | None = None, currency: str = "EUR", **columns: Any) -> Lead:
    lead = await a_lead(conn, closed_at=after(days=1), close_reason="converted", **columns)
    await lead.outcome(after(days=1), "converted")
    if amount is not None:
        await booked(conn, lead, amount, currency=currency)
    return lead


def group(rows: list[Worth], by: str, name: str = "") -> Worth:
    return next(row for row in rows if (row.by, row.name) == (by, name))


async def test_an_empty_period_has_no_rows(numbers: ChangeNumbers, conn: Any) -> None:
    await sold(conn, "100")
    for read in (numbers.worth, numbers.risk, numbers.scenarios, numbers.changes):
        assert await read(EMPTY) == []


async def test_a_deal_is_worth_what_came_in_less_refunds(numbers: ChangeNumbers, conn: Any) -> None:
    first = await sold(conn, "1000", segment="enterprise", source="referral")
    await booked(conn, first, "-250")
    await sold(conn, "150.50", segment="b2c_ecommerce")
    taken_back = await sold(conn, "99", segment="b2c_ecommerce")
    await conn.execute("update ledger_entry set amount = 0 where lead_id = $1", taken_back.id)
    await sold(conn)  # is not in the books
    await a_lead(conn)
    rows = await numbers.worth(period())
    whole = group(rows, "all")
    assert (whole.leads, whole.won, whole.booked) == (5, 4, 2)
    [euros] = whole.money
    assert (euros.deals, euros.revenue, euros.mean, euros.customers) == (2, Decimal("900.50"), 450.25, 2)
    assert group(rows, "segment", "enterprise").money[0].revenue == 750
    assert group(rows, "segment", "").money == (), "of an unknown segment nothing is in the books"
    assert group(rows, "source", "referral").leads == 1
    assert [row.by for row in rows][:2] == ["all", "type"]
    assert sum(row.leads for row in rows if row.by == "source") == whole.leads


async def test_currencies_are_never_added(numbers: ChangeNumbers, conn: Any) -> None:
    both = await sold(conn, "1000")
    await booked(conn, both, "70", currency="USD")
    await sold(conn, "500")
    whole = group(await numbers.worth(period()), "all")
    assert [(one.currency, one.deals, one.revenue) for one in whole.money] == [
        ("EUR", 2, Decimal(1500)), ("USD", 1, Decimal(70)),
    ]  # fmt: skip
    assert whole.in_currency("GBP") is None


async def test_a_customer_is_worth_all_leads_less_support_over_time(numbers: ChangeNumbers, conn: Any) -> None:
    long_ago = await sold(conn, created=CAME - timedelta(days=500))
    await booked(conn, long_ago, "40", "support_cost", on=date(2025, 1, 1))
    await booked(conn, long_ago, "300", on=date(2025, 7, 10))
    await booked(conn, long_ago, "10", "support_cost", on=date(2025, 10, 7))  # the 89th day
    await booked(conn, long_ago, "5", "support_cost", on=date(2025, 10, 8))  # the 90th
    again = await a_lead(conn, of=long_ago, closed_at=after(days=3), close_reason="converted")
    await again.outcome(after(days=2), "converted")
    await booked(conn, again, "600")
    new = await sold(conn, "100")
    for kind in ("support_cost", "acquisition_cost"):
        await booked(conn, None, "9999", kind)
    await booked(conn, again, "77", "acquisition_cost")
    whole = group(await numbers.worth(period()), "all")
    assert (whole.won, whole.repeats, whole.sales) == (2, 1, 2), "one of two sales went to who had bought before"
    [euros] = whole.money
    assert (euros.deals, euros.customers, euros.revenue) == (2, 2, Decimal(700))
    assert euros.value == (300 + 600 - 40 - 10 - 5 + 100) / Decimal(2)
    assert (euros.old_90d, euros.value_90d) == (1, Decimal(250))
    assert (euros.old_365d, euros.value_365d) == (1, Decimal(245))
    # what a program of that lead sold counts for the lead, which is of the period
    program = await a_lead(conn, of=long_ago, created=LATER, program="customer", follows=again.id,
                           closed_at=LATER, close_reason="converted")  # fmt: skip
    await program.outcome(LATER + timedelta(days=1), "converted")
    whole = group(await numbers.worth(period()), "all")
    assert (whole.won, whole.repeats, whole.sales) == (2, 2, 3)
    # two people turn out to be one
    for table, key in (("inquiry", "lead_id"), ("lead", "id")):
        await conn.execute(f"update {table} set person_id = $1 where {key} = $2", long_ago.person_id, new.id)
    [euros] = group(await numbers.worth(period()), "all").money
    assert (euros.deals, euros.customers, euros.value) == (2, 1, Decimal(945))


async def test_what_late_answers_cost_by_channel_and_client(numbers: ChangeNumbers, conn: Any) -> None:
    due = after(minutes=5)
    for tried, won, segment in (
        (after(minutes=2), True, "enterprise"), (after(minutes=2), False, "enterprise"),
        (after(minutes=20), True, "enterprise"), (None, False, "enterprise"), (after(minutes=3), True, None),
    ):  # fmt: skip
        lead = await a_lead(conn, segment=segment, open_at=CAME, first_attempt_due=due, first_attempt_at=tried)
        if won:
            await lead.outcome(after(hours=3), "converted")
    # late for good, as it is closed; not due yet when it is looked at; and closed before it was
    await a_lead(conn, segment="enterprise", open_at=CAME, first_attempt_due=due, closed_at=LATER, close_reason="x")
    await a_lead(conn, segment="enterprise", open_at=CAME, first_attempt_due=LATER + timedelta(hours=1))
    await a_lead(conn, segment="enterprise", first_attempt_due=due, closed_at=after(minutes=1), close_reason="x")
    client, unknown = await numbers.risk(period())
    assert (client.channel, client.client, client.leads) == ("form", "enterprise", 7)
    assert (client.judged, client.in_time, client.won_in_time) == (5, 2, 1)
    assert (client.late, client.won_late, client.waiting) == (3, 1, 1)
    assert (unknown.client, unknown.late, unknown.won_in_time) == ("", 0, 1)


async def test_scenarios_by_type_and_by_segment(numbers: ChangeNumbers, conn: Any) -> None:
    await sold(conn, segment="enterprise", lead_type="hot", first_attempt_at=after(minutes=1))
    await a_lead(conn, segment="enterprise", lead_type="cold", variants=["mails/short"])
    plan = await conn.fetchval("select id || ':' || version from plan")
    rows = await numbers.scenarios(period())
    assert sum(row.leads for row in rows if row.by == "type") == sum(row.leads for row in rows if row.by == "segment")
    assert Scenario(plan, "", "type", "hot", "form", 1, 60.0, 0, 0, 1) in rows
    assert Scenario(plan, "mails/short", "segment", "enterprise", "form", 1, None, 0, 0, 0) in rows


async def test_the_filter_narrows_the_money_too(numbers: ChangeNumbers, conn: Any) -> None:
    await sold(conn, "100", source="paid_ads")
    await sold(conn, "300", source="organic")
    rows = await numbers.worth(period(source="paid_ads"))
    assert [(row.by, row.name, row.money[0].revenue) for row in rows if row.by in ("all", "source")] == [
        ("all", "", Decimal(100)), ("source", "paid_ads", Decimal(100)),
    ]  # fmt: skip


async def test_a_merged_lead_is_left_out_and_one_person_bought_twice(numbers: ChangeNumbers, conn: Any) -> None:
    first = await sold(conn, "100", segment="enterprise", created=CAME - timedelta(minutes=2))
    again = await sold(conn, "300", segment="enterprise", created=CAME - timedelta(minutes=1))
    before = group(await numbers.worth(period()), "all")
    assert (before.leads, before.repeats, before.money[0].customers, before.money[0].value) == (2, 0, 2, 200)
    due, other = after(minutes=5), await a_lead(conn, segment="enterprise", open_at=CAME, created=after(minutes=1))
    await a_lead(conn, of=again, segment="enterprise", open_at=CAME, first_attempt_due=due)
    await conn.execute("update lead set first_attempt_due = $2 where id = $1", other.id, due)
    assert [(row.leads, row.late, row.waiting) for row in await numbers.risk(period())] == [(4, 2, 2)]
    for gone in (again, other):
        async with conn.transaction():
            await merge(conn, FixedClock(LATER), Asked(first.person_id, gone.person_id, keep=first.person_id))
    whole = group(await numbers.worth(period()), "all")
    assert (whole.leads, whole.won, whole.repeats) == (3, 2, 1)
    assert (whole.money[0].customers, whole.money[0].value) == (1, 400), "one customer with two deals"
    assert [(row.leads, row.late, row.waiting) for row in await numbers.risk(period())] == [(3, 1, 1)]
    assert sum(row.leads for row in await numbers.scenarios(period()) if row.by == "type") == 3
