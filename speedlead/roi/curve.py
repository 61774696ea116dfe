"""The response curve: how likely a lead is to be qualified, by the time until somebody answers (REQ 3).

A step function, because its source gives steps. Where the source says nothing there is a gap: the value lies somewhere
between the steps on both sides, and nothing here pretends to know where.
"""

from dataclasses import dataclass
from decimal import Decimal

SOURCE = "An article, after a lead response study (MIT, InsideSales); values relative to an answer in 10 to 30 minutes"


@dataclass(frozen=True, slots=True)
class Step:
    """Minutes (after, until]; `until` None: for ever. `low` and `high` differ in a gap alone."""

    after: int
    until: int | None
    low: Decimal
    high: Decimal

    @property
    def gap(self) -> bool:
        return self.low != self.high

    @property
    def name(self) -> str:
        if self.until is None:
            return f"over {_minutes(self.after)}"
        return (
            f"up to {_minutes(self.until)}" if not self.after else f"{_minutes(self.after)} to {_minutes(self.until)}"
        )


def _minutes(many: int) -> str:
    return f"{many} min" if many < 60 else f"{many // 60} h"


def _step(after: int, until: int | None, low: str, high: str | None = None) -> Step:
    return Step(after, until, Decimal(low), Decimal(high or low))


CURVE = (
    _step(0, 5, "21"),
    _step(5, 10, "2.1"),
    _step(10, 30, "1"),
    _step(30, 60, "0.7", "1"),
    _step(60, 120, "0.7"),
    _step(120, 1440, "0.35", "0.7"),
    _step(1440, None, "0.35"),
)


def step_at(minutes: Decimal) -> Step:
    """The step of an answer after so many minutes; the end of a step belongs to it."""
    return next(step for step in CURVE if step.until is None or minutes <= step.until)


def gain(now: Decimal, then: Decimal) -> tuple[Decimal, Decimal]:
    """How many times as likely a lead is to be qualified when it is answered after `then` instead of `now` minutes.

    The lowest and the highest that the curve allows; they differ where a gap is touched.
    """
    before, after = step_at(now), step_at(then)
    if before == after:
        return Decimal(1), Decimal(1)
    return after.low / before.high, after.high / before.low
