"""Parts of countries as ISO 3166-2 codes: `Texas`, `tx` or `us-tx` of the United States to `US-TX`.

Names come from the tables for the United States, Canada and Australia, which are whole, and for other countries from
what `holidays` knows, which is not: there a code in the right shape is taken as it stands.
"""

import re
from collections.abc import Mapping
from functools import cache

import holidays

from speedlead.place_names import AUSTRALIA_STATES, CANADA_PROVINCES, US_STATES, US_TERRITORIES

_WHOLE: Mapping[str, Mapping[str, str]] = {"US": US_STATES, "CA": CANADA_PROVINCES, "AU": AUSTRALIA_STATES}
_CODED = re.compile(r"([A-Za-z]{2})-([A-Za-z0-9]{1,3})")
_PART = re.compile(r"[A-Z0-9]{1,3}")


def country_in(written: str) -> str | None:
    """'US' of 'us-tx'; None when the text carries no country."""
    found = _CODED.fullmatch(written.strip())
    return found[1].upper() if found else None


def subdivision(country: str, written: str) -> str:
    """'US-TX' for a name or code of a part of the country (two letters). Raises ValueError saying what was expected."""
    coded = _CODED.fullmatch(written.strip())
    if coded and coded[1].upper() != country:
        raise ValueError(f"a region of {country}, the country that was given")
    text = _plain(coded[2] if coded else written)
    names = _names(country)
    part = text if text in names.values() else names.get(text)
    if part is None and country not in _WHOLE and _PART.fullmatch(text):
        part = text
    if part is None:
        example = f"{country}-{next(iter(names.values()), 'ABC')}"
        raise ValueError(f"a region of {country} as an ISO 3166-2 code, such as {example}")
    return f"{country}-{part}"


@cache
def _names(country: str) -> dict[str, str]:
    """NAME -> code, in capitals."""
    if country in _WHOLE:
        names = dict(_WHOLE[country])
        return names | {code: code for code in US_TERRITORIES} if country == "US" else names
    known = getattr(holidays, country, None)
    parts = holidays.list_supported_countries().get(country, ())
    aliases = getattr(known, "subdivisions_aliases", None) or {}
    return {_plain(name): code for name, code in aliases.items()} | {code: code for code in parts}


def _plain(name: str) -> str:
    return " ".join(name.replace(".", "").split()).upper()
