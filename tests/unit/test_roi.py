"""What speed is worth: the example to the cent, other currencies, gaps of the curve, and files that are wrong."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from speedlead.roi import document
from speedlead.roi.checks import House, Share, Side, check
from speedlead.roi.currencies import CODES, LARGEST, rounded, written
from speedlead.roi.curve import CURVE, gain, step_at
from speedlead.roi.evidence import evidence
from speedlead.roi.inputs import FIELDS, RoiRefused, Value, read
from speedlead.roi.ledger import LedgerError, read_ledger
from speedlead.roi.measured import lower_end
from speedlead.roi.reckon import Month, Reckoned, View, reckon

TODAY = date(2026, 11, 23)


def reckoned(**typed: str) -> Reckoned:
    return reckon(read(typed, {}))


def exact(*amounts: int | str) -> tuple[Decimal, ...]:
    return tuple(Decimal(amount) for amount in amounts)


def month(found: Reckoned, name: str) -> Month:
    return next(month for month in found.months if month.view.name == name)


def test_the_example_of_the_requirements_to_the_cent() -> None:
    """REQ 141 to 144, and the careful view of REQ 11 beside it."""
    found = reckoned()
    example = month(found, "example")
    assert (example.customers_now, example.customers) == exact(10, 30)
    assert (example.revenue_now, example.revenue, example.gain) == exact(50_000, 150_000, 100_000)
    assert example.gain * 12 == 1_200_000
    assert (found.cost, example.times_cost) == exact(10_000, 10)
    assert (example.net, example.net_first_year) == exact(90_000, 1_080_000)
    careful = month(found, "careful")
    assert (careful.conversion, careful.gain, careful.net) == exact("0.0224", 6_000, -4_000)
    assert (found.lowest, found.highest) == (careful, example), "a range, never one number"
    assert found.break_even == Decimal("0.024")


def test_a_case_reckoned_by_hand_with_everything_in_it() -> None:
    found = reckoned(
        currency="EUR", leads="300", conversion="4", times="1.5", deal_value="1234.56", tools="800", people="0",
        other="99.99", one_off="5000", minutes_saved="12", hour="38.50", lead_cost="20", support="34.56",
    )  # fmt: skip
    example = month(found, "example")
    assert (example.customers_now, example.customers) == exact(12, 18)
    # 6 more customers × (1,234.56 − 34.56) + 60 h × 38.50 − 899.99
    assert (found.hours, found.time_saved) == exact(60, 2_310)
    assert example.gross == Decimal("9510.00")
    assert example.net == Decimal("8610.01")
    assert example.net_first_year == Decimal("98320.12")
    assert rounded(example.pays_back_months or Decimal(0), "EUR") == Decimal("0.58")
    assert (example.customer_cost_now, rounded(example.customer_cost or Decimal(0), "EUR")) == exact(500, "333.33")
    # REQ 134: the time alone, net of what it costs
    assert (found.time_net, found.time_net_first_year) == exact("1410.01", "11920.12")


def test_an_answer_that_is_no_sooner_is_worth_nothing_and_a_later_one_costs() -> None:
    assert [month.gain for month in reckoned(response_now="3", response_then="5").months] == [0, 0]
    assert all(month.gain < 0 for month in reckoned(response_now="5", response_then="120").months)


def test_never_more_leads_buy_than_come() -> None:
    example = month(reckoned(conversion="60"), "example")
    assert example.capped
    assert (example.conversion, example.customers) == exact(1, 500)


def test_the_curve_has_steps_and_gaps_and_its_ends_belong_to_the_step_before() -> None:
    """REQ 3."""
    at = {5: "21", 10: "2.1", 30: "1", 120: "0.7"}
    assert {minutes: str(step_at(Decimal(minutes)).low) for minutes in at} == at
    assert step_at(Decimal("5.01")).low == Decimal("2.1")
    assert [step.name for step in CURVE if step.gap] == ["30 min to 1 h", "2 h to 24 h"]
    assert gain(Decimal(120), Decimal(5)) == exact(30, 30)
    assert gain(Decimal(45), Decimal(5)) == exact(21, 30), "a gap is a range"
    assert gain(Decimal(45), Decimal(50)) == exact(1, 1)
    found = reckoned(response_now="45")
    assert "21× to 30×" in document.curve_line(found)
    assert month(found, "careful").view.times < Decimal("1.12"), "carefully: the lower end of the gap"


def test_an_example_in_dollars_is_no_amount_of_another_currency() -> None:
    with pytest.raises(RoiRefused) as refused:
        read({"currency": "JPY"}, {})
    assert set(refused.value.problems) == {"deal_value", "tools", "people", "other"}
    inputs = read({"currency": "jpy", "rate_usd": "150.005"}, {})
    assert (inputs["deal_value"], inputs["tools"]) == exact(750_025, 300_010)
    assert not inputs.knows("lead_cost"), "17.50 EUR need a rate of their own"
    assert read({"currency": "EUR", "rate_usd": "0.9"}, {})["lead_cost"] == Decimal("17.50")
    assert written(Decimal("-1234.5"), "EUR") == "−1,234.50 EUR"
    assert written(Decimal("1234.5675"), "KWD") == "1,234.568 KWD"
    assert [rounded(Decimal(text), "EUR") for text in ("0.125", "-0.125")] == list(exact("0.13", "-0.13"))
    assert {"EUR", "USD", "JPY", "XCG", "ZWG"} <= CODES
    assert not CODES & {"XAU", "DEM", "XXX"}


def test_every_wrong_field_is_named_with_what_was_expected() -> None:
    typed = {"currency": "EURO", "leads": "1_000", "conversion": "101", "deal_value": "1,000", "tools": "0.001",
             "response_now": "-1", "times": "0", "hour": "NaN", "rate_usd": "0", "people": "１"}  # fmt: skip
    with pytest.raises(RoiRefused) as refused:
        read(typed, {})
    assert set(refused.value.problems) == set(typed)
    assert refused.value.problems["conversion"] == "expected a number from 0 to 100, got 101"


@given(
    st.fixed_dictionaries(
        {},
        optional={
            field.name: st.decimals(field.least, field.most or LARGEST, places=2)
            .filter(lambda amount: amount < LARGEST)
            .map(lambda amount: f"{amount:f}")
            for field in FIELDS
        },
    )
)
@example({"conversion": "0.000001"})
@example({"leads": "1000000000", "deal_value": "9999999999999", "conversion": "1", "times": "100", "tools": "0.01",
          "people": "0", "other": "0"})  # fmt: skip
def test_whatever_may_be_typed_can_be_written(typed: dict[str, str]) -> None:
    found = reckoned(**typed)
    json.dumps(document.as_json(found, None, ()))
    texts = [*document.summary(found), *(text for _, each in document.months(found) for text in each)]
    assert not any("E+" in text or "−0 " in text for text in texts)


def test_what_nobody_could_mean_is_refused_before_it_is_divided_by() -> None:
    with pytest.raises(RoiRefused, match=r"conversion: expected at most 6 digits behind the point, got '1e-30'"):
        reckoned(conversion="1e-30")


def test_what_is_typed_goes_before_what_was_measured_and_that_before_the_example() -> None:
    own = {"leads": Value(Decimal(80), "measured", "your leads"), "conversion": Value(Decimal(5), "measured", "yours")}
    inputs = read({"leads": "90"}, own)
    assert [inputs.values[name].whose for name in ("leads", "conversion", "times")] == ["yours", "measured", "example"]
    view = View("own", "By your leads", Decimal("1.4"), "yours")
    assert month(reckon(inputs, (view,)), "own").customers == Decimal("6.3")


def test_the_document_holds_amounts_as_text() -> None:
    text = json.loads(json.dumps(document.as_json(reckoned(), None, ())))
    assert text["range"]["net"] == ["-4000.00", "90000.00"]
    assert text["inputs"]["one_off"] == {
        "value": None,
        "whose": "missing",
        "source": "an article names it without a figure",
    }


def test_the_lower_end_of_a_share() -> None:
    """Wilson's interval; the vector is the one of Newcombe (1998), table I: 81 of 263 gives 0.2553 to 0.3662."""
    assert lower_end(81, 263) == pytest.approx(0.2553, abs=5e-5)
    assert lower_end(0, 20) == 0


