"""Which times a lead may choose for a meeting: lawful and polite where the lead is, and free where our rep is.

Everything here is spans of instants; local clocks enter once, where starts are laid on full steps of the lead's clock.
A skipped hour of a change of clocks has no instants, so it is never offered; a repeated one is offered twice.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from speedlead.domain.calendar import next_permitted, offset_at, open_until, to_instant, to_second
from speedlead.domain.hours import DAY_S, ZonePolicy
from speedlead.domain.plan import Name, PlanData, Seconds

Span = tuple[datetime, datetime]

_LONGEST = timedelta(days=90)


class BookingRules(PlanData):
    """What `speedlead/booking/default.yaml` has; docs/booking.md says it in words. Spans are in seconds.

    `before`, `after`: kept free around a meeting. `step`: starts lie on it, on the lead's clock.
    """

    length: Seconds = 1800
    before: Seconds = 0
    after: Seconds = 600
    notice: Seconds = 7200
    horizon: Seconds = 14 * DAY_S
    step: Seconds = 1800
    with_: Literal["owner", "team"] = Field("owner", alias="with")
    teams: dict[Name, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(default_factory=dict)
    reminders: tuple[Seconds, ...] = (DAY_S, 3600)
    ask_after: Seconds = 900
    no_show_after: Seconds = 14_400
    again_after: Seconds = 3600
    again_after_cancel: Seconds = DAY_S

    @field_validator("length")
    @classmethod
    def _some_time(cls, value: int) -> int:
        if not 300 <= value <= 8 * 3600:
            raise ValueError("expected a length from 5m to 8h")
        return value

    @field_validator("step")
    @classmethod
    def _of_a_day(cls, value: int) -> int:
        if value < 300 or DAY_S % value:
            raise ValueError("expected a step of 5m or more that a day is made of, such as 15m, 30m or 1h")
        return value

    @field_validator("before", "after")
    @classmethod
    def _short(cls, value: int) -> int:
        if value > 8 * 3600:
            raise ValueError("expected 8h at most")
        return value

    @field_validator("horizon")
    @classmethod
    def _near(cls, value: int) -> int:
        if not DAY_S <= value <= _LONGEST.total_seconds():
            raise ValueError(f"expected a horizon from 1d to {_LONGEST.days}d")
        return value

    @field_validator("reminders")
    @classmethod
    def _each_once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) != len(value) or any(one < 300 for one in value):
            raise ValueError("expected each reminder once, 5m before the meeting at least")
        return tuple(sorted(value, reverse=True))

    @field_validator("teams")
    @classmethod
    def _small(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {name: tuple(email.strip().lower() for email in emails) for name, emails in value.items()}

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.notice >= self.horizon:
            raise ValueError("notice: expected less than horizon; else no time could ever be chosen")
        if self.ask_after >= self.no_show_after:
            raise ValueError("ask_after: expected less than no_show_after; else nobody would be asked first")
        return self

    def ends(self, start: datetime) -> datetime:
        return start + timedelta(seconds=self.length)

    def held(self, start: datetime) -> Span:
        """The meeting with what is kept free around it."""
        return start - timedelta(seconds=self.before), self.ends(start) + timedelta(seconds=self.after)

    def window(self, now: datetime) -> Span:
        """The earliest and the latest start that may be chosen now."""
        return now + timedelta(seconds=self.notice), now + timedelta(seconds=self.horizon)


def open_spans(rules: Sequence[ZonePolicy], start: datetime, end: datetime) -> Iterator[Span]:
    """When all rules permit, between the two."""
    at = next_permitted(start, rules, latest=end)
    while at is not None and at < end:
        until = min(open_until(at, rules) or end, end)
        yield at, until
        at = next_permitted(until, rules, latest=end) if until < end else None


def joined(spans: Iterable[Span]) -> list[Span]:
    """In order and apart from each other."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        elif start < end:
            found.append((start, end))
    return found


def common(one: Sequence[Span], other: Sequence[Span]) -> Iterator[Span]:
    """Where both are; each in order and apart."""
    at = beside = 0
    while at < len(one) and beside < len(other):
        start, end = max(one[at][0], other[beside][0]), min(one[at][1], other[beside][1])
        if start < end:
            yield start, end
        if one[at][1] < other[beside][1]:
            at += 1
        else:
            beside += 1


def starts(
    spans: Sequence[Span], busy: Sequence[Span], rules: BookingRules, zone: str, now: datetime
) -> list[datetime]:
    """The starts that may be chosen, in order. `spans`: open for both sides; `busy`: the rep's, in any order.

    The meeting lies in one of the spans as a whole; the time kept free around it touches nothing busy.
    """
    taken = joined(busy)
    begins = [start for start, _ in taken]
    first, last = rules.window(now)
    found = []
    for start, end in spans:
        at = aligned(max(start, first), rules.step, zone)
        while at <= last and rules.ends(at) <= end:
            frees, until = rules.held(at)
            before = bisect_right(begins, frees) - 1
            clear = before < 0 or taken[before][1] <= frees
            following = before + 1
            if clear and (following >= len(taken) or taken[following][0] >= until):
                found.append(at)
            at = aligned(at + timedelta(seconds=1), rules.step, zone)
    return found


def aligned(at: datetime, step: int, zone: str) -> datetime:
    """The first instant from `at` on whose local clock shows a whole number of steps since midnight."""
    second = to_second(at)
    if to_instant(second) < at:
        second += 1
    while rest := (second + offset_at(zone, second)) % step:
        # never beyond a change of the clock without looking at it again
        second += min(step - rest, 900 - second % 900)
    return to_instant(second)
