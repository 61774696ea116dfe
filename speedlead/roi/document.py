"""The result for people and for programs: lines of words, and one JSON document with amounts as text."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from speedlead.roi.checks import Check
from speedlead.roi.currencies import rounded, rounded_to, written
from speedlead.roi.curve import CURVE, SOURCE, Step
from speedlead.roi.inputs import FIELDS, Field, Inputs
from speedlead.roi.reckon import Month, Reckoned

WHOSE = {"yours": "typed", "measured": "your data", "example": "example, illustrative", "missing": "not given"}


def plain(number: Decimal, digits: int = 2) -> str:
    """With separators of thousands, and without zeros at its end."""
    text = f"{rounded_to(number, digits):,f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", "−")


def share(part: Decimal) -> str:
    return f"{plain(part * 100)} %"


def times(factor: Decimal | None) -> str:
    return "–" if factor is None else f"{plain(factor)}×"


def value_text(inputs: Inputs, field: Field) -> str:
    found = inputs.values[field.name].amount
    if found is None:
        return "–"
    if field.kind == "money":
        return written(found, inputs.currency)
    unit = {"share": " %", "times": "×", "minutes": " min"}.get(field.kind, "")
    return plain(found) + unit


def months(reckoned: Reckoned) -> list[tuple[str, list[str]]]:
    """(what, one text for each view)."""
    code = reckoned.inputs.currency

    def money(name: str) -> list[str]:
        found = [getattr(month, name) for month in reckoned.months]
        return ["–" if amount is None else written(amount, code) for amount in found]

    each = reckoned.months
    return [
        ("As many buy", [times(month.view.times) for month in each]),
        (
            "Leads that buy",
            [share(month.conversion) + (" (no more than all)" if month.capped else "") for month in each],
        ),
        ("Customers a month", [f"{plain(month.customers_now)} → {plain(month.customers)}" for month in each]),
        ("Revenue now", money("revenue_now")),
        ("Revenue then", money("revenue")),
        ("More revenue", money("gain")),
        ("More revenue, a year", [written(month.gain * 12, code) for month in each]),
        ("Support of more customers", money("support_more")),
        ("Work saved", [written(reckoned.time_saved, code)] * len(each)),
        ("Running cost", [written(reckoned.cost, code)] * len(each)),
        ("Net, a month", money("net")),
        ("Net, the first year", money("net_first_year")),
        ("For each unit spent", [times(month.times_cost) for month in each]),
        ("Set-up is paid back after", [_months(month) for month in each]),
        ("Leads for one customer cost now", money("customer_cost_now")),
        ("Leads for one customer cost then", money("customer_cost")),
    ]


def _months(month: Month) -> str:
    if month.pays_back_months is None:
        return "never"
    return "at once" if not month.pays_back_months else f"{plain(month.pays_back_months, 1)} months"


def summary(reckoned: Reckoned) -> list[str]:
    """What to read first: a range, never one number."""
    code, low, high = reckoned.inputs.currency, reckoned.lowest, reckoned.highest
    lines = [
        f"Net between {written(low.net, code)} and {written(high.net, code)} a month, "
        f"between {written(low.net_first_year, code)} and {written(high.net_first_year, code)} in the first year.",
    ]
    if reckoned.break_even is None:
        lines.append("No share of leads that buy would bring its cost in again.")
    else:
        factor = reckoned.break_even * 100 / reckoned.inputs["conversion"] if reckoned.inputs["conversion"] else None
        more = f", {times(factor)} of today's" if factor is not None else ""
        lines.append(f"The cost comes in again when {share(reckoned.break_even)} of the leads buy{more}.")
    if reckoned.hours and not reckoned.inputs.knows("hour"):
        lines.append(
            f"Work saved: {plain(reckoned.hours, 1)} hours a month. Give what an hour costs to have its worth."
        )
    elif reckoned.inputs.knows("minutes_saved"):
        lines.append(
            f"Work saved: {plain(reckoned.hours, 1)} hours a month. Alone, less the cost, they are worth "
            f"{written(reckoned.time_net, code)} a month and "
            f"{written(reckoned.time_net_first_year, code)} in the first year."
        )
    else:
        lines.append("Work saved is left out: no source says how many minutes of a lead's work it is. Give yours.")
    return [*lines, curve_line(reckoned)]


def curve_line(reckoned: Reckoned) -> str:
    low, high = reckoned.curve_low, reckoned.curve_high
    reach = times(low) if low == high else f"{times(low)} to {times(high)}"
    gap = " The curve has a gap there." if reckoned.now.gap or reckoned.then.gap else ""
    return (
        f"By the response curve a lead answered {reckoned.then.name} is {reach} as likely to be qualified as one "
        f"answered {reckoned.now.name}.{gap} To be qualified is not to buy: no revenue is reckoned from this."
    )


def curve_rows() -> list[tuple[str, str, bool]]:
    """(answered, value, is it a gap)."""
    return [(step.name, curve_value(step), step.gap) for step in CURVE]


def curve_value(step: Step) -> str:
    return f"no figure: {plain(step.low)} to {plain(step.high)}" if step.gap else f"{plain(step.low)}×"


def as_json(reckoned: Reckoned, measured: Any, checks: Sequence[Check]) -> dict[str, Any]:
    """Amounts, shares and factors are text, so that no reader rounds them."""
    code = reckoned.inputs.currency

    def money(amount: Decimal | None) -> str | None:
        return None if amount is None else str(rounded(amount, code))

    def exact(number: Decimal | None) -> str | None:
        return None if number is None else f"{rounded_to(number, 6):f}"

    return {
        "currency": code,
        "inputs": {field.name: {
            "value": None if (found := reckoned.inputs.values[field.name]).amount is None else f"{found.amount:f}",
            "whose": found.whose, "source": found.source} for field in FIELDS},
        "views": [{
            "name": month.view.name, "source": month.view.source, "times": exact(month.view.times),
            "conversion": exact(month.conversion), "capped": month.capped,
            "customers_now": exact(month.customers_now), "customers": exact(month.customers),
            **{name: money(getattr(month, name)) for name in (
                "revenue_now", "revenue", "gain", "support_more", "gross", "net", "net_first_year",
                "customer_cost_now", "customer_cost")},
            "times_cost": exact(month.times_cost), "pays_back_months": exact(month.pays_back_months),
        } for month in reckoned.months],
        "range": {"net": [money(reckoned.lowest.net), money(reckoned.highest.net)],
                  "net_first_year": [money(reckoned.lowest.net_first_year), money(reckoned.highest.net_first_year)]},
        "cost": money(reckoned.cost), "break_even": exact(reckoned.break_even),
        "hours_saved": exact(reckoned.hours), "time_saved": money(reckoned.time_saved),
        "time_net": money(reckoned.time_net), "time_net_first_year": money(reckoned.time_net_first_year),
        "curve": {"source": SOURCE, "times": [exact(reckoned.curve_low), exact(reckoned.curve_high)],
                  "steps": [{"answered": step.name, "low": f"{step.low}", "high": f"{step.high}", "gap": step.gap}
                            for step in CURVE]},
        "measured": measured,
        "checks": [{"area": check.area, "title": check.title, "state": check.state, "says": check.says,
                    "then": check.then if check.state == "look" else None} for check in checks],
    }  # fmt: skip
