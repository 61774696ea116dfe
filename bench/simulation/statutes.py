"""Contact law as the judge knows it: written down again from the sources, by hand, for the simulated year.

A second witness: nothing here is read from `speedlead/law`. Dates are days, not rules, so that a wrong rule there
cannot be wrong here in the same way. Not legal advice; sources and certainty stand with the rows in `speedlead/law`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

FIRST_DAY, LAST_DAY = date(2026, 10, 1), date(2027, 12, 31)
"""Holidays below are complete between these days."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `times` touches on `channels` in any `window` of elapsed time."""

    times: int
    window: timedelta
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statute:
    """`week`: for Monday to Sunday the spans of the local day, in minutes, in which contact is allowed.

    `consent`: none, inquiry (wrote to us), asked (the form showed a consent text), ticked. `also_in`: the
    hours count on that zone's clock as well.
    """

    where: str
    channels: tuple[str, ...]
    week: tuple[tuple[Span, ...], ...] | None
    closed: frozenset[date]
    consent: str
    cap: Cap | None
    since: date
    until: date
    also_in: str | None


def _days(text: str) -> frozenset[date]:
    """'2026-11-11 11-26 2027-01-01 01-18': a month and day belong to the year named last."""
    found, year = set(), ""
    for word in text.split():
        if len(word) == 10:
            year, word = word[:4], word[5:]
        found.add(date.fromisoformat(f"{year}-{word}"))
    return frozenset(found)


CLOSED = {
    "PA": "2026-10-12 11-03 11-11 11-26 12-25 2027-01-01 01-18 02-15 03-26 05-31 06-14 07-04 07-05 09-06 10-11 11-02"
    " 11-11 11-25 12-25",
    "AL": "2026-10-12 11-11 11-26 12-25 2027-01-01 01-18 02-09 02-15 04-26 05-31 06-07 07-04 07-05 09-06 10-11 11-11"
    " 11-25 12-25",
    "LA": "2026-11-01 11-03 11-11 11-26 11-27 12-25 2027-01-01 01-18 02-09 03-26 05-31 07-04 07-05 09-06 11-01 11-11"
    " 11-25 11-26 12-25",
    "MS": "2026-11-11 11-26 12-25 2027-01-01 01-18 02-15 04-26 05-31 07-04 07-05 09-06 11-11 11-25 12-25",
    "RI": "2026-10-12 11-03 11-11 11-26 12-25 2027-01-01 01-18 05-31 07-04 07-05 08-09 09-06 10-11 11-11 11-25 12-25",
    "FR": "2026-11-01 11-11 12-25 2027-01-01 03-29 05-01 05-06 05-08 05-17 07-14 08-15 11-01 11-11 12-25",
    "AU": "2026-12-25 12-26 12-28 2027-01-01 01-26 03-26 03-29 04-25 12-25 12-26 12-27 12-28",
    "BR": "2026-10-12 11-02 11-15 11-20 12-25 2027-01-01 03-26 04-21 05-01 09-07 10-12 11-02 11-15 11-20 12-25",
}

_THREE_A_DAY = Cap(3, timedelta(hours=24), ("call",))
_CALLS, _TEXTS, _BOTH = ("call",), ("sms",), ("call", "sms")


def _statute(
    where: str,
    channels: tuple[str, ...],
    week: str | None,
    *,
    closed: str | None = None,
    consent: str = "none",
    cap: Cap | None = None,
    since: date = date.min,
    until: date = date.max,
    also_in: str | None = None,
) -> Statute:
    days = _days(CLOSED[closed]) if closed else frozenset()
    hours = None if week is None else _week(week)
    return Statute(where, channels, hours, days, consent, cap, since, until, also_in)


def _week(text: str) -> tuple[tuple[Span, ...], ...]:
    """'mon-fri 9:00-20:00, sat 9:00-17:00'; a day that is not named is closed."""
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    week: list[list[Span]] = [[] for _ in names]
    for part in text.split(","):
        days, *spans = part.split()
        first, _, last = days.partition("-")
        for weekday in range(names.index(first), names.index(last or first) + 1):
            week[weekday] += [_span(span) for span in spans]
    return tuple(tuple(day) for day in week)


