"""The judge itself: independent, right about hand-made leads, and in agreement with the sources it was written from."""

import ast
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bench.simulation.checker import Checker
from bench.simulation.facts import Home, Lead, Named, Passed, Said, Story, Touch
from bench.simulation.run import checker
from bench.simulation.statutes import CLOSED, STATUTES, Statute

ROOT = Path(__file__).parents[2]
JUDGE = ("checker", "facts", "manners", "statutes")
TABLE = Path(os.environ.get("TESTS_LAW_FILE") or ROOT.parent / "shared" / "data" / "contact_law.json")
MONDAY = datetime(2026, 11, 16, 15, 0, tzinfo=UTC)  # 10:00 in New York
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MIAMI = Home("US", "FL", "America/New_York")


@pytest.fixture(scope="module")
def judge() -> Checker:
    return checker()


# ── independence ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_judge_shares_no_code_with_what_it_judges() -> None:
    """Neither a module of ours but its own, nor `zoneinfo`, from which the product's calendar reads."""
    for name in JUDGE:
        tree = ast.parse((ROOT / "bench" / "simulation" / f"{name}.py").read_text("utf-8"))
        taken = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        taken |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        ours = {module for module in taken if module.split(".")[0] in ("speedlead", "workflows", "activities", "bench")}
        assert ours <= {f"bench.simulation.{other}" for other in JUDGE}
        assert "zoneinfo" not in taken
    code = "import sys, bench.simulation.checker; print([m for m in sys.modules if m.split('.')[0] == 'speedlead'])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.strip() == "[]"


def statute_rows() -> list[dict[str, Any]]:
    if not TABLE.is_file():
        pytest.skip(f"the gathered table of contact law is not on this machine: {TABLE} (TESTS_LAW_FILE)")
    rows: list[dict[str, Any]] = json.loads(TABLE.read_text("utf-8"))["rules"]
    return rows


def test_the_judges_law_is_the_gathered_table() -> None:
    """Hours, caps and dates of every row about calls or texts by people; what is left out is said here."""
    unknown = []
    for row in statute_rows():
        if row["channels"] == ["call_automated"] or row["allowed_local"] is None:
            continue  # automated calls, which we never make; and consent alone
        caps = [cap for cap in row["caps"] if "silent" not in cap.get("scope", "")]  # nobody of ours calls silently
        if not any(same(statute, row, caps) for statute in STATUTES):
            unknown.append(row["id"])
    assert unknown == []


def same(statute: Statute, row: dict[str, Any], caps: list[dict[str, Any]]) -> bool:
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    week = [[(minutes(a), minutes(b)) for a, b in row["allowed_local"].get(day) or ()] for day in days]
    until = date.fromisoformat(row["effective_to"]) if row["effective_to"] else date.max
    # rules that began before the simulated year are written without a beginning
    since = date.fromisoformat(row["effective_from"] or "0001-01-01")
    return (
        statute.where == row["jurisdiction"]
        and list(statute.channels) == row["channels"]
        and [list(spans) for spans in statute.week or ()] == week
        and statute.until == until
        and statute.since in (since, date.min)
        and bool(statute.closed) == bool(row["quiet_dates"])
        and [(cap["max"], cap["window_s"]) for cap in caps]
        == ([] if statute.cap is None else [(statute.cap.times, int(statute.cap.window.total_seconds()))])
    )


def minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def test_every_written_holiday_is_a_day_of_its_year() -> None:
    for statute in STATUTES:
        assert all(date(2026, 10, 1) <= day <= date(2027, 12, 31) for day in statute.closed)
    assert len(CLOSED) == 8


# ── hand-made leads ──────────────────────────────────────────────────────────────────────────────────────────────────


def lead(home: Home = MIAMI, lead_type: str = "cold", **said: Any) -> Lead:
    told: dict[str, Any] = {
        "phone": "+13055550123",
        "email": "a@example.com",
        "consent_sms": True,
        "consent_text": True,
    } | said
    return Lead(1, "test", lead_type, MONDAY, home, Said(**told), (Named(home, "address"),), settled=True)


