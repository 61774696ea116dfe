"""What somebody of ours corrects in a lead's data, checked as intake checks it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from speedlead.intake import Rules, field_problems, read_inquiry
from speedlead.intake_text import slug

FIELDS = ("name", "email", "phone", "country", "region", "postcode", "tz", "product")
PLACE = frozenset({"country", "region", "postcode", "tz"})


class CorrectionRefused(ValueError):
    """`field` names what is wrong; the text says what was expected and never repeats what was typed."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: expected {expected}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Known:
    """What the lead's rows say now: a national number, or a region, is read in its country."""

    country: str | None
    tz: str | None


def read_correction(given: Mapping[str, str | None], known: Known, rules: Rules) -> dict[str, str]:
    """The corrected fields, normalised; an empty one stays as it was. Raises CorrectionRefused."""
    wanted = {name: text for name in FIELDS if (text := (given.get(name) or "").strip())}
    if unknown := sorted(name for name, text in given.items() if text and name not in FIELDS):
        raise CorrectionRefused(unknown[0], f"one of {', '.join(FIELDS)}")
    if not wanted:
        raise CorrectionRefused("name", f"something to correct: one of {', '.join(FIELDS)}")
    product = wanted.pop("product", None)
    around = {"country": known.country, "tz": known.tz}
    # the rules of an inquiry ask for a way to reach somebody; what is corrected need not be one
    reachable = {} if {"email", "phone"} & wanted.keys() else {"email": "nobody@example.com"}
    try:
        read = read_inquiry({**around, **reachable, **wanted}, rules)
    except ValidationError as error:
        wrong = field_problems(error)[0]
        raise CorrectionRefused(wrong.field, wrong.expected) from None
    found = {name: str(getattr(read, name)) for name in wanted if getattr(read, name) is not None}
    if product is not None:
        if not slug(product):
            raise CorrectionRefused("product", "a word such as crm or data_platform")
        found["product"] = slug(product)
    return found