def _span(text: str) -> Span:
    start, end = (int(hour) * 60 + int(minute) for hour, minute in (t.split(":") for t in text.split("-")))
    return start, end


STATUTES = (
    _statute("US", _BOTH, "mon-sun 8:00-21:00", consent="inquiry"),
    _statute("US-FL", _BOTH, "mon-sun 8:00-20:00", cap=_THREE_A_DAY),
    _statute("US-OK", _BOTH, "mon-sun 8:00-20:00", cap=_THREE_A_DAY),
    _statute("US-MD", _BOTH, "mon-sun 8:00-20:00", cap=Cap(3, timedelta(hours=24), _BOTH)),
    _statute("US-WA", _CALLS, "mon-sun 8:00-20:00"),
    _statute("US-CT", _BOTH, "mon-sun 9:00-20:00", consent="ticked"),
    _statute("US-TX", _BOTH, "mon-sat 9:00-21:00, sun 12:00-21:00", also_in="America/Chicago"),
    _statute("US-AL", _BOTH, "mon-sat 8:00-20:00", closed="AL"),
    _statute("US-LA", _BOTH, "mon-sat 8:00-20:00", closed="LA"),
    _statute("US-MS", _BOTH, "mon-sat 8:00-20:00", closed="MS"),
    _statute("US-MA", _BOTH, "mon-sun 8:00-20:00"),
    _statute("US-WY", _BOTH, "mon-sun 8:00-20:00"),
    _statute("US-KY", _BOTH, "mon-sun 10:00-21:00"),
    _statute("US-MI", _BOTH, "mon-sun 9:00-21:00"),
    _statute("US-MN", _BOTH, "mon-sun 9:00-21:00"),
    _statute("US-NM", _BOTH, "mon-sun 9:00-21:00"),
    _statute("US-NV", _BOTH, "mon-sun 9:00-20:00"),
    _statute("US-RI", _BOTH, "mon-fri 9:00-18:00, sat 10:00-17:00", closed="RI"),
    _statute("US-PA", _BOTH, "mon-sun 8:00-21:00", closed="PA", until=date(2026, 10, 18)),
    _statute("US-PA", _BOTH, "mon-sat 9:00-19:00", closed="PA", since=date(2026, 10, 18)),
    _statute("US-VA", _BOTH, "mon-sun 8:00-21:00"),
    _statute("CA", _CALLS, "mon-fri 9:00-21:30, sat-sun 10:00-18:00", consent="inquiry"),
    _statute("GB", _CALLS, "mon-sun 8:00-21:00", consent="asked"),
    _statute("FR", _CALLS, "mon-fri 10:00-13:00 14:00-20:00", closed="FR", consent="asked",
             cap=Cap(4, timedelta(days=30), _CALLS)),
    _statute("FR", _TEXTS, "mon-sat 8:00-22:00", closed="FR"),
    _statute("DE", _CALLS, "mon-sun 8:00-20:00", consent="asked"),
    _statute("AU", _CALLS, "mon-fri 9:00-20:00, sat 9:00-17:00", closed="AU"),
    _statute("IN", _BOTH, "mon-sun 10:00-19:00"),
    _statute("BR", _CALLS, "mon-fri 9:00-21:00, sat 10:00-16:00", closed="BR"),
    _statute("MY", _BOTH, "mon-sun 9:00-21:00"),
    _statute("SG", _BOTH, "mon-sun 9:00-21:00", consent="asked"),
)  # fmt: skip

HOUSE = _statute("*", _BOTH, "mon-sun 8:00-21:00", consent="asked")
"""Where a country has no statute above for the channel."""

CROWN = {"GG": "GB", "JE": "GB", "IM": "GB"}
TERRITORIES = frozenset({"PR", "GU", "VI", "AS", "MP", "UM"})
"""Federal law of the United States reaches them."""


def statutes_of(country: str, region: str | None, channel: str, day: date) -> list[Statute]:
    """All that hold for the channel on a local day, in the country and in the part of it; the house's if none does."""
    if country in TERRITORIES:
        country, region = "US", country
    country = CROWN.get(country, country)
    names = {country} if region is None else {country, f"{country}-{region}"}
    found = [s for s in STATUTES if s.where in names and channel in s.channels and s.since <= day < s.until]
    return found or [HOUSE]
