"""Counts and times by group that can be added and taken off again, so that a long period need not be counted anew.

Medians and percentiles stay exact: of each time that was counted the values around them are kept, and how many come
before. What was added or taken off since moves the place that is asked for; as long as it stays among the kept values,
the value there is the one that counting everything would find.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

PARTS = (0.5, 0.9, 0.95)
Keys = tuple[str, ...]


class Moved(Exception):
    """A percentile has left the values that were kept: everything has to be counted anew."""


@dataclass(frozen=True, slots=True)
class Window:
    """Sorted `values` out of more: `first` stand before them, `below` are smaller than they, `upto` not larger."""

    first: int = 0
    below: int = 0
    upto: int = 0
    values: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Times:
    """`total`: their sum. One window for each of PARTS, or one with all values."""

    count: int = 0
    total: float = 0.0
    windows: tuple[Window, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    sums: tuple[float, ...]
    times: tuple[Times, ...]


Tally = dict[Keys, Group]
Sums = Mapping[Keys, Sequence[float]]
NONE = Times()


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds; None where no lead has the time."""

    count: int
    total: float
    mean: float | None
    median: float | None
    p90: float | None
    p95: float | None


def window(kept: Sequence[float]) -> Window:
    """As the database's `figure_window` gives one."""
    return Window(int(kept[0]), int(kept[1]), int(kept[2]), array("d", kept[3:]))


def tally_of(rows: Iterable[Sequence[Any]], parts: int) -> Tally:
    """Of the rows of `queries.tally`: keys, sums, counts, totals, and of each time so many windows."""
    return {
        tuple(keys): Group(tuple(sums), tuple(
            Times(int(count), total, tuple(map(window, windows[n * parts : (n + 1) * parts])) if count else ())
            for n, (count, total) in enumerate(zip(counts, totals, strict=True))
        ))
        for keys, sums, counts, totals, *windows in rows
    }  # fmt: skip


def added(sums: Sums, more: Sums, sign: int = 1) -> Sums:
    """Group by group; one that either has not counts nothing."""
    found: dict[Keys, Sequence[float]] = dict(sums)
    for keys, values in more.items():
        was = found.get(keys)
        found[keys] = [sign * value for value in values] if was is None else [
            one + sign * value for one, value in zip(was, values, strict=True)
        ]  # fmt: skip
    return found


def timed(counted: Times, off: Times = NONE, on: Times = NONE) -> Timed:
    """`off` were counted and are gone, `on` came; both with all their values. Raises Moved."""
    count = counted.count - off.count + on.count
    if count == 0:
        return Timed(0, 0.0, None, None, None, None)
    gone, new = _all(off), _all(on)
    median, p90, p95 = (_percentile(counted, gone, new, count, part) for part in PARTS)
    total = counted.total - off.total + on.total
    return Timed(count, total, total / count, median, p90, p95)


def _all(times: Times) -> Sequence[float]:
    return times.windows[0].values if times.windows else ()


def _percentile(counted: Times, gone: Sequence[float], new: Sequence[float], count: int, part: float) -> float:
    """Between the two nearest, as `percentile_cont` does it."""
    place = part * (count - 1)
    low = _value(counted, gone, new, floor(place))
    if ceil(place) == floor(place):
        return low
    return low + (place - floor(place)) * (_value(counted, gone, new, ceil(place)) - low)


def _value(counted: Times, gone: Sequence[float], new: Sequence[float], place: int) -> float:
    """What stands there, from 0, when everything is sorted. Raises Moved."""
    for one in counted.windows or (Window(),):
        found = _within(one, counted.count, gone, new, place)
        if found is not None:
            return found
    raise Moved


def _within(one: Window, whole: int, gone: Sequence[float], new: Sequence[float], place: int) -> float | None:
    """None: it is not in this window."""
    kept, from_all, to_all = one.values, one.first == 0, one.upto == whole

    def upto(value: float) -> int:
        """How many are not larger; right within the window, which has no end where nothing lies beyond."""
        if not kept or value < kept[0]:
            counted = 0
        else:
            counted = one.upto if value >= kept[-1] else one.first + bisect_right(kept, value)
        return counted - bisect_right(gone, value) + bisect_right(new, value)

    start = 0 if from_all else bisect_left(new, kept[0])
    end = len(new) if to_all else bisect_right(new, kept[-1])
    if not from_all and place < one.below - bisect_left(gone, kept[0]) + start:
        return None
    if not to_all and place >= upto(kept[-1]):
        return None
    at = bisect_right(kept, place, key=upto)
    among_new = bisect_right(new, place, start, end, key=upto)
    found = [kept[at]] if at < len(kept) else []
    if among_new < end:
        found.append(new[among_new])
    return min(found)
