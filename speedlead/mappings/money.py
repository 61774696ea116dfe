"""What a ticket costs, as it is set."""

from decimal import Decimal

from speedlead.roi.currencies import amount, currency


def parse_cost(text: str) -> tuple[Decimal, str]:
    """Of `12.50 EUR`. Raises ValueError."""
    paid, _, code = text.strip().rpartition(" ")
    try:
        name = currency(code)
        found = amount(paid, name)
        if not paid or found < 0:
            raise ValueError
    except ValueError:
        raise ValueError("a cost and a currency such as 12.50 EUR") from None
    return found, name
