"""Rows of people, with each way to reach them written as the intake would write it. Slow: not for an event loop."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from phonenumbers import parse
from pydantic import ValidationError

from speedlead.domain.hygiene import Mail, Person, Phone
from speedlead.enrichment.mail_domains import domain_of, kind_of
from speedlead.intake import Inquiry, Rules, read_inquiry
from speedlead.intake_text import one_line

# what the intake writes is the rule: of such an address it would change nothing, and asking it takes a hundred times
# as long
_AS_WRITTEN = re.compile(r"[a-z0-9_+%-]+(\.[a-z0-9_+%-]+)*@([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,24}")
_LONGEST = 254


class Reader:
    def __init__(self, home_country: str) -> None:
        """`home_country`: where a number without any hint of a country is looked for, as the intake does."""
        self._home, self._rules = home_country, Rules((), home_country)

    def people(self, rows: Iterable[Mapping[str, Any]]) -> list[Person]:
        return [self._person(row) for row in rows]

    def _person(self, row: Mapping[str, Any]) -> Person:
        return Person(
            person_id=row["person_id"], name=row["name"], company=row["company"],
            tidy_name=_tidy(row["name"]), tidy_company=_tidy(row["company"]),
            mails=tuple(self._mail(*one) for one in row["mails"]),
            phones=tuple(self._phone(one, row["country"]) for one in row["phones"]),
            barred=frozenset(row["barred"]), lead_id=row["lead_id"], is_open=row["is_open"], place=row["place"],
        )  # fmt: skip

    def _mail(self, address: str, bad: str | None) -> Mail:
        # an address that is used no more is nobody's work, however it is written
        normal = (
            address if bad or (len(address) <= _LONGEST and _AS_WRITTEN.fullmatch(address)) else self._email(address)
        )
        return Mail(address, bad, normal, domain_kind(domain_of(normal or address)))

    def _phone(self, one: Sequence[Any], country: str | None) -> Phone:
        number, bad, calls, days, connected = one
        normal = number if bad else self._number(number, country)
        return Phone(number, bad, normal, calls or 0, days or 0, bool(connected))

    def _email(self, address: str) -> str | None:
        found = self._asked(email=address)
        return found.email if found else None

    def _number(self, number: str, country: str | None) -> str | None:
        # a national number is one of the lead's country alone: elsewhere it would be somebody else's
        whole = number.startswith(("+", "00"))
        found = self._asked(phone=number, country=None if whole else country) if whole or country else None
        if found is None:
            return None
        # the intake drops an extension, and here that would lose it
        return number if parse(number, country or self._home).extension else found.phone

    def _asked(self, **fields: str | None) -> Inquiry | None:
        try:
            return read_inquiry({"source": "hygiene", **fields}, self._rules)
        except ValidationError:
            return None


@lru_cache(maxsize=100_000)
def domain_kind(domain: str | None) -> Any:
    return kind_of(domain)


def _tidy(text: str | None) -> str | None:
    """As the intake writes a line; a text of nothing but spaces stays: taking it away would lose something."""
    return (one_line(text) or text) if text else text
