"""The same leads under another plan or other people, and how many people an hour of calls needs."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from speedlead.domain.opening import Shift
from speedlead.domain.plan import When
from speedlead.foresight import Foresight
from speedlead.planbook import load_plan, packaged_plan
from speedlead.whatif.erlang import needed, served, waits
from speedlead.whatif.replay import Outcome, compare
from speedlead.whatif.staffing import staffing
from tests.unit.test_foresight import ALWAYS, NEW_YORK, PLACER, PLACES, at

OFFICE = Shift("America/New_York", dict.fromkeys(range(5), ((540, 1020),)))
DAY, SATURDAY = NEW_YORK, replace(NEW_YORK, submitted_at=at("2026-11-21T12:00-05:00"))


def by(team: Shift, *more: Shift, plan: str = "inbound") -> Foresight:
    return Foresight(plan=load_plan(packaged_plan(plan)), placer=PLACER, places=PLACES, team=[team, *more])


def test_another_plan_moves_the_load_and_not_the_first_touch() -> None:
    found = compare([DAY, SATURDAY], by(ALWAYS), by(ALWAYS, plan="minimum"), "America/New_York")
    assert (found.sooner, found.later, found.won, found.lost) == (0, 0, 0, 0)
    assert (found.now.calls, found.then.calls) == (14, 8)
    tuesday_ten = 24 + 10
    assert found.then.hours[tuesday_ten] == 3, "10:00, 10:07 and 10:27"


def test_other_hours_make_a_lead_wait_and_cover_lets_it_be_called_on_saturday() -> None:
    evening = replace(DAY, submitted_at=at("2026-11-17T17:30-05:00"))
    found = compare([DAY, evening], by(ALWAYS), by(OFFICE), "UTC")
    assert (found.sooner, found.later) == (0, 1)
    assert (found.now.quantile(0.95), found.then.quantile(0.95)) == (0, 15.5 * 3600)
    on_call = Shift("America/New_York", {5: ((540, 1080),)}, covers=When(), name="what-if")
    covered = compare([SATURDAY], by(OFFICE), by(OFFICE, on_call), "UTC")
    assert (covered.sooner, covered.then.quantile(0.5)) == (1, 0)
    assert covered.now.quantile(0.5) == timedelta(hours=45).total_seconds()


def test_what_is_hot_is_the_plans_own_word() -> None:
    other = by(ALWAYS).plan.model_copy(update={"intents": {"cold": ("demo_request",)}})
    then = Foresight(plan=other, placer=PLACER, places=PLACES, team=[ALWAYS])
    found = compare([DAY], by(ALWAYS), then, "UTC")
    assert (found.later, found.then.touches_48h) == (1, 2)


def test_who_gets_no_touch_at_all_waits_longer_than_anybody() -> None:
    seconds = Outcome(20, tuple(map(float, range(1, 17))), 4, 16, 16, Counter(), 4, 0, (0,) * 168)
    assert (seconds.quantile(0.5), seconds.quantile(0.8), seconds.quantile(0.95)) == (10, 16, None)


def test_people_needed_agree_with_the_textbook() -> None:
    """The worked example of call centre handbooks: 200 calls an hour of 3 minutes, 10 erlangs, 14 people."""
    assert waits(10, 14) == pytest.approx(0.1741, abs=5e-5)
    assert served(10, 14, 20, 180) == pytest.approx(0.888, abs=5e-4)
    assert needed(200, 180, 20, 0.8) == 14
    # one of ours: M/M/1 waits with the share of its load
    assert waits(0.3, 1) == pytest.approx(0.3)
    assert (waits(5, 5), served(5, 5, 60, 60), needed(0, 180, 20)) == (1.0, 0.0, 0)
    with pytest.raises(ValueError, match="2000 people"):
        needed(1_000_000, 3600, 20)


def test_each_hour_has_the_people_it_needs_beside_those_on_shift() -> None:
    calls = [0.0] * 168
    calls[9], calls[20] = 30.0, 2.0
    monday = datetime(2026, 11, 23, 5, tzinfo=UTC)  # midnight in New York
    hours = staffing(calls, [[OFFICE], [OFFICE]], monday, call_s=180, within_s=20)
    assert [(hour.name, hour.needed, hour.there, hour.short) for hour in hours if hour.calls] == [
        ("Mon 09:00", 5, 2, 3), ("Mon 20:00", 2, 0, 2)]  # fmt: skip
    assert sum(hour.there for hour in hours) == 2 * 5 * 8