def test_every_fact_of_the_requirements_is_there_with_a_source() -> None:
    rows = {row.row for row in evidence().figures} | {table.row for table in evidence().tables}
    assert rows == {*range(1, 17), 27, 42, 82, 83, 107, 147, 148, 149, 150}
    assert all(row.source for row in evidence().figures)
    assert [len(table.rows) for table in evidence().tables] == [10, 10, 10, 5]


# ── when the return falls ────────────────────────────────────────────────────────────────────────────────────────────

GOOD = Share(190, 200)
SIDE = Side(GOOD, GOOD, GOOD, GOOD, GOOD, GOOD, doubled=Share(2, 200))
HOUSE = House(0, 0, True, ())


def looks(now: Side, house: House = HOUSE) -> set[str]:
    return {found.title for found in check(now, SIDE, house) if found.state == "look"}


def test_what_fell_is_named_in_its_area() -> None:
    assert looks(SIDE) == set()
    assert looks(replace(SIDE, assigned=Share(150, 200))) == {"Owner within the target"}
    assert looks(replace(SIDE, valid=Share(150, 200))) == {"Leads whom we can reach"}
    assert looks(replace(SIDE, acknowledged=Share(150, 200))) == {"Acknowledged within 30 seconds"}
    assert looks(replace(SIDE, doubled=Share(40, 200))) == {"Inquiries from people we knew already"}
    found = House(2, 1, False, ("pool",))
    assert looks(SIDE, found) == {
        "Leads that no rule fits",
        "Leads that were handed round",
        "Flow check",
        "What recurs",
    }


