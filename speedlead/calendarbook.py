"""Reads business calendars. Errors name the file, the line and the field, and what was expected."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

import holidays

from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.closures import YEARS
from speedlead.domain.business import Calendars
from speedlead.jurisdictions import check_jurisdiction


class CalendarError(FileFault):
    """A calendar file that cannot be used; the text is for the person who wrote the file."""


def packaged_calendars() -> Path:
    return Path(str(files("speedlead") / "calendars" / "default.yaml"))


def load_calendars(path: Path | None = None) -> tuple[Calendars, str]:
    """The calendars of a YAML file, or the packaged ones, and a digest as their version. Raises CalendarError."""
    if path is None:
        return _packaged()
    try:
        text = read_text(path)
    except FileFault as fault:
        raise CalendarError(str(fault)) from None
    return parse_calendars(text, str(path)), hashlib.sha256(text.encode()).hexdigest()[:8]


@cache
def _packaged() -> tuple[Calendars, str]:
    # they are the same as long as the process lives, and eight pages want them
    return load_calendars(packaged_calendars())


def parse_calendars(text: str, name: str) -> Calendars:
    """Raises CalendarError with one line per fault: `own.yaml:7: teams.0.zone: unknown time zone 'Mars/Base'`."""
    try:
        return parse(Calendars, text, name, whole="calendars", context=LibraryHolidays())
    except FileFault as fault:
        raise CalendarError(str(fault)) from None


class LibraryHolidays:
    """The `holidays` library as `HolidayData`."""

    def __call__(self, region: str) -> None:
        check_jurisdiction(region)

    def named(self, country: str, subdivision: str | None, categories: Sequence[str] | None) -> Mapping[date, str]:
        return _named(country, subdivision, None if categories is None else tuple(categories))


@cache
def _named(country: str, subdivision: str | None, categories: tuple[str, ...] | None) -> Mapping[date, str]:
    parts = holidays.list_supported_countries().get(country)
    if parts is None:
        raise ValueError(f"no holidays are known for the country {country!r}; expected two letters such as US or DE")
    if subdivision is not None and subdivision not in parts:
        some = ", ".join(parts[:8]) + (" …" if len(parts) > 8 else "") if parts else "none"
        raise ValueError(f"{country} has no holidays of a subdivision {subdivision!r}; known are {some}")
    known: set[str] = set(getattr(holidays, country).supported_categories)
    if unknown := sorted(set(categories or ()) - known):
        raise ValueError(
            f"{country} has no holidays of the category {unknown[0]!r}; expected {', '.join(sorted(known))}"
        )
    found = holidays.country_holidays(
        country, subdiv=subdivision, years=YEARS, categories=tuple(sorted(known)) if categories is None else categories,
        language="en_US" if "en_US" in getattr(holidays, country).supported_languages else None,
    )  # fmt: skip
    return dict(found.items())