def story(*touches: Touch, left_out: str = "no_consent", **changes: Any) -> Story:
    """A cold lead with these touches; every other step was left out for a good reason."""
    steps = ("email-1", "day-2-call", "day-4-email", "day-7-call", "day-11-email")
    passed = tuple(Passed(step, "email", left_out) for step in steps if step not in {touch.step for touch in touches})
    acknowledged = Touch("ack-1", "email", MONDAY, "acknowledgement")
    values: dict[str, Any] = {
        "touches": (acknowledged, *touches), "passed": passed, "end": "plan_completed", "end_at": MONDAY + 30 * DAY,
        "handed_over": True,
    }  # fmt: skip
    return Story(**(values | changes))


def kinds(judge: Checker, who: Lead, what: Story) -> list[str]:
    return [finding.kind for finding in judge.check(who, what)]


def call(at: datetime, step: str = "day-2-call") -> Touch:
    return Touch(step, "call", at)


def test_a_decent_lead_passes(judge: Checker) -> None:
    fine = story(Touch("email-1", "email", MONDAY + HOUR), call(MONDAY + DAY))
    assert kinds(judge, lead(), fine) == []


@pytest.mark.parametrize(
    ("touch", "expected"),
    [
        (call(datetime(2026, 11, 18, 0, 59, tzinfo=UTC)), ["outside_business_hours"]),  # Tuesday 19:59
        (call(datetime(2026, 11, 18, 1, 0, tzinfo=UTC)), ["unlawful_hour", "outside_business_hours"]),  # 20:00
        (call(datetime(2026, 11, 21, 16, 0, tzinfo=UTC)), ["weekend"]),  # Saturday
        (call(datetime(2026, 11, 26, 16, 0, tzinfo=UTC)), ["holiday"]),  # Thanksgiving is no legal matter in Florida
        (call(MONDAY + HOUR), ["too_near"]),  # the same day
        (Touch("day-2-call", "sms", MONDAY + DAY), []),
    ],
)
def test_one_touch_in_florida(judge: Checker, touch: Touch, expected: list[str]) -> None:
    assert kinds(judge, lead(), story(touch)) == expected


def test_the_clock_is_the_leads_own_on_the_days_it_changes(judge: Checker) -> None:
    """13:30 UTC is 09:30 in New York on Friday, and 08:30 on the Monday after the clocks went back."""
    before, after = datetime(2026, 10, 30, 13, 30, tzinfo=UTC), datetime(2026, 11, 2, 13, 30, tzinfo=UTC)
    early = Lead(1, "test", "cold", before - 4 * DAY, MIAMI, lead().said, lead().named, settled=True)
    answered = Touch("ack-1", "email", early.submitted, "acknowledgement")
    assert kinds(judge, early, story(touches=(answered, call(before)), passed=passed_but("day-2-call"))) == []
    late = story(touches=(answered, call(after)), passed=passed_but("day-2-call"))
    assert kinds(judge, early, late) == ["outside_business_hours"]


def passed_but(*steps: str) -> tuple[Passed, ...]:
    return tuple(passed for passed in story().passed if passed.step not in steps)


@pytest.mark.parametrize(
    ("home", "at", "kind"),
    [
        (
            Home("US", "PA", "America/New_York"),
            datetime(2027, 3, 26, 15, 0, tzinfo=UTC),
            "legal_holiday",
        ),  # Good Friday
        (Home("US", "TX", "America/Denver"), datetime(2026, 11, 18, 2, 30, tzinfo=UTC), "outside_business_hours"),
        (
            Home("US", "TX", "America/Denver"),
            datetime(2026, 11, 18, 3, 30, tzinfo=UTC),
            "unlawful_hour",
        ),  # Dallas 21:30
        (Home("FR", None, "Europe/Paris"), datetime(2026, 11, 17, 12, 30, tzinfo=UTC), "unlawful_hour"),  # lunch
        (Home("AU", "NSW", "Australia/Sydney"), datetime(2027, 1, 26, 0, 0, tzinfo=UTC), "legal_holiday"),
        (Home("PR", None, "America/Puerto_Rico"), datetime(2026, 11, 18, 1, 30, tzinfo=UTC), "unlawful_hour"),
    ],
)
def test_law_of_other_places(judge: Checker, home: Home, at: datetime, kind: str) -> None:
    assert kind in kinds(judge, lead(home), story(call(at)))


def test_law_holds_in_every_place_that_the_lead_names(judge: Checker) -> None:
    berlin = Named(Home("DE", None, "Europe/Berlin"), "tz")
    who = Lead(1, "test", "cold", MONDAY, MIAMI, lead().said, (*lead().named, berlin), settled=False)
    assert kinds(judge, who, story(call(MONDAY + DAY + 4 * HOUR))) == ["unlawful_hour"]  # 14:00 in Miami, 20:00 there


