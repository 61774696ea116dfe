"""What the calculator asks for: each field with its example, where that comes from, and how it is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from speedlead.roi.currencies import amount, currency, number, rounded

Kind = Literal["count", "minutes", "share", "times", "money"]


@dataclass(frozen=True, slots=True)
class Field:
    """`example`: None where no source has a figure. `of`: the currency of an example that is money."""

    name: str
    label: str
    kind: Kind
    example: Decimal | None
    source: str
    of: str | None = None
    least: Decimal = Decimal(0)
    most: Decimal | None = None


def _field(name: str, label: str, kind: Kind, example: str | None, source: str, of: str | None = None) -> Field:
    least = {"count": "0", "minutes": "0", "share": "0", "times": "0.01", "money": "0"}[kind]
    most = {"count": "1000000000", "minutes": "525600", "share": "100", "times": "1000", "money": None}[kind]
    return Field(
        name, label, kind, None if example is None else Decimal(example), source, of, Decimal(least),
        None if most is None else Decimal(most),
    )  # fmt: skip


FIELDS = (
    _field("leads", "Leads a month", "count", "500", "an article's example"),
    _field("response_now", "Answered now after, minutes", "minutes", "120", "an article's example"),
    _field("response_then", "Answered then after, minutes", "minutes", "5", "an article's example"),
    _field("conversion", "Leads that buy now, %", "share", "2", "an article's example"),
    _field("times", "Times as many buy then", "times", "3", "an article's example, which calls it conservative"),
    _field("times_careful", "Times as many, carefully", "times", "1.12",
           "a trade article: 12 to 25 % more in 90 days, the lower end"),
    _field("deal_value", "A customer brings", "money", "5000", "an article's example", "USD"),
    _field("tools", "Tools, a month", "money", "2000", "an article's example: the upper end of 500 to 2,000", "USD"),
    _field("people", "Another rep, a month", "money", "5000", "an article's example", "USD"),
    _field("other", "Everything else, a month", "money", "3000",
           "an article's example: up to its worst case of 10,000", "USD"),
    _field("one_off", "Set-up, once", "money", None, "an article names it without a figure", "USD"),
    _field("minutes_saved", "Work saved for each lead, minutes", "minutes", None,
           "a trade article names it without a figure"),
    _field("hour", "An hour of that work costs", "money", None, "no source", "USD"),
    _field("lead_cost", "A lead costs", "money", "17.50",
           "a trade article: 10 to 25 in online education in Europe", "EUR"),
    _field("support", "Support of a customer costs", "money", None, "a trade article names it without a figure", "USD"),
)  # fmt: skip
BY_NAME = {field.name: field for field in FIELDS}
RATES = ("rate_usd", "rate_eur")
NAMES = ("currency", *RATES, *BY_NAME)


class RoiRefused(Exception):
    """`problems`: field -> what was expected and what was given."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Value:
    """`whose`: yours (typed), measured (from this house's rows), example, or missing. `source` in words."""

    amount: Decimal | None
    whose: Literal["yours", "measured", "example", "missing"]
    source: str


@dataclass(frozen=True, slots=True)
class Inputs:
    currency: str
    values: Mapping[str, Value]

    def __getitem__(self, name: str) -> Decimal:
        """Zero where nothing is known."""
        found = self.values[name].amount
        return Decimal(0) if found is None else found

    def knows(self, name: str) -> bool:
        return self.values[name].amount is not None


def read(typed: Mapping[str, str], measured: Mapping[str, Value], *, default_currency: str = "USD") -> Inputs:
    """What was typed, else what was measured, else the example. Raises RoiRefused with every field that is wrong.

    An example in another currency is taken over by a typed rate alone: `rate_usd` is what a dollar costs.
    """
    problems: dict[str, str] = {}
    code, rates = default_currency, dict[str, Decimal]()
    try:
        code = currency(typed.get("currency", "").strip() or default_currency)
    except ValueError as error:
        problems["currency"] = str(error)
    for name in RATES:
        if text := typed.get(name, "").strip():
            try:
                rates[name[-3:].upper()] = _within(number(text), Decimal("0.000001"), Decimal(10_000_000))
            except ValueError as error:
                problems[name] = str(error)
    rates[code] = Decimal(1)
    values = {}
    for field in FIELDS:
        try:
            values[field.name] = _value(field, typed.get(field.name, "").strip(), measured, code, rates)
        except ValueError as error:
            problems[field.name] = str(error)
    if problems:
        raise RoiRefused(problems)
    return Inputs(code, values)


def _value(
    field: Field, text: str, measured: Mapping[str, Value], code: str, rates: Mapping[str, Decimal]
) -> Value:  # fmt: skip
    if text:
        found = amount(text, code) if field.kind == "money" else number(text)
        return Value(_within(found, field.least, field.most), "yours", "you")
    if field.name in measured:
        return measured[field.name]
    if field.example is None or field.of is None:
        return Value(field.example, "missing" if field.example is None else "example", field.source)
    if field.of not in rates:
        # without a lead's cost one line is left out; without any other amount the result would be wrong
        if field.name != "lead_cost":
            raise ValueError(
                f"expected an amount in {code}, or rate_usd, what a dollar costs in {code}: "
                f"the example is {field.example} USD"
            )
        return Value(None, "missing", f"{field.source}; {field.example} {field.of}, and no rate was given")
    return Value(rounded(field.example * rates[field.of], code), "example", field.source)


def _within(found: Decimal, least: Decimal, most: Decimal | None) -> Decimal:
    if found < least or (most is not None and found > most):
        reach = f"from {least} to {most:f}" if most is not None else f"of {least} or more"
        raise ValueError(f"expected a number {reach}, got {found}")
    return found
