"""Business closures by country and subdivision, from the `holidays` library. Not for law: that has dates of its own."""

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from importlib import metadata

import holidays

from speedlead.place_names import CROWN

YEARS = range(2023, 2036)

# Countries whose national list lacks days that most businesses keep: which subdivisions to read when none is known.
_WHEN_UNKNOWN: dict[str, tuple[str, ...]] = {"GB": ("ENG",)}
# Parts, as jurisdictions are written here, that the library has as countries of their own.
_COUNTRIES_OF_THEIR_OWN = {(of, island): island for island, of in CROWN.items()}
# States differ so much that without one every state's days count (nothing is lost but a polite day).
_UNION_OF_STATES = frozenset({"MY"})


class HolidayClosures:
    """Closures for `Placer`. Keeps what it has computed; a country costs about 0.3 ms a year once."""

    def __init__(self, years: Iterable[int] = YEARS) -> None:
        self._years = tuple(years)
        self._one: dict[str, frozenset[date]] = {}
        self._many: dict[tuple[str, ...], frozenset[date]] = {}

    def closed(self, jurisdictions: tuple[str, ...]) -> frozenset[date]:
        """Local dates on which businesses of any of them are closed; unknown names have none.

        A part replaces its country ('US', 'US-TX': the days that Texas keeps); several parts add up.
        """
        known = self._many.get(jurisdictions)
        if known is None:
            with_part = {name.partition("-")[0] for name in jurisdictions if "-" in name}
            parts = [self._closed(name) for name in jurisdictions if "-" in name or name not in with_part]
            known = self._many[jurisdictions] = frozenset().union(*parts)
        return known

    def _closed(self, name: str) -> frozenset[date]:
        known = self._one.get(name)
        if known is None:
            country, _, part = name.partition("-")
            known = self._one[name] = frozenset(self._dates(country, part))
        return known

    def _dates(self, country: str, part: str) -> Iterable[date]:
        country = _COUNTRIES_OF_THEIR_OWN.get((country, part), country)
        parts_of = self._supported.get(country)
        if parts_of is None:
            return set()
        if part in parts_of:
            wanted: tuple[str | None, ...] = (part,)
        elif country in _UNION_OF_STATES:
            wanted = tuple(parts_of)
        else:
            wanted = _WHEN_UNKNOWN.get(country, (None,))
        found: set[date] = set()
        for subdivision in wanted:
            found.update(holidays.country_holidays(country, subdiv=subdivision, years=self._years))
        return found

    @cached_property
    def _supported(self) -> dict[str, list[str]]:
        return holidays.list_supported_countries()


def version() -> str:
    """Version of the library, for the record beside every placement."""
    return metadata.version("holidays")
