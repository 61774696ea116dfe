"""Hours as data: weeks of intervals, policies, and a policy in a zone. Whole minutes of the local day, half-open."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

Weekly = Mapping[int, tuple[tuple[int, int], ...]]
"""Weekday 0 (Monday) to 6 -> half-open intervals in minutes of the local day."""

Interval = tuple[int, int]

EVERY_DAY: Weekly = dict.fromkeys(range(7), ((0, 1440),))
NEVER: Weekly = {}

DAY_S = 86_400
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_BEGINNING = -(10**9)  # days; before every date that `datetime` knows
_END = 10**9
_WHOLE_DAY: tuple[Interval, ...] = ((0, DAY_S),)


@dataclass(frozen=True, slots=True)
class Policy:
    """One set of hours. `business` None means no business-hours condition (then business days have no effect).

    Business days: `holidays`; `closures`, our own closed days; `half_days`, the hours that are left of a day's, on a
    holiday too (they open nothing that the week has closed). `quiet` and `quiet_dates` forbid contact whatever
    `business` says. Dates are local dates of the zone it is used in. Raises ValueError for a weekday outside 0..6 or an
    interval that is empty, reversed or outside 0..1440.
    """

    business: Weekly | None
    quiet: Weekly
    holidays: frozenset[date] = frozenset()
    quiet_dates: frozenset[date] = frozenset()
    closures: frozenset[date] = frozenset()
    half_days: Mapping[date, tuple[Interval, ...]] = field(default_factory=dict)
    # compiled once, so that a question costs integer comparisons only
    _open: tuple[tuple[Interval, ...], ...] = field(init=False, repr=False, compare=False)
    _closed_days: frozenset[int] = field(init=False, repr=False, compare=False)
    _half_days: Mapping[int, tuple[Interval, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        business = EVERY_DAY if self.business is None else self.business
        open_week = intersect_weeks(checked_week(business), complement_week(self.quiet))
        in_seconds = tuple(tuple((a * 60, b * 60) for a, b in open_week.get(weekday, ())) for weekday in range(7))
        halves = {} if self.business is None else self.half_days
        closed = self.quiet_dates
        if self.business is not None:
            closed = closed | self.closures | (self.holidays - halves.keys())
        left = {
            day: intersect_weeks(open_week, checked_week({day.weekday(): spans}))[day.weekday()]
            for day, spans in halves.items()
        }
        in_seconds_left = {day_number(d): tuple((a * 60, b * 60) for a, b in spans) for d, spans in left.items()}
        object.__setattr__(self, "_half_days", in_seconds_left)
        object.__setattr__(self, "_open", in_seconds)
        object.__setattr__(self, "_closed_days", frozenset(day_number(d) for d in closed))

    def refusals(self, day: date, minute: int) -> Iterator[str]:
        """Why this local minute is closed: quiet_hours, closure, holiday, half_day, weekend, outside_business_hours.

        Empty when it is open.
        """
        weekday = day.weekday()
        if day in self.quiet_dates:
            yield "holiday"
        elif any(a <= minute < b for a, b in self.quiet.get(weekday, ())):
            yield "quiet_hours"
        if self.business is None:
            return
        hours = self.business.get(weekday, ())
        half = self.half_days.get(day)
        if day in self.closures:
            yield "closure"
        elif day in self.holidays and half is None:
            yield "holiday"
        elif not hours:
            yield "weekend"
        elif not any(a <= minute < b for a, b in hours):
            yield "outside_business_hours"
        elif half is not None and not any(a <= minute < b for a, b in half):
            yield "half_day"


@dataclass(frozen=True, slots=True)
class ZonePolicy:
    """A policy in a zone. `rule` names it in reasons ('business_hours', 'us-fl').

    On local dates before `since` or from `until` on, the rule says nothing (a law that starts or ends).
    """

    zone: str
    policy: Policy
    rule: str
    since: date | None = None
    until: date | None = None
    _first_day: int = field(init=False, repr=False, compare=False)
    _end_day: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_first_day", _BEGINNING if self.since is None else day_number(self.since))
        object.__setattr__(self, "_end_day", _END if self.until is None else day_number(self.until))

    def open_on(self, day: int) -> tuple[Interval, ...]:
        """Open intervals in seconds of the local day with this number (days since 1970)."""
        if day < self._first_day or day >= self._end_day:
            return _WHOLE_DAY
        policy = self.policy
        if day in policy._closed_days:
            return ()
        if policy._half_days and (left := policy._half_days.get(day)) is not None:
            return left
        return policy._open[(day + 3) % 7]  # 1970-01-01 was a Thursday

    def refusals(self, day: int, minute: int) -> Iterator[str]:
        """Why the rule closes this local minute; empty when it is open, or on a date about which it says nothing."""
        if self._first_day <= day < self._end_day:
            yield from self.policy.refusals(date.fromordinal(day + EPOCH_ORDINAL), minute)


@dataclass(frozen=True, slots=True)
class Cap:
    """A limit on frequency; every part that is set must hold. `rule` names it in reasons.

    `max` with `window_s`: fewer than `max` touches in the window of so many elapsed seconds that ends at the instant.
    `max` with `per_local_day`: fewer than `max` on the local date, in every zone.
    `min_gap_s`: at least so many seconds after the last touch.
    """

    max: int | None
    window_s: int | None
    per_local_day: bool
    min_gap_s: int | None
    rule: str

    def __post_init__(self) -> None:
        counted = self.window_s is not None or self.per_local_day
        if (self.max is None) == counted or (self.max is None and self.min_gap_s is None):
            raise ValueError(f"cap {self.rule!r}: `max` goes with `window_s` or `per_local_day`; else give `min_gap_s`")


def checked_week(week: Weekly) -> Weekly:
    """The same week, sorted, with touching and overlapping intervals joined. Raises ValueError."""
    tidy: dict[int, tuple[Interval, ...]] = {}
    for weekday, intervals in week.items():
        if weekday not in range(7):
            raise ValueError(f"weekday {weekday!r} is not 0 (Monday) to 6 (Sunday)")
        joined: list[Interval] = []
        for start, end in sorted(intervals):
            if not 0 <= start < end <= 1440:
                raise ValueError(f"interval {start}..{end} on weekday {weekday} must satisfy 0 <= start < end <= 1440")
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
            else:
                joined.append((start, end))
        tidy[weekday] = tuple(joined)
    return tidy


def complement_week(week: Weekly) -> Weekly:
    """Everything that `week` leaves out."""
    tidy = checked_week(week)
    rest: dict[int, tuple[Interval, ...]] = {}
    for weekday in range(7):
        gaps: list[Interval] = []
        at = 0
        for start, end in tidy.get(weekday, ()):
            if start > at:
                gaps.append((at, start))
            at = end
        if at < 1440:
            gaps.append((at, 1440))
        rest[weekday] = tuple(gaps)
    return rest


def intersect_weeks(one: Weekly, other: Weekly) -> Weekly:
    """What is in both weeks. Both must be tidy (`checked_week`)."""
    return {
        weekday: tuple(
            (max(a, c), min(b, d))
            for a, b in one.get(weekday, ())
            for c, d in other.get(weekday, ())
            if max(a, c) < min(b, d)
        )
        for weekday in range(7)
    }


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - EPOCH_ORDINAL
