"""Row experiments: how often an experiment without an effect is called one, when somebody looks all the time.

Persons come in one by one, each buys with a known probability, and the product's own interval is asked again and again
until the planned number is there. Beside it stands what the ordinary interval does when it is looked at as often.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from bench.result import Line, Report, Result
from speedlead.experiments.statistics import LOOKS, SPLIT_ALARM, Count, difference, planned_persons, split_doubt

FALSE_ALARMS, POWER = 0.05, 0.8


@dataclass(frozen=True)
class Setting:
    usual: float
    effect: float
    shares: tuple[float, ...] = (0.5, 0.5)

    @property
    def persons(self) -> int:
        return planned_persons(
            usual=self.usual, effect=self.effect, shares=self.shares, false_alarms=FALSE_ALARMS, power=POWER
        )


@dataclass
class Seen:
    """Of experiments: at some look, an arm was called different, better; missed the truth; the ordinary interval."""

    runs: int = 0
    alarms: int = 0
    found: int = 0
    missed: int = 0
    naive: int = 0
    split: int = 0


SETTINGS = (Setting(0.06, 0.04), Setting(0.02, 0.03), Setting(0.2, 0.08), Setting(0.1, 0.08, (0.8, 0.2)),
            Setting(0.1, 0.06, (0.4, 0.3, 0.3)))  # fmt: skip


def simulate(setting: Setting, *, truth: float, runs: int, seed: int) -> Seen:
    """`truth`: by how much the other arms really are better."""
    lots, seen, persons = random.Random(seed), Seen(), setting.persons
    every = max(persons // LOOKS, 1)
    arms = range(len(setting.shares))
    rates = [setting.usual + (truth if arm else 0) for arm in arms]
    sizes = [persons * share for share in setting.shares]
    for _ in range(runs):
        had, hits = [0 for _ in arms], [0 for _ in arms]
        called: set[str] = set()
        for number, arm in enumerate(lots.choices(arms, setting.shares, k=persons), 1):
            had[arm] += 1
            hits[arm] += lots.random() < rates[arm]
            if number % every == 0 or number == persons:
                called |= _look(had, hits, sizes, truth)
        if split_doubt(had, setting.shares) >= SPLIT_ALARM:
            called.add("split")
        seen.runs += 1
        for name in called:
            setattr(seen, name, getattr(seen, name) + 1)
    return seen


def _look(had: Sequence[int], hits: Sequence[int], sizes: Sequence[float], truth: float) -> set[str]:
    called: set[str] = set()
    control = Count(had[0], hits[0])
    for arm in range(1, len(had)):
        found = difference(
            control, Count(had[arm], hits[arm]), planned=(sizes[0], sizes[arm]),
            false_alarms=FALSE_ALARMS / (len(had) - 1),
        )  # fmt: skip
        if found is None:
            continue
        called |= {"alarms"} if found.low > 0 or found.high < 0 else set()
        called |= {"found"} if found.low > 0 else set()
        called |= {"missed"} if not found.low <= truth <= found.high else set()
        p, q = hits[0] / had[0], hits[arm] / had[arm]
        error = sqrt(p * (1 - p) / had[0] + q * (1 - q) / had[arm])
        called |= {"naive"} if min(hits[0], hits[arm]) > 4 and abs(q - p) > 1.96 * error else set()
    return called


async def measure(report: Report, *, quick: bool) -> Result:
    result, runs = Result(), 200 if quick else 4000
    details = []
    worst: dict[str, float] = {"alarms": 0.0, "missed": 0.0, "naive": 0.0, "split": 0.0}
    weakest = 1.0
    for number, setting in enumerate(SETTINGS):
        report(f"experiments at {setting.usual:.0%}, {len(setting.shares)} arms", number / len(SETTINGS))
        nothing = simulate(setting, truth=0.0, runs=runs, seed=number)
        something = simulate(setting, truth=setting.effect, runs=runs, seed=1000 + number)
        for name in worst:
            worst[name] = max(worst[name], getattr(nothing, name) / runs)
        worst["missed"] = max(worst["missed"], something.missed / runs)
        weakest = min(weakest, something.found / runs)
        details.append(
            vars(setting) | {"persons": setting.persons, "nothing": vars(nothing), "something": vars(something)}
        )
    # three standard errors of as many runs: what the counting itself leaves open
    slack = 3 * sqrt(FALSE_ALARMS * (1 - FALSE_ALARMS) / runs)
    short = 3 * sqrt(POWER * (1 - POWER) / runs)
    result.lines = [
        Line("experiments", "called different, where nothing is", "%", worst["alarms"] * 100, None,
             f"≤ {FALSE_ALARMS:.0%} (+ {slack:.1%})", worst["alarms"] <= FALSE_ALARMS + slack),
        Line("experiments", "true difference outside the interval at some look", "%", worst["missed"] * 100, None,
             f"≤ {FALSE_ALARMS:.0%} (+ {slack:.1%})", worst["missed"] <= FALSE_ALARMS + slack),
        Line("experiments", "planned difference found", "%", weakest * 100, None,
             f"≥ {POWER:.0%} (- {short:.1%})", weakest >= POWER - short),
        Line("experiments", "right split called wrong", "%", worst["split"] * 100, None, "≤ 0.1%",
             worst["split"] <= 0.001 + 3 * sqrt(0.001 / runs)),
    ]  # fmt: skip
    result.notes.append(
        f"Experiments: the worst of {len(SETTINGS)} settings, {runs} each, {LOOKS} looks. The ordinary "
        f"95 % interval, looked at as often, calls {worst['naive']:.0%} of them different where nothing is."
    )
    result.details = {"settings": details}
    return result