def test_a_law_that_nothing_points_to_is_told_apart(judge: Checker) -> None:
    somewhere = (Named(Home("US", None, "America/New_York"), "tz"),)
    who = Lead(1, "test", "cold", MONDAY, MIAMI, lead().said, somewhere, settled=False)
    found = judge.check(who, story(call(datetime(2026, 11, 18, 1, 30, tzinfo=UTC))))
    assert [(finding.kind, finding.told_apart) for finding in found] == [("beyond_evidence_unlawful_hour", True)]


def test_the_fourth_call_in_a_day_is_one_too_many_and_a_day_later_is_not(judge: Checker) -> None:
    def calls(last: timedelta) -> Story:
        at = [MONDAY + DAY, MONDAY + DAY + HOUR, MONDAY + DAY + 2 * HOUR, MONDAY + DAY + last]
        return story(
            *(call(moment, step) for moment, step in zip(at, ("day-2-call", "x", "y", "day-7-call"), strict=True))
        )

    def caps(what: Story) -> list[str]:
        return [kind for kind in kinds(judge, lead(), what) if kind == "over_cap"]

    assert caps(calls(DAY - timedelta(seconds=1))) == ["over_cap"]
    assert caps(calls(DAY)) == []


def test_consent_is_what_the_lead_gave(judge: Checker) -> None:
    text, ring = Touch("day-2-call", "sms", MONDAY + DAY), call(MONDAY + DAY)
    assert set(kinds(judge, lead(consent_sms=False), story(text))) == {"no_consent"}
    hartford = Home("US", "CT", "America/New_York")
    assert kinds(judge, lead(hartford), story(ring)) == ["no_consent"]
    assert kinds(judge, lead(hartford, consent_call=True), story(ring)) == []
    nairobi = Home("KE", None, "Africa/Nairobi")
    silent = lead(nairobi, consent_text=False)
    assert kinds(judge, silent, story(call(datetime(2026, 11, 18, 8, 0, tzinfo=UTC)))) == ["no_consent"]


def test_nobody_is_called_whose_place_nothing_tells(judge: Checker) -> None:
    who = Lead(1, "test", "cold", MONDAY, MIAMI, lead().said, (), settled=False)
    assert kinds(judge, who, story(call(MONDAY + DAY))) == ["unknown_place"]


def test_steps_keep_their_distance_even_when_one_between_is_left_out(judge: Checker) -> None:
    first = Touch("email-1", "email", MONDAY + HOUR)
    assert kinds(judge, lead(), story(first, Touch("day-4-email", "email", MONDAY + 2 * DAY))) == ["too_near"]
    assert kinds(judge, lead(), story(first, Touch("day-4-email", "email", MONDAY + 3 * DAY))) == []


def test_a_first_touch_after_the_promised_moment_is_told_apart(judge: Checker) -> None:
    promised = story(Touch("email-1", "email", MONDAY + HOUR), promised=MONDAY + HOUR / 2, handed_over=False)
    assert [(f.kind, f.told_apart) for f in judge.check(lead(), promised)] == [("after_promise", False)]
    assert kinds(judge, lead(), replace(promised, promised=MONDAY + HOUR)) == []
    assert kinds(judge, lead(), replace(promised, handed_over=True)) == []  # a person of ours had it in time


def test_limbo_is_a_step_that_nobody_ended_or_a_lead_that_never_does(judge: Checker) -> None:
    assert kinds(judge, lead(), story(passed=story().passed[1:])) == ["limbo"]
    assert kinds(judge, lead(), story(passed=(*story().passed, story().passed[0]))) == ["limbo"]
    assert kinds(judge, lead(), story(left_out="because")) == ["limbo"] * 5
    assert kinds(judge, lead(), story(end=None)) == ["limbo"]
    assert kinds(judge, lead(), story(end_at=MONDAY + 90 * DAY)) == ["limbo"]
    assert kinds(judge, lead(), story(handed_over=False)) == ["limbo"]
    assert kinds(judge, lead(), story(call(MONDAY + DAY), end_at=MONDAY)) == ["limbo"]
    assert kinds(judge, lead(), story(touches=())) == ["limbo"]
