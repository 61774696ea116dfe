"""An experiment's arithmetic: against textbooks, against itself by simulation, and where there is nothing to say."""

from math import exp, sqrt

import pytest

from bench.experiments import FALSE_ALARMS, POWER, Setting, simulate
from speedlead.experiments.statistics import (
    SPLIT_ALARM,
    Count,
    bound,
    difference,
    planned_persons,
    power_of,
    split_doubt,
)


def test_the_bound_is_that_of_a_brownian_motion_looked_at_all_the_time() -> None:
    """2.2414 at 5 %: O'Brien and Fleming's with infinitely many looks (Jennison and Turnbull 2000, section 2.5)."""
    assert bound(0.05) == pytest.approx(2.2414, abs=1e-4)
    assert bound(0.01) == pytest.approx(2.8070, abs=1e-4)


def test_a_motion_without_drift_crosses_as_often_as_is_stated() -> None:
    assert 2 * power_of(0.0, 0.05) == pytest.approx(0.05)
    assert power_of(3.0, 0.05, looks=10) < power_of(3.0, 0.05)
    assert power_of(3.0, 0.05) < power_of(3.5, 0.05) < power_of(3.0, 0.2)


def test_no_false_alarm_beyond_the_stated_rate_and_the_stated_power_with_looks_all_the_time() -> None:
    setting, runs = Setting(0.2, 0.15), 600
    nothing = simulate(setting, truth=0.0, runs=runs, seed=11)
    something = simulate(setting, truth=setting.effect, runs=runs, seed=12)
    slack = 3 * sqrt(FALSE_ALARMS * (1 - FALSE_ALARMS) / runs)
    assert 0 < nothing.alarms / runs <= FALSE_ALARMS + slack
    assert something.missed / runs <= FALSE_ALARMS + slack
    assert abs(something.found / runs - POWER) <= 3 * sqrt(POWER * (1 - POWER) / runs)
    assert nothing.naive / runs > 0.15, "the looks are too few to tell the two intervals apart"
    assert nothing.split == 0


@pytest.mark.parametrize(
    ("shares", "more"), [((0.5, 0.5), 1.0), ((0.8, 0.2), 1.3), ((1 / 3, 1 / 3, 1 / 3), 1.5)]
)  # fmt: skip
def test_uneven_shares_and_further_arms_take_more_persons(shares: tuple[float, ...], more: float) -> None:
    asked = {"usual": 0.06, "effect": 0.02, "false_alarms": 0.05, "power": 0.8}
    even = planned_persons(shares=(0.5, 0.5), **asked)
    # 5,108: the same with one look at the end, by the formula of two independent shares
    assert 5108 < even < 5108 * 1.12
    assert planned_persons(shares=shares, **asked) >= even * more


def test_a_size_that_nobody_could_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"effect: 0\.0001% is so small"):
        planned_persons(usual=0.5, effect=1e-6, shares=(0.5, 0.5), false_alarms=0.05, power=0.8)


def test_the_interval_narrows_as_persons_come_in_and_stops_at_the_planned_number() -> None:
    planned = (500.0, 500.0)
    widths = []
    for persons in (0, 1, 50, 250, 500):
        found = difference(
            Count(persons, persons // 10), Count(persons, persons // 5), planned=planned, false_alarms=0.05
        )
        assert (found is None) is (persons == 0)
        widths += [found.high - found.low] if found else []
    assert widths == sorted(widths, reverse=True)
    assert widths[0] == 2.0  # of one person each: anything from -100 % to 100 %
    at_end = difference(Count(500, 50), Count(500, 100), planned=planned, false_alarms=0.05)
    assert at_end is not None
    assert at_end.information == 1.0
    assert at_end.high - at_end.low == pytest.approx(2 * 2.2414 * 0.0224, rel=0.02)


def test_arms_without_any_hit_still_have_an_error() -> None:
    found = difference(Count(100, 0), Count(100, 0), planned=(100, 100), false_alarms=0.05)
    assert found is not None
    assert found.low < 0 < found.high


def test_a_wrong_split_is_found_and_a_right_one_is_not() -> None:
    assert split_doubt([0, 0], [0.5, 0.5]) == pytest.approx(1.0)
    assert split_doubt([5020, 4980], [0.5, 0.5]) < 1
    assert split_doubt([5300, 4700], [0.5, 0.5]) > SPLIT_ALARM
    assert split_doubt([7950, 2050], [0.8, 0.2]) < SPLIT_ALARM
    assert split_doubt([10**7, 0], [0.5, 0.5]) == pytest.approx(exp(700))
