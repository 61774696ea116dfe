"""Which jurisdictions evidence can name at all: a row of law for any other would silently never apply."""

import re
from functools import cache

from speedlead.domain.law import HOUSE
from speedlead.place_names import AUSTRALIA_STATES, CANADA_PROVINCES, CROWN, US_STATES, US_TERRITORIES
from speedlead.tzdata_version import zone_file

_PARTS: dict[str, frozenset[str]] = {
    "US": frozenset(US_STATES.values()) | US_TERRITORIES,
    "CA": frozenset(CANADA_PROVINCES.values()),
    "AU": frozenset(AUSTRALIA_STATES.values()),
    "GB": frozenset({"ENG", "SCT", "WLS", "NIR"}) | set(CROWN),
}


def check_jurisdiction(name: str) -> None:
    """'US', 'US-FL', 'DE-BY' or '*' pass. Raises ValueError with what was expected."""
    if name == HOUSE:
        return
    country, dash, part = name.partition("-")
    if country in US_TERRITORIES:
        raise ValueError(f"{name!r} is a territory of the United States here: write 'US-{country}'")
    if country in CROWN:
        raise ValueError(
            f"{name!r} follows the rules of {CROWN[country]!r} here: write that, or '{CROWN[country]}-{country}'"
        )
    if country not in _countries():
        raise ValueError(f"{name!r} is not a country (ISO 3166, such as 'FR') nor a part of one, such as 'US-FL'")
    parts = _PARTS.get(country)
    known = part in parts if parts else re.fullmatch(r"[A-Z0-9]{1,3}", part)
    if dash and not known:
        raise ValueError(f"{name!r} is not a part of {country} as ISO 3166-2 writes them")


@cache
def _countries() -> frozenset[str]:
    lines = zone_file("iso3166.tab").read_text("utf-8").splitlines()
    return frozenset(line[:2] for line in lines if line[:1] != "#")
