"""Dates of a legal holiday from its rule, for any year. Lists of law's own: those of libraries differ from statutes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Observed = Literal["never", "sunday_to_monday", "nearest_weekday", "next_free_weekday"]
"""What a statute adds when a day falls on a weekend. The day itself always stays in the list as well."""


@dataclass(frozen=True, slots=True)
class HolidayRule:
    """One holiday. Exactly one of `day` (with `month`), `nth` (with `weekday`, `month`) or `easter` places it.

    `nth` counts from 1, -1 is the last, of the month or of what is left of it at `from_day`; `plus` moves the result by
    days; `easter` is days after Easter Sunday.
    `years`: all, even, or after_presidential_election (inaugurations); `since`: the first year it exists.
    """

    name: str
    month: int | None = None
    day: int | None = None
    nth: int | None = None
    weekday: int | None = None
    from_day: int = 1
    plus: int = 0
    easter: int | None = None
    observed: Observed = "never"
    years: Literal["all", "even", "after_presidential_election"] = "all"
    since: int = 1

    def __post_init__(self) -> None:
        ways = (self.day is not None, self.nth is not None, self.easter is not None)
        if sum(ways) != 1:
            raise ValueError(f"{self.name}: give exactly one of day, nth, easter")
        if self.easter is None and not (self.month and 1 <= self.month <= 12):
            raise ValueError(f"{self.name}: month must be 1 to 12")
        if self.nth is not None and (self.weekday not in range(7) or not (1 <= self.nth <= 4 or self.nth == -1)):
            raise ValueError(f"{self.name}: nth must be 1 to 4 or -1, with a weekday")
        if not 1 <= self.from_day <= 25 or (self.from_day > 1 and (self.nth is None or self.nth < 1)):
            raise ValueError(f"{self.name}: from_day must be 1 to 25, with an nth of 1 to 4")
        if self.day is not None and self.month is not None:
            date(2000, self.month, self.day)  # raises ValueError

    def on(self, year: int) -> date | None:
        """The day itself in that year; None when it is not held."""
        if year < self.since or (self.years == "even" and year % 2):
            return None
        if self.years == "after_presidential_election" and year % 4 != 1:
            return None
        if self.easter is not None:
            return easter_sunday(year) + timedelta(days=self.easter)
        if self.month is None:
            return None
        if self.day is not None:
            return date(year, self.month, self.day) + timedelta(days=self.plus)
        return self._nth_weekday(year, self.month) + timedelta(days=self.plus)

    def _nth_weekday(self, year: int, month: int) -> date:
        nth, weekday = self.nth or 1, self.weekday or 0
        if nth > 0:
            first = date(year, month, self.from_day)
            return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        return last - timedelta(days=(last.weekday() - weekday) % 7)


def dates_of(rules: Sequence[HolidayRule], years: Iterable[int]) -> frozenset[date]:
    """All dates of the rules in those years, substitutes included (one may fall into the year before or after)."""
    found: set[date] = set()
    for year in years:
        held = sorted((day, rule.observed) for rule in rules if (day := rule.on(year)) is not None)
        taken = {day for day, _ in held}
        for day, observed in held:
            if observed == "sunday_to_monday" and day.weekday() == 6:
                taken.add(day + timedelta(days=1))
            elif observed == "nearest_weekday" and day.weekday() >= 5:
                taken.add(day + timedelta(days=1 if day.weekday() == 6 else -1))
            elif observed == "next_free_weekday" and day.weekday() >= 5:
                substitute = day
                while substitute.weekday() >= 5 or substitute in taken:
                    substitute += timedelta(days=1)
                taken.add(substitute)
        found |= taken
    return frozenset(found)


def easter_sunday(year: int) -> date:
    """Gregorian Easter (Meeus, Jones, Butcher)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    skipped, rest = divmod(century, 4)
    moon = (19 * golden + century - skipped - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    shift = (32 + 2 * rest + 2 * (of_century // 4) - moon - of_century % 4) % 7
    late = (golden + 11 * moon + 22 * shift) // 451
    month, day = divmod(moon + shift - 7 * late + 114, 31)
    return date(year, month, day + 1)
