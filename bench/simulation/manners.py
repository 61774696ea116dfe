"""When a business is closed, as the judge knows it: weekends by hand, public holidays from the plain library."""

from datetime import date
from functools import cache

import holidays

_FRIDAY_SATURDAY = frozenset("BH BD DZ EG IL IQ JO KW LY MV OM PS QA SA SD SY YE".split())
_FRIDAY = frozenset("AF DJ IR SO".split())
_MODULES = frozenset(holidays.list_supported_countries())


def weekend_of(country: str) -> tuple[int, ...]:
    """Weekdays (Monday is 0) on which offices of the country are closed."""
    if country in _FRIDAY_SATURDAY:
        return 4, 5
    return (4,) if country in _FRIDAY else (5, 6)


@cache
def public_holidays(country: str, region: str | None, year: int) -> frozenset[date]:
    """Of the part that the lead named, else of the whole country; none where the library knows nothing."""
    if country not in _MODULES:
        return frozenset()
    part = region if region in holidays.list_supported_countries()[country] else None
    return frozenset(holidays.country_holidays(country, subdiv=part, years=year))
