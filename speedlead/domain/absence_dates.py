"""Dates as people write them in a sentence, and every day that each may mean. Sentences are plain: see `absence`."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from speedlead.domain.absence_words import Words

FURTHEST = timedelta(days=60)
"""A return further ahead than this is no reason to wait: longer than any plan, and often last year's note."""

_DAY = timedelta(days=1)
# neither a part of a phone number, an amount or a longer number, nor of a word
_ALONE = r"(?<![\w+(/.:])(?<!\D-)"
_ORDINAL = r"(?:st|nd|rd|th|er|e|o|a|\.)?"
_ARTICLE = r"(?:the|den|dem|le|el|dia|de)"
_YEAR = r"(?:[\s,]*(?:(?:de|del)\s+)?(?P<y>20\d\d)(?!\d))?"
_NO_TIME = r"(?![\w:/.-]*\d|\s*(?:uhr|am\b|pm\b|h\b|heures|horas|uur|o'clock))"


@dataclass(frozen=True, slots=True)
class Found:
    """One date in a sentence: the days it may mean. `weekday`: nothing but a weekday, as office hours have them."""

    start: int
    end: int
    days: frozenset[date]
    weekday: bool = False


class DatePatterns:
    """Of one language. Groups: `a`, `b` numbers, `y` year, `m1` to `m12` month, `w0` to `w6` weekday."""

    def __init__(self, words: Words) -> None:
        month = "|".join(f"(?P<m{number}>{name})" for number, name in enumerate(words.months, 1))
        weekday = "|".join(f"(?P<w{number}>{name})" for number, name in enumerate(words.weekdays))
        whole = "|".join(f"(?P<w{number}>{_whole(name)})" for number, name in enumerate(words.weekdays))
        named = rf"(?:(?:{weekday})\b[.,]?\s*,?\s*(?:{_ARTICLE}\s+)?)?"
        of = rf"\s*[,(]?\s*(?:(?:{words.of})\s+)?"
        year_behind = r"(?P=sep)\s?(?P<y>(?:20)?\d\d)(?![\w/+-]|\.\d|\s?\d+(?![\d:h]))"
        no_year = r"\.?(?![\w/:+]|-\d{3}|-\d+[-\s]|\s?\d|\.\d)"
        self._dates = (
            re.compile(rf"{_ALONE}{named}(?P<y>20\d\d)(?P<sep>[-/.])(?P<b>\d\d?)(?P=sep)(?P<a>\d\d?)(?![\w/-])"),
            re.compile(rf"{_ALONE}{named}(?P<a>\d\d?)(?P<sep>[/.-])\s?(?P<b>\d\d?)(?:{year_behind}|{no_year})"),
            re.compile(rf"{_ALONE}{named}(?P<a>\d\d?){_ORDINAL}{of}(?:{month})\b\.?{_YEAR}"),
            re.compile(rf"\b{named}(?:{month})\b\.?\s+(?P<a>\d\d?){_ORDINAL}(?![\w:/.-]*\d){_YEAR}"),
        )
        self._weekday = re.compile(
            rf"\b(?:(?P<next>{words.next_})\s+|(?:{words.coming})\s+)?(?:{whole})\b(?:\s+(?:{words.following})\b)?"
            rf"(?:,?\s+(?:{_ARTICLE}\s+)?(?P<a>\d\d?)(?:st|nd|rd|th|\.)?{_NO_TIME})?"
        )
        self._day_alone = re.compile(rf"{_ALONE}(?:{words.day_alone})\b")
        self._tomorrow = re.compile(rf"\b(?:{words.tomorrow})\b")

    def find(self, sentence: str, written: date, day_first: bool | None) -> list[Found]:
        """In order, none inside another. `day_first` None: nobody knows which of two numbers is the month."""
        found: list[Found] = []

        def add(match: re.Match[str], days: frozenset[date], *, weekday: bool = False) -> None:
            if not any(match.start() < one.end and one.start < match.end() for one in found):
                found.append(Found(match.start(), match.end(), days, weekday))

        for pattern in self._dates:
            for match in pattern.finditer(sentence):
                add(match, _days(match, written, day_first))
        for match in self._weekday.finditer(sentence):
            add(match, _weekday(match, written), weekday=not match["a"])
        for match in self._day_alone.finditer(sentence):
            number = int(re.sub(r"\D", "", match[0]))
            add(match, frozenset([day for day in _coming(written, 31) if day.day == number][:1]))
        for match in self._tomorrow.finditer(sentence):
            add(match, frozenset({written + _DAY}))
        return sorted(found, key=lambda one: one.start)


def _whole(name: str) -> str:
    """The long form of a weekday alone: 'mo(?:ntag)?' -> 'montag'. The short ones are words of their own."""
    long = name
    while (shorter := re.sub(r"\(\?:([^()?]*)\)\?", r"\1", long)) != long:
        long = shorter
    return long


def _days(match: re.Match[str], written: date, day_first: bool | None) -> frozenset[date]:
    """Every day that the digits can mean, with the weekday beside them; without a year, the nearest such day."""
    groups = match.groupdict()
    first = int(groups["a"])
    if month := _numbered(groups, "m"):
        orders = [(first, month)]
    else:
        orders = _orders(match, first, int(groups["b"]), day_first)
    year = groups["y"]
    years = [int(year) % 100 + 2000] if year else [written.year, written.year + 1]
    weekday = _numbered(groups, "w")
    days = {_date(year, month, day) for year in years for day, month in orders}
    return frozenset(
        day
        for day in days
        if day is not None and weekday in (None, day.weekday()) and (year or abs(day - written) <= FURTHEST)
    )


def _orders(match: re.Match[str], first: int, second: int, day_first: bool | None) -> list[tuple[int, int]]:
    """(day, month) as it may be meant. Dots go with the day first, and a leading year with the day last."""
    orders = [(first, second), (second, first)]
    year_leads = match["y"] is not None and match.start("y") < match.start("a")
    known = True if match["sep"] == "." or year_leads else day_first
    if known is None:
        return orders
    meant = orders[not known]
    return [meant] if meant[1] <= 12 else orders  # a thirteenth month: they write it the other way


def _weekday(match: re.Match[str], written: date) -> frozenset[date]:
    """The first one to come. Its own day, and 'next Friday' on a Tuesday, mean either week."""
    weekday = _numbered(match.groupdict(), "w") or 0
    if match["a"]:
        number = int(match["a"])
        return frozenset(d for d in _coming(written, FURTHEST.days) if (d.weekday(), d.day) == (weekday, number))
    ahead = (weekday - written.weekday()) % 7
    if ahead == 0 or (match["next"] and weekday > written.weekday()):
        return frozenset()
    return frozenset({written + ahead * _DAY})


def _coming(written: date, days: int) -> list[date]:
    return [written + n * _DAY for n in range(days)]


def _numbered(groups: dict[str, str | None], letter: str) -> int | None:
    return next((int(name[1:]) for name, text in groups.items() if text and re.fullmatch(rf"{letter}\d+", name)), None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
