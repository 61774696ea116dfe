"""Weeks of the house and goals: what is measured when, and what is said of it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from speedlead.domain.goals import AIMS, HORIZONS, Goal, GoalProblem, Measured, parse_goal, parse_target, verdict
from speedlead.domain.review_week import Week, newest_due, parse_moment, week_named, week_of

TODAY = date(2026, 11, 23)
NEW_YORK = "America/New_York"


def test_a_week_is_monday_to_sunday_on_the_clock_of_the_house() -> None:
    week = week_named("2026-W45")
    assert (week.monday, week.sunday, week.name) == (date(2026, 11, 2), date(2026, 11, 8), "2026-W45")
    start, end = week_named("2026-W44").bounds(NEW_YORK)
    # clocks go back on the Sunday of week 44
    assert (end - start, start) == (timedelta(hours=169), datetime(2026, 10, 26, 4, tzinfo=UTC))
    start, end = week_named("2026-W10").bounds(NEW_YORK)
    assert end - start == timedelta(hours=167)
    # the first days of a year may belong to the last week of the one before
    assert week_of(datetime(2027, 1, 2, 12, tzinfo=UTC), "UTC").name == "2026-W53"
    # Sunday evening in New York is Monday in London
    assert week_of(datetime(2026, 11, 23, 3, tzinfo=UTC), NEW_YORK) == Week(date(2026, 11, 16))
    # a day without a midnight begins when it does
    assert week_of(datetime(2024, 9, 8, 4, tzinfo=UTC), "America/Santiago").sunday == date(2024, 9, 8)


NO_WEEKS = ("", "2026-47", "2026-W00", "2026-W54", "2025-W53", "0000-W01", "2026-W4７", "W47", "9999-W52")


@pytest.mark.parametrize("text", NO_WEEKS)
def test_what_is_no_week_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="week: expected a week such as 2026-W47"):
        week_named(text)


def test_a_review_is_due_at_its_moment_and_not_before() -> None:
    moment = parse_moment("mon 07:00")
    before, then = datetime(2026, 11, 23, 11, 59, 59, tzinfo=UTC), datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert newest_due(before, moment, NEW_YORK).name == "2026-W46"
    assert newest_due(then, moment, NEW_YORK).name == "2026-W47"
    assert newest_due(datetime(2026, 11, 29, 23, tzinfo=UTC), moment, NEW_YORK).name == "2026-W47"
    # a moment in the hour that a clock change skips comes with the change
    assert newest_due(datetime(2026, 3, 8, 7, tzinfo=UTC), parse_moment("sun 02:30"), NEW_YORK).name == "2026-W09"


def goal(aim: str = "in_time", target: float = 0.9, horizon: int = 90) -> Goal:
    return Goal(AIMS[aim], target, TODAY, horizon)


def said(day: int, base: float, now: float, *, differs: bool = True, one: Goal | None = None, count: int = 100) -> str:
    return verdict(one or goal(), day, Measured(base, 100), Measured(now, count), differs=differs).code


def test_the_verdict_of_a_share_and_of_a_time() -> None:
    assert said(28, 0.5, 0.9) == "reached"
    # 28 of 90 days are over: 31 % of the way from 50 to 90 has to be done
    assert said(28, 0.5, 0.63) == "on_the_way"
    assert said(28, 0.5, 0.62) == "too_slow"
    assert said(28, 0.5, 0.63, differs=False) == "no_change"
    assert said(28, 0.5, 0.4) == "worse"
    assert said(90, 0.5, 0.89) == "missed"
    assert said(56, 0.5, 0.6, one=goal(horizon=30)) == "missed"
    assert said(28, 0.5, 0.9, count=19) == "too_few"
    time = goal("handling", 3600)
    assert (said(28, 7200, 3600, one=time), said(28, 7200, 6000, one=time), said(28, 7200, 7100, one=time)) == (
        "reached", "on_the_way", "too_slow")  # fmt: skip
    assert said(28, 7200, 9000, one=time) == "worse"
    # it was there before it began: reached, and chance is named
    text = verdict(goal(), 28, Measured(0.95, 100), Measured(0.94, 100), differs=False).text
    assert text == "The goal is reached. Chance alone may explain the difference from before."


def test_windows_are_four_weeks_and_the_baseline_ends_where_the_goal_begins() -> None:
    assert goal().window(0) == (TODAY - timedelta(days=28), TODAY)
    assert goal().window(56) == (TODAY + timedelta(days=28), TODAY + timedelta(days=56))
    # weeks 4 and 8, and the day on which its days are over
    assert [goal(horizon=days).checkpoints for days in HORIZONS] == [(28, 30, 56), (28, 56, 60), (28, 56, 90)]
    assert said(60, 0.5, 0.89, one=goal(horizon=60)) == "missed"


def test_what_somebody_types_is_a_goal_or_says_what_was_expected() -> None:
    found = parse_goal("cycle", "3d", "2026-12-01", "60", TODAY)
    assert (found.target, found.starts_on, found.horizon, found.ends_on) == (
        259_200, date(2026, 12, 1), 60, date(2027, 1, 30))  # fmt: skip
    assert [parse_target(AIMS["in_time"], text) for text in ("95%", "95", " 7.5 % ")] == [0.95, 0.95, 0.075]
    for aim, target, start, horizon, field in (
        ("speed", "95%", "", "90", "aim"), ("in_time", "0%", "", "90", "target"),
        ("in_time", "101", "", "90", "target"),
        ("in_time", "30m", "", "90", "target"), ("handling", "95%", "", "90", "target"),
        ("handling", "0s", "", "90", "target"), ("handling", "900d", "", "90", "target"),
        ("in_time", "95", "23.11.2026", "90", "start"), ("in_time", "95", "2020-01-01", "90", "start"),
        ("in_time", "95", "", "45", "horizon"), ("in_time", "９5", "", "90", "target"),
    ):  # fmt: skip
        with pytest.raises(GoalProblem) as wrong:
            parse_goal(aim, target, start, horizon, TODAY)
        assert wrong.value.field == field
