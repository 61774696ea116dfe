"""What a house wants to reach in 30 to 90 days, and what is said of it after four and eight weeks (REQ 140, 156).

Pure. A goal is measured over four weeks at a time, and against the four weeks before it began; all of them are looked
at as they stood when they ended, so that leads of the newest had no less time than those of the oldest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from speedlead.domain.plan import parse_duration

WINDOW = timedelta(days=28)
HORIZONS = (30, 60, 90)
# so many leads on both sides before anything is said
ENOUGH = 20
Kind = Literal["share", "seconds"]
Code = Literal["too_few", "reached", "on_the_way", "too_slow", "no_change", "worse", "missed"]


@dataclass(frozen=True, slots=True)
class Aim:
    """What can be a goal. A share is to rise, a time (its median) to fall."""

    name: str
    title: str
    kind: Kind
    counted: str
    source: str


AIMS: Mapping[str, Aim] = {aim.name: aim for aim in (
    Aim("in_time", "Answered within target", "share",
        "leads of the four weeks whose first attempt was made, or due, by their end: share in time", "REQ 120"),
    Aim("first_answer", "First answer", "seconds",
        "leads of the four weeks: time to the first attempt while somebody is there, the median", "REQ 114"),
    Aim("handling", "Handling time", "seconds",
        "leads handed over in the four weeks: time from entry to hand-over, the median", "REQ 113, 156"),
    Aim("cycle", "Cycle time", "seconds",
        "leads decided in the four weeks: time from entry to the decision, the median", "REQ 116, 156"),
    Aim("conversion", "Became customers", "share",
        "leads of the four weeks that were customers by their end", "REQ 128"),
)}  # fmt: skip


class GoalProblem(ValueError):
    """`field`: what is wrong; the text says what was expected."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field = field


@dataclass(frozen=True, slots=True)
class Goal:
    """`target`: a share of 0 to 1, or seconds. `horizon`: days from `starts_on`, the first of them included."""

    aim: Aim
    target: float
    starts_on: date
    horizon: int

    @property
    def ends_on(self) -> date:
        return self.starts_on + timedelta(days=self.horizon)

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """Days after the start at which a verdict is stated: weeks 4 and 8, and when its days are over."""
        return tuple(sorted({28, 56, self.horizon}))

    def window(self, day: int) -> tuple[date, date]:
        """The four weeks that end `day` days after the start: day 0 is the baseline."""
        end = self.starts_on + timedelta(days=day)
        return end - WINDOW, end


@dataclass(frozen=True, slots=True)
class Measured:
    """Of `count` leads. `value`: the share, or the median in seconds; None of nothing."""

    value: float | None
    count: int


@dataclass(frozen=True, slots=True)
class Verdict:
    code: Code
    text: str


def verdict(goal: Goal, day: int, base: Measured, now: Measured, *, differs: bool) -> Verdict:
    """What is to be said `day` days after the start. `differs`: by more than chance explains."""
    if base.value is None or now.value is None or min(base.count, now.count) < ENOUGH:
        fewest = min(base.count, now.count)
        return Verdict("too_few", f"Too few leads to say anything: {fewest}, and {ENOUGH} are needed on both sides.")
    rises = goal.aim.kind == "share"
    gained = now.value - base.value if rises else base.value - now.value
    wanted = goal.target - base.value if rises else base.value - goal.target
    chance = "" if differs else " Chance alone may explain the difference from before."
    if (now.value >= goal.target) if rises else (now.value <= goal.target):
        return Verdict("reached", "The goal is reached." + chance)
    if day >= goal.horizon:
        return Verdict("missed", f"The {goal.horizon} days are over and the goal is not reached." + chance)
    if not differs:
        return Verdict("no_change", "No change that chance would not explain: what was done so far is not seen yet.")
    if gained < 0:
        return Verdict("worse", "It has got worse than before, by more than chance explains: look for the cause.")
    done, due = gained / wanted, day / goal.horizon
    way = f"{_whole(done)} of the way is done, {_whole(due)} of the time is over."
    return Verdict("on_the_way", f"On the way: {way}") if done >= due else Verdict("too_slow", f"Too slow: {way}")


def parse_target(aim: Aim, text: str) -> float:
    """`95%` or `95` of a share; `45s`, `30m`, `4h` or `3d` of a time. Raises GoalProblem."""
    text = text.strip().replace("\N{NO-BREAK SPACE}", " ")
    if aim.kind == "share":
        found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,2})?) ?%?", text)
        if found is None or not 0 < float(found[1]) <= 100:
            raise GoalProblem("target", f"expected a share such as 95%, above 0 and at most 100, got {text[:40]!r}")
        return float(found[1]) / 100
    try:
        seconds = parse_duration(text.replace(" ", ""))
    except ValueError:
        seconds = 0
    if not 0 < seconds <= 366 * 86_400:
        raise GoalProblem("target", f"expected a time such as 45s, 30m, 4h or 3d, a year at most, got {text[:40]!r}")
    return float(seconds)


def parse_goal(aim: str, target: str, starts_on: str, horizon: str, today: date) -> Goal:
    """From what somebody typed. Raises GoalProblem."""
    found = AIMS.get(aim)
    if found is None:
        raise GoalProblem("aim", f"expected one of {', '.join(AIMS)}, got {aim[:40]!r}")
    try:
        start = date.fromisoformat(starts_on.strip()) if starts_on.strip() else today
    except ValueError:
        raise GoalProblem("start", f"expected a day such as {today}, got {starts_on[:40]!r}") from None
    if not today - timedelta(days=90) <= start <= today + timedelta(days=90):
        raise GoalProblem("start", f"expected a day within 90 days of {today}, got {start}")
    if horizon.strip() not in {str(days) for days in HORIZONS}:
        raise GoalProblem("horizon", f"expected {', '.join(map(str, HORIZONS))} days, got {horizon[:40]!r}")
    return Goal(found, parse_target(found, target), start, int(horizon))


def _whole(part: float) -> str:
    return f"{100 * part:.0f}\N{NO-BREAK SPACE}%"
