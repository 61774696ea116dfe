"""How sure a figure is: what chance alone leaves open. Pure."""

from dataclasses import dataclass
from math import sqrt

# 95 % for an interval; 99 % before anything is flagged (house rule)
_WIDE, SURE = 1.96, 2.58
# so many leads on both sides before two shares are compared, so many values before two means are
ENOUGH_LEADS, ENOUGH_VALUES = 50, 30


@dataclass(frozen=True, slots=True)
class Sample:
    """`mean` and `sd` (n - 1) of so many values; None where there are too few for one."""

    count: int
    mean: float | None
    sd: float | None

    @classmethod
    def of_sums(cls, count: int, total: float, squares: float) -> "Sample":
        """Of the sum of the values, and of their squares."""
        mean = total / count if count else None
        sd = sqrt(max(0.0, squares - total**2 / count) / (count - 1)) if count > 1 else None
        return cls(count, mean, sd)


def interval(part: int, whole: int) -> tuple[float, float]:
    """Of the share behind `part` of `whole`, 95 % two-sided (Wilson 1927); of nothing anything may be true."""
    if whole == 0:
        return 0.0, 1.0
    share, square = part / whole, _WIDE * _WIDE / whole
    middle = share + square / 2
    reach = _WIDE * sqrt(share * (1 - share) / whole + square / (4 * whole))
    return max(0.0, (middle - reach) / (1 + square)), min(1.0, (middle + reach) / (1 + square))


def moved(now: Sample, before: Sample) -> int:
    """1 or -1 where the mean has risen or fallen by more than chance explains (99 %, Welch 1947), else 0."""
    if min(now.count, before.count) < ENOUGH_VALUES or None in (now.mean, now.sd, before.mean, before.sd):
        return 0
    assert now.mean is not None and now.sd is not None and before.mean is not None and before.sd is not None  # noqa: PT018
    error = sqrt(now.sd**2 / now.count + before.sd**2 / before.count)
    apart = now.mean - before.mean
    return 0 if abs(apart) <= SURE * error else 1 if apart > 0 else -1
