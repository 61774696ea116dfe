"""Where the standing goals are: baseline, the newest four weeks, and the verdicts of weeks 4 and 8 (REQ 140, 156)."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from speedlead.domain.goals import WINDOW, Goal, Measured, Verdict, verdict
from speedlead.domain.review_week import first_instant
from speedlead.store.goals import Standing, standing
from speedlead.store.two_spans import Span, two_spans


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict, and the value that it is about."""

    day: int
    measured: Measured
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Progress:
    """`now`: of the newest four weeks, None before any day of the goal is over. `day`: days since the start.

    `next_check`: the day of the next verdict; None when all are stated.
    """

    standing: Standing
    day: int
    baseline: Measured
    now: Measured | None
    checks: tuple[Check, ...]
    next_check: date | None

    @property
    def goal(self) -> Goal:
        return self.standing.goal


async def progress(conn: Any, today: date, zone: str) -> list[Progress]:
    """As of the beginning of `today`, on the clock of the house."""
    return [await _of(conn, one, today, zone) for one in await standing(conn)]


async def _of(conn: Any, one: Standing, today: date, zone: str) -> Progress:
    goal, day = one.goal, (today - one.goal.starts_on).days

    def span(start: date, end: date) -> Span:
        return first_instant(start, zone), first_instant(end, zone)

    base = span(*goal.window(0))
    checks = []
    for at in goal.checkpoints:
        if at <= day:
            old, new, apart = await two_spans(conn, goal.aim.name, base, span(*goal.window(at)))
            checks.append(Check(at, new, verdict(goal, at, old, new, differs=apart)))
    # of a young goal what it has had so far, of an older one the newest four weeks
    newest = span(max(goal.starts_on, today - WINDOW), today) if day > 0 else (base[1], base[1] + timedelta(seconds=1))
    baseline, now, _ = await two_spans(conn, goal.aim.name, base, newest)
    after = next((at for at in goal.checkpoints if at > day), None)
    return Progress(
        one, day, baseline, now if day > 0 else None, tuple(checks),
        None if after is None else goal.starts_on + timedelta(days=after),
    )  # fmt: skip
