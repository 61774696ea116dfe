"""The arithmetic of an experiment: its size, an interval that holds at every look, and whether the split is as stated.

All of it is for the difference of two shares, read again and again until a planned number of persons is there.

The interval is the repeated confidence interval of Jennison and Turnbull (J. R. Stat. Soc. B 51, 1989) under the
boundary of O'Brien and Fleming (Biometrics 35, 1979) for a look after every person: as a fraction t of the planned
information has come in, the standardised difference is a Brownian motion at time t, which ever leaves [-c, c] with a
probability below 4 (1 - Phi(c)) (the spending function of Lan and DeMets, Biometrika 70, 1983). So the interval at t is
c / sqrt(t) standard errors wide to each side, and all of them together hold the truth with the stated confidence,
whoever looks, whenever.

The split is tested by the e-value of Lindon and Malek (NeurIPS 2022): a Dirichlet-multinomial against the stated
shares.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, inf, lgamma, log, sqrt
from statistics import NormalDist

# the Dirichlet's weight: a split that is wrong by a few points is found within the first thousands
_FOCUS = 100.0
# a wrong split is found by mistake in one of so many experiments at most, however often it is looked at
SPLIT_ALARM = 1000.0
MOST_PERSONS = 100_000_000
# a look a day, over three months: the stated power is that of somebody who looks so often
LOOKS = 100
# standard deviations that nothing strays by; what is further away would not fit into a float
_CERTAIN = 8.0


@dataclass(frozen=True, slots=True)
class Count:
    """Persons of an arm, and those of them to whom it happened."""

    persons: int
    hits: int

    @property
    def rate(self) -> float | None:
        return self.hits / self.persons if self.persons else None


@dataclass(frozen=True, slots=True)
class Difference:
    """Arm minus control, in shares. `information`: what part of the planned has come in, 0 to 1."""

    low: float
    high: float
    information: float


def bound(false_alarms: float) -> float:
    """c: how far the motion may go by chance, over all looks, with both sides together at `false_alarms`."""
    return NormalDist().inv_cdf(1 - false_alarms / 4)


def _below(x: float) -> float:
    """The normal distribution's share below x, exact far out too, where 1 + erf(x) is not."""
    return erfc(-x / sqrt(2)) / 2


def power_of(drift: float, false_alarms: float, looks: float = inf) -> float:
    """How probably a motion with this drift is above c at one of so many looks, evenly spread.

    First passage of a Brownian motion, at a bound that is further away where the looks are few (Siegmund, Adv. Appl.
    Probab. 11, 1979).
    """
    c = bound(false_alarms) + 0.5826 / sqrt(looks)
    if drift > c + _CERTAIN:
        return 1.0
    return _below(drift - c) + exp(2 * c * drift) * _below(-c - drift)


def planned_persons(*, usual: float, effect: float, shares: Sequence[float], false_alarms: float, power: float) -> int:
    """Persons in all arms together; `shares` are of them, the control's first. Each other arm is compared with it.

    Raises ValueError when no number of persons would do that anybody could have.
    """
    each = false_alarms / (len(shares) - 1)

    def enough(persons: int) -> bool:
        control = _smoothed(persons * shares[0], usual)
        for share in shares[1:]:
            arm = _smoothed(persons * share, usual + effect)
            if power_of((arm[0] - control[0]) / sqrt(control[1] + arm[1]), each, LOOKS) < power:
                return False
        return True

    if not enough(MOST_PERSONS):
        raise ValueError(f"effect: {effect:.4%} is so small that more than {MOST_PERSONS:,} persons would be needed")
    return bisect_left(range(MOST_PERSONS), True, key=enough)


def difference(control: Count, arm: Count, *, planned: tuple[float, float], false_alarms: float) -> Difference | None:
    """None while one of them has nobody. `planned`: persons of the control and of the arm at the end."""
    if not control.persons or not arm.persons:
        return None
    had = control.persons * arm.persons / (control.persons + arm.persons)
    information = min(1.0, had / (planned[0] * planned[1] / (planned[0] + planned[1])))
    (p, doubt), (q, other) = (_smoothed(count.persons, count.hits / count.persons) for count in (control, arm))
    width = bound(false_alarms) * sqrt(doubt + other) / sqrt(information)
    return Difference(max(-1.0, q - p - width), min(1.0, q - p + width), information)


def _smoothed(persons: float, rate: float) -> tuple[float, float]:
    """A share and its variance, with one hit and one miss more (Agresti and Caffo, Am. Stat. 54, 2000).

    An arm without any hit would have an error of zero.
    """
    share = (persons * rate + 1) / (persons + 2)
    return share, share * (1 - share) / (persons + 2)


def split_doubt(persons: Sequence[int], shares: Sequence[float]) -> float:
    """How many times better other shares explain the split than the stated ones; from SPLIT_ALARM on it is wrong."""
    total = sum(persons)
    prior = [_FOCUS * share for share in shares]
    evidence = lgamma(_FOCUS) - lgamma(_FOCUS + total)
    for had, share, before in zip(persons, shares, prior, strict=True):
        evidence += lgamma(before + had) - lgamma(before) - had * log(share)
    return exp(min(evidence, 700.0))