def test_what_chance_explains_and_what_is_too_little_is_no_finding() -> None:
    assert looks(replace(SIDE, converted=Share(186, 200))) == set()
    few = check(replace(SIDE, converted=Share(0, 5)), SIDE, HOUSE)[0]
    assert (few.state, few.says) == ("unknown", "0.0% of 5, before 95.0% of 200: too few to say")
    assert check(SIDE, SIDE, House(None, None, None, ()))[3].state == "unknown"


# ── the bookkeeping's file ───────────────────────────────────────────────────────────────────────────────────────────

HEAD = "reference,kind,date,amount,currency,lead,email\n"
LEAD = "1f3a0000-0000-4000-8000-000000000000"


def test_a_file_of_the_bookkeeping_is_read() -> None:
    text = (
        f"\ufeff{HEAD}R-1,revenue,2026-11-01,100.50,eur,{LEAD},\n"
        "R-2,revenue,2026-11-02,-20,EUR,,Ava@x.example\nS-1,support_cost,2026-11-02,7,JPY,,\n"
    )
    first, second, third = read_ledger(text, "f.csv", TODAY)
    assert (first.reference, first.amount, first.currency, first.lead) == ("R-1", Decimal("100.50"), "EUR", LEAD)
    assert (second.amount, second.email, second.line) == (Decimal(-20), "ava@x.example", 3)
    assert (third.lead, third.email) == (None, None)


@pytest.mark.parametrize(("row", "fault"), [
    ("R 1,revenue,2026-11-01,1,EUR,,a@x.example", "reference: expected 1 to 80 letters"),
    ("R,sale,2026-11-01,1,EUR,,a@x.example", "kind: expected revenue, support_cost, acquisition_cost, got 'sale'"),
    ("R,revenue,2026-02-30,1,EUR,,a@x.example", "date: expected a day such as"),
    ("R,revenue,2026-11-24,1,EUR,,a@x.example", "date: expected a day that has come"),
    ("R,revenue,2026-11-01,0.5,JPY,,a@x.example", "amount: expected at most 0 digits"),
    ("R,revenue,2026-11-01,1e99,EUR,,a@x.example", "amount: expected an amount in EUR"),
    ("R,revenue,2026-11-01,1,XAU,,a@x.example", "currency: expected a currency of ISO 4217"),
    ("R,revenue,2026-11-01,1,EUR,,", "lead: expected the lead's id"),
    (f"R,revenue,2026-11-01,1,EUR,{LEAD},a@x.example", "email: expected either a lead or"),
    ("R,support_cost,2026-11-01,-1,EUR,,", "amount: expected a cost of 0 or more"),
    ("R,revenue,2026-11-01,1,EUR", "expected 7 cells"),
])  # fmt: skip
def test_a_bad_row_is_told_with_its_line_and_field(row: str, fault: str) -> None:
    with pytest.raises(LedgerError) as refused:
        read_ledger(f"{HEAD}G,support_cost,2026-11-01,1,EUR,,\n{row}\n", "f.csv", TODAY)
    assert str(refused.value).startswith(f"f.csv:3: {fault}")


def test_a_file_without_what_is_needed_says_so() -> None:
    for text, fault in (("", "f.csv:1: expected the column 'reference'"), (HEAD, "f.csv: expected one entry"),
                        (HEAD.replace("kind", "sort"), "f.csv:1: unknown column 'sort'")):  # fmt: skip
        with pytest.raises(LedgerError, match=fault):
            read_ledger(text, "f.csv", TODAY)
