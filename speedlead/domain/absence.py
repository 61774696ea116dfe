"""On which day is somebody back who is out of office? Read from the note's own words, or not at all.

A date counts only where the words around it say what it is: a return, the end of an absence, the end of a range. So
phone numbers, order numbers and dates of something else are never taken. Never guessed: a date that has passed or lies
further ahead than anybody can promise, a weekday that is not the date's, a day and month that could be swapped, two
different returns. General date libraries were weighed (dateparser 1.5): they find dates in "+49", "a" and "3", miss
"nächsten Montag", and take "Monday 24 November" for a Tuesday.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta

from speedlead.domain.absence_dates import FURTHEST, DatePatterns
from speedlead.domain.absence_words import ENGLISH, LANGUAGES, Words

MONTH_FIRST = frozenset({"US", "PR", "GU", "VI", "AS", "MP"})
"""Where 12/01 is the first of December (CLDR short dates of English)."""
EITHER_FIRST = frozenset({"CA", "PH", "KE", "GH", "JP", "CN", "KR", "TW", "HU", "MN"})
"""Where English notes are written both ways, or the year leads and a short date begins with the month."""

_LONGEST = 4000  # characters of a note that are read
_DAY = timedelta(days=1)
# a full stop behind a number belongs to a date: "am 24. November", "bis 24.11. Bitte"
_SENTENCE = re.compile(
    r"(?<![\d.])[.!?]\s+(?=[^\W\d_a-z])|[!?;]\s|\n\s*\n|(?<=\d\.)\s+(?=(?:I|We|Please|Ich|Wir|Bitte)\b)"
)


def return_day(note: str, written: date, country: str | None) -> date | None:
    """The first day on which whoever wrote the note is back; None when it does not say so beyond doubt.

    `note`: what they wrote, without the quoted mail. `written`: its date where they are. `country`: the lead's, which
    says how English writes dates; the other languages put the day first.
    """
    sentences = [_plain(sentence) for sentence in _SENTENCE.split(note[:_LONGEST])]
    returns: set[date] = set()
    ends: set[date] = set()
    for meaning in _MEANINGS:
        away = any(meaning.away.search(sentence) for sentence in sentences)
        for sentence in sentences:
            for is_return, days in meaning.said(sentence, written, country):
                if is_return or away:
                    said = {day for day in days if written <= day <= written + FURTHEST}
                    (returns if is_return else ends).update(said)
    if returns:
        return min(returns) if len(returns) == 1 else None
    # the same note in two languages: "until" leaves open whether its day is the last one, "bis" does not
    return max(ends) if ends and max(ends) - min(ends) <= _DAY else None


def _plain(text: str) -> str:
    """Lower case, without accents, in one line, with one kind of dash and apostrophe."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    bare = re.sub("[\u2010-\u2015\u2212]", "-", bare).replace("\u2019", "'").casefold()
    return " ".join(bare.split())


class _Meaning:
    """What the words around a date say of it, in one language."""

    def __init__(self, words: Words) -> None:
        fill = rf"(?:\s|[:,(-]|\b(?:{words.at})\b)*"
        number = r"(?<![\d/.:+-])(?P<from>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|er|o|\.)?"
        self.away = re.compile(rf"\b(?:{words.away})\b")
        self._english = words is ENGLISH
        self._dates = DatePatterns(words)
        self._range = re.compile(rf"[\s,)]*(?:-|\b(?:{words.to})\b){fill}")
        self._from_day = re.compile(rf"{number}\s*(?:-|\b(?:{words.to})\b){fill}$")
        self._back_after = re.compile(rf"\b(?:{words.back})\s+(?:{words.after}){fill}$")
        self._back = re.compile(rf"\b(?:{words.back}){fill}$")
        self._at = re.compile(rf"(?:^|\b(?:{words.at})\b){fill}$")
        self._back_behind = re.compile(rf"[\s,]*(?:[\w']+[\s,]+){{0,4}}(?:{words.back})\b")
        self._until = re.compile(rf"\b(?:{words.until}){fill}$")
        self._through = re.compile(rf"\b(?:{words.through}){fill}$")
        self._even = re.compile(rf"[\s,(]*(?:{words.even})\b")
        self._here = re.compile(rf"\b(?:{words.here})\b")
        self._no = re.compile(rf"(?:\b|(?<=n't))(?:{words.no})\b|\w+n't\b")

    def said(self, sentence: str, written: date, country: str | None) -> Iterator[tuple[bool, set[date]]]:
        """(is it a return, the first days back that it may be) of every date whose meaning is said."""
        dates = self._dates.find(sentence, written, _day_first(country) if self._english else True)
        for index, found in enumerate(dates):
            before = sentence[dates[index - 1].end if index else 0 : found.start]
            behind = sentence[found.end : dates[index + 1].start if index + 1 < len(dates) else len(sentence)]
            first, day_after = set(found.days), {day + _DAY for day in found.days}
            if index and self._range.fullmatch(before):
                begins = dates[index - 1]
                if not begins.weekday and _has_begun(begins.days, written):
                    yield False, day_after
            elif match := self._from_day.search(before):
                number = int(match["from"])
                if _has_begun({day.replace(day=number) for day in found.days if number <= day.day}, written):
                    yield False, day_after
            elif self._back_after.search(before):
                yield True, day_after
            elif self._back.search(before) or (self._at.search(before) and self._back_behind.match(behind)):
                yield True, first
            elif self._is_here(before):
                continue
            elif self._through.search(before):
                yield False, day_after
            elif self._until.search(before):
                yield False, day_after if self._even.match(behind) else first

    def _is_here(self, before: str) -> bool:
        """'Available until Friday' is no absence."""
        return bool(self._here.search(before)) and not self._no.search(before)


def _has_begun(begins: set[date] | frozenset[date], written: date) -> bool:
    """An office that closes at Christmas says so in November, and is there."""
    return bool(begins) and min(begins) <= written + _DAY


def _day_first(country: str | None) -> bool | None:
    if country is None or country in EITHER_FIRST:
        return None
    return country not in MONTH_FIRST


_MEANINGS = tuple(_Meaning(words) for words in LANGUAGES)
