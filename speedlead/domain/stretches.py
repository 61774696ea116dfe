"""A zone as stretches of constant UTC offset, so that a question costs a bisection and integer comparisons."""

from collections.abc import Callable
from datetime import date

from speedlead.domain.hours import DAY_S, day_number


class ZoneTable:
    """UTC offsets of one zone: `offsets[i]` holds from `starts[i]` to `starts[i + 1]`, in seconds since 1970.

    Covers whole years (`years`, both inclusive) up to `end`. `offset_of(second)` gives seconds east of UTC.
    """

    __slots__ = ("end", "offsets", "starts", "years")

    def __init__(self, offset_of: Callable[[int], int], first_year: int, last_year: int) -> None:
        self.years = (first_year, last_year)
        at = _year_start(first_year)
        self.end = _year_start(last_year + 1)
        self.starts = [at]
        self.offsets = [offset_of(at)]
        # A probe a day finds every change: no two of one zone are closer than six days (a test reads all zone files).
        while at < self.end:
            probe = min(at + DAY_S, self.end)
            if (offset := offset_of(probe)) != self.offsets[-1]:
                changed = _first_change(offset_of, at, probe)
                if changed < self.end:
                    self.starts.append(changed)
                    self.offsets.append(offset)
            at = probe


def _first_change(offset_of: Callable[[int], int], low: int, high: int) -> int:
    """The first second after `low`, at most `high`, with another offset than `low`; the offset changes once between."""
    before = offset_of(low)
    while high - low > 1:
        middle = (low + high) // 2
        if offset_of(middle) == before:
            low = middle
        else:
            high = middle
    return high


def _year_start(year: int) -> int:
    return day_number(date(year, 1, 1)) * DAY_S
