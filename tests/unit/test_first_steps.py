"""Nobody ticks a first step: each is done when what it asks for is there."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from speedlead.composing.assemble import build_composer
from speedlead.domain.first_steps import Counted, House, before, eight, first_day
from speedlead.domain.plan import LeadTypeName
from speedlead.domain.plan_reach import unreachable
from speedlead.foresight import Foresight
from speedlead.plan_check import check_plan
from speedlead.planbook import load_plan, packaged_plan
from speedlead.preview.desk import Desk
from speedlead.settings import Settings
from tests.unit.test_foresight import ALWAYS, NEW_YORK, PLACER, PLACES, at

NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
PLAN = load_plan()
MINIMUM = load_plan(packaged_plan("minimum"))
DONE = Counted(
    reps=2, reps_with_phone=2, reps_with_territory=2, reps_with_push=2, reps_with_script=1,
    roles=frozenset({"marketing", "rep", "support"}), forms=2, forms_acknowledged=2, outcomes=5,
    audited_at=NOW - timedelta(days=6), flow_ok=True, answered=40, mean_s=300.0, median_s=120.0, acknowledged=(40, 40),
    assigned=(39, 40),
)  # fmt: skip
LIVE = House(True, "https://leads.example.com")


def still_open(found: Counted, house: House = LIVE, plan: Any = PLAN) -> list[str]:
    return [step.title for step in (*before(house, found), *eight(plan, found, NOW)) if step.state == "open"]


def test_a_house_with_everything_has_nothing_open_but_what_no_system_sees() -> None:
    assert still_open(DONE) == []
    assert [step.title for step in eight(PLAN, DONE, NOW) if step.state == "person"] == ["Train"]


@pytest.mark.parametrize(("change", "title"), [
    ({"reps_with_phone": 1}, "Our people are here"),
    ({"roles": frozenset({"marketing", "rep"})}, "A working group of marketing, sales and support"),
    ({"flow_ok": False}, "The way of a lead is tried all the time"),
    ({"answered": 0, "mean_s": None}, "Measure for a week"),
    ({"forms_acknowledged": 1}, "Acknowledge every form at once"),
    ({"acknowledged": (30, 40)}, "Acknowledge every form at once"),
    ({"reps_with_territory": 1}, "Route by territory"),
    ({"reps_with_push": 0}, "Ring their pockets"),
    ({"audited_at": NOW - timedelta(days=9)}, "Audit the routing"),
    ({"assigned": (30, 40)}, "Hold each other to an assignment target"),
])  # fmt: skip
def test_each_step_opens_again_when_it_is_not_so_any_more(change: dict[str, Any], title: str) -> None:
    assert still_open(replace(DONE, **change)) == [title]


def test_an_empty_house_has_everything_open() -> None:
    empty = Counted(0, 0, 0, 0, 0, frozenset({"admin"}), 0, 0, 0, None, None)
    opened = still_open(empty, House(False, "http://127.0.0.1:8080"))
    assert len(opened) == 5 + 6, "the plan that comes along follows up; what no system sees is nobody's tick"


def test_touches_of_the_first_day_are_those_of_24_hours() -> None:
    assert [first_day(PLAN.tracks[name]) for name in PLAN.tracks] == [6, 4, 1]
    assert still_open(DONE, plan=PLAN.model_copy(update={"tracks": PLAN.tracks | {"hot": PLAN.tracks["warm"]}})) == [
        "Follow up for 24 hours"]  # fmt: skip


def test_a_slow_house_is_told_that_the_steps_are_for_it() -> None:
    assert "so these steps are for you" in eight(PLAN, replace(DONE, mean_s=1801.0), NOW)[0].says
    assert "for you" not in eight(PLAN, replace(DONE, mean_s=1800.0), NOW)[0].says


# ── the least of all plans (REQ 56) ──────────────────────────────────────────────────────────────────────────────────


def test_the_minimum_plan_passes_every_check_of_a_plan() -> None:
    assert list(unreachable(MINIMUM)) == []
    foresight = Foresight(plan=MINIMUM, placer=PLACER, places=PLACES, team=[ALWAYS])
    desk = Desk(foresight, "US", "everybody", NOW)
    checked = check_plan(MINIMUM, desk, build_composer(Settings(), MINIMUM))
    assert checked.findings == ()


def test_a_lead_of_the_minimum_plan_has_all_its_touches_within_24_hours() -> None:
    week = Foresight(plan=MINIMUM, placer=PLACER, places=PLACES, team=[ALWAYS]).week(NEW_YORK)
    assert [f"{touch.local:%a %H:%M} {touch.step} {touch.state}" for touch in week.touches] == [
        "Tue 10:00 ack-1 sent", "Tue 10:00 call-1 sent", "Tue 10:07 call-2 sent", "Tue 10:27 call-3 sent",
        "Tue 10:29 email-1 sent", "Tue 10:39 sms-1 sent", "Tue 14:00 call-4 sent",
    ]  # fmt: skip
    cases: list[tuple[LeadTypeName, str, int]] = [
        ("hot", "pricing", 6), ("warm", "webinar", 4), ("cold", "newsletter", 2)]  # fmt: skip
    for lead_type, intent, least in cases:
        lead = replace(NEW_YORK, lead_type=lead_type, intent=intent, submitted_at=at("2026-11-17T10:00-05:00"))
        week = Foresight(plan=MINIMUM, placer=PLACER, places=PLACES, team=[ALWAYS]).week(lead)
        sent = [touch for touch in week.touches if touch.state == "sent" and touch.step != "ack-1"]
        assert len(sent) == least == first_day(MINIMUM.tracks[lead_type])
        assert sent[-1].at - lead.submitted_at <= timedelta(hours=24)
