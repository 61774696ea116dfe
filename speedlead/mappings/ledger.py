"""A ticket or a payment as an entry of the ledger: what it cost or brought, in which currency, when."""

from collections.abc import Callable
from collections.abc import Mapping as Table
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, TypeVar

from speedlead.mappings.model import Mapping
from speedlead.mappings.values import Found, as_text
from speedlead.roi.currencies import amount, currency, digits, number, rounded
from speedlead.roi.ledger import REFERENCE

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Booked:
    """`reference`: the same for every message about it, so that a later one takes the place of an earlier one.

    `told_at`: when it was said, where the mapping reads that: messages overtake each other on their way.
    """

    kind: Literal["revenue", "support_cost"]
    reference: str
    day: date
    amount: Decimal
    currency: str
    told_at: datetime | None = None


def booked(
    mapping: Mapping, fields: Table[str, Found], now: datetime, ticket_cost: tuple[Decimal, str] | None
) -> Booked:
    """`ticket_cost`: what one costs where the mapping does not say. Raises ValueError with the field's name."""
    reference = f"{mapping.name}:{_text(fields, 'reference')}"
    if not REFERENCE.fullmatch(reference):
        raise ValueError("reference: expected letters, digits and . _ / : # -, 80 of them with the mapping's name")
    paid, code = _cost(mapping, fields, ticket_cost) if mapping.kind == "ticket" else _paid(mapping, fields)
    paid = -paid if mapping.negative else paid
    if mapping.kind == "ticket" and paid < 0:
        raise ValueError("amount: expected a cost of 0 or more")
    kind: Literal["revenue", "support_cost"] = "revenue" if mapping.kind == "revenue" else "support_cost"
    return Booked(kind, reference, _day(fields, now), paid, code, _told_at(fields))


def _cost(mapping: Mapping, fields: Table[str, Found], ticket_cost: tuple[Decimal, str] | None) -> tuple[Decimal, str]:
    """What the message says; else by the mapping's rates; else by the house's."""
    if "amount" in fields and fields["amount"].value is not None:
        return _paid(mapping, fields)
    if mapping.cost is None:
        if ticket_cost is None:
            raise ValueError("cost: expected rates in the mapping, or SPEEDLEAD_TICKET_COST")
        return ticket_cost
    total = mapping.cost.per_ticket or Decimal(0)
    if mapping.cost.per_hour is not None:
        minutes = _read(number, _text(fields, "minutes"), "minutes")
        if not 0 <= minutes <= 100_000:
            raise ValueError("minutes: expected 0 to 100000")
        total += mapping.cost.per_hour * minutes / 60
    return rounded(total, mapping.cost.currency), mapping.cost.currency


def _paid(mapping: Mapping, fields: Table[str, Found]) -> tuple[Decimal, str]:
    code = _read(currency, _text(fields, "currency"), "currency")
    text = _text(fields, "amount")
    if mapping.amount_in == "minor":
        coins = _read(number, text, "amount")
        if coins != coins.to_integral_value():
            raise ValueError("amount: expected a whole number of the smallest coin")
        text = str(coins.scaleb(-digits(code)))
    return _read(lambda one: amount(one, code), text, "amount"), code


def _day(fields: Table[str, Found], now: datetime) -> date:
    """In the zone that the date has; a day ahead of ours is possible there, and is booked as today."""
    one = fields.get("date")
    if one is None or (one.value is None and not one.note):
        return now.date()
    if one.value is None:
        raise ValueError(f"date: {one.note}")
    text = as_text(one.value)
    try:
        day = datetime.fromisoformat(text).date()
    except ValueError:
        raise ValueError("date: expected a day such as 2026-11-30; say how it is written with `date`") from None
    return min(day, now.date())


def _told_at(fields: Table[str, Found]) -> datetime | None:
    one = fields.get("told_at")
    if one is None or (one.value is None and not one.note):
        return None
    try:
        at = datetime.fromisoformat(as_text(one.value)) if one.value is not None else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError("told_at: expected an instant with its zone; say how it is written with `date` and `zone`")
    return at


def _text(fields: Table[str, Found], name: str) -> str:
    one = fields.get(name)
    if one is None or one.value is None:
        raise ValueError(f"{name}: {one.note if one is not None and one.note else 'expected one, found nothing'}")
    return as_text(one.value).strip()


def _read(read: Callable[[str], Read], text: str, name: str) -> Read:
    try:
        return read(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
