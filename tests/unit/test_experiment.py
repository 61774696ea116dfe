"""What may stand in an experiment, who gets which arm, and what a result is in words."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.checked_yaml import FileFault
from speedlead.domain.experiment import (
    Experiment,
    Running,
    RunningArm,
    Segment,
    assign,
    bounds,
    drawn,
    parse_percent,
    with_changes,
)
from speedlead.domain.sla import LeadFacts
from speedlead.experiments.reading import judged
from speedlead.experiments.running import running_of
from speedlead.experiments.text import BEGINNING, arm_words, days, read, segment_words, text_of
from speedlead.experiments.verdict import verdict
from speedlead.plan_shelf import PlanShelf
from speedlead.planbook import load_plan
from speedlead.store.experiments import ArmCount, Known, StartedArm

PLAN = load_plan()
HOT = LeadFacts("hot", "pricing", "website", None, "form", ("US", "US-TX"))
GOOD = read(BEGINNING, "definition")
ARMS = (
    StartedArm("e:control", "control", 50, "inbound:3", None),
    StartedArm("e:short", "short", 50, "inbound:4", None),
)


def running(shares: dict[str, int], *, salt: bytes = b"s", sticks: bool = True, **segment: Any) -> Running:
    ends = bounds(shares)
    arms = tuple(RunningArm(f"e:{key}", ends[key], PLAN if key == "b" else None) for key in shares)
    return Running("e", salt, Segment.model_validate(segment), arms, sticks)


WRONG = [
    ("share: 50}\n  - {key: short", "share: 80}\n  - {key: short", ":5: arms: expected shares that add up"),
    ("changes: {hot.email-1.template: useful}", "weights: {geography: 1}", "arms.1.weights.expertise: Field required"),
    ("hot.email-1.template", "hot.email-1.delay", "arms.1.changes"),
    (", changes: {hot.email-1.template: useful}", "", "arms: two arms are the same"),
    ("key: short", "key: control", "'control' stands twice"),
    ("metric: converted", "metric: speed", "question.metric: Input should be 'converted' or 'qualified'"),
    ("usual: 6%", "usual: 6", "question.usual"),
    ("effect: 2%", "effect: 97%", "usual and effect together below 100%"),
    ("opt_out: 1%, ", "", "expected a limit for opt_out too"),
    ("lead_type: hot", "time: [tue]", "time: the opening is not known yet"),
    ("lead_type: hot", "region: [XX]", "region"),
    ("lead_type: hot", "season: [winter]", "segment.season.0: Input should be 'jan'"),
    ("within: 30d", "within: 1h", "question.within"),
    ("title: A shorter first mail to hot leads\n", "", "title: Field required"),
    ("title: A shorter first mail to hot leads\n", 'title: "a\\0b"\n', ":2: title: String should match"),
    (BEGINNING[BEGINNING.index("question:") :], "", "without a question it is a roll-out: expected two, of which"),
]


@pytest.mark.parametrize(("was", "becomes", "says"), WRONG)
def test_what_is_wrong_is_named_with_its_line(was: str, becomes: str, says: str) -> None:
    assert was in BEGINNING
    with pytest.raises(FileFault) as fault:
        read(BEGINNING.replace(was, becomes), "definition")
    assert says in str(fault.value)
    assert str(fault.value).startswith("definition:")


def test_a_definition_is_written_as_it_is_read() -> None:
    assert read(text_of(GOOD), "again") == GOOD
    assert (segment_words(GOOD.segment), arm_words(GOOD.arms[1])) == (
        "hot leads", "the plan in use, hot.email-1.template = useful",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shares", "more", "says"),
    [
        ((20, 80), [], None),
        ((20, 20), [], "add up to 100"),
        ((20, 60), [{"key": "c", "share": 20, "plan": "inbound:5"}], "expected two"),
    ],
)
def test_a_roll_out_is_a_part_and_the_rest(shares: tuple[int, int], more: list[Any], says: str | None) -> None:
    """Whose share may be raised, so there is nothing to be told of a third."""
    arms = [{"key": "new", "share": shares[0], "plan": "inbound:4"}, *more, {"key": "rest", "share": shares[1]}]
    given = {"id": "r", "title": "r", "arms": arms}
    if says is None:
        assert Experiment.model_validate(given).question is None
        return
    with pytest.raises(ValueError, match=says):
        Experiment.model_validate(given)


def test_days_are_said_as_they_are() -> None:
    assert [days(hours * 3600) for hours in (24, 36, 720)] == ["1 day", "1.5 days", "30 days"]


@pytest.mark.parametrize(("text", "share"), [("2.5%", 0.025), (" 6 % ", 0.06), (0.1, 0.1)])
def test_a_share_is_read(text: Any, share: float) -> None:
    assert parse_percent(text) == pytest.approx(share)


@given(st.uuids())
def test_a_lot_is_the_persons_own_in_each_experiment(person: Any) -> None:
    one, other = drawn(b"a" * 32, str(person)), drawn(b"b" * 32, str(person))
    assert 0 <= one < 1
    assert one == drawn(b"a" * 32, str(person))
    assert one != other


def test_persons_are_spread_as_stated_and_independently_of_another_experiment() -> None:
    shares = {"a": 20, "b": 30}
    both: Counter[tuple[str | None, str | None]] = Counter()
    for number in range(4000):
        found = [running(shares, salt=salt).arm_of(f"person-{number}", ()) for salt in (b"x", b"y")]
        both[found[0].variant if found[0] else None, found[1].variant if found[1] else None] += 1
    for first, part in ((None, 0.5), ("e:a", 0.2), ("e:b", 0.3)):
        for second, other in ((None, 0.5), ("e:a", 0.2), ("e:b", 0.3)):
            assert both[first, second] / 4000 == pytest.approx(part * other, abs=0.03)


def test_only_leads_of_the_segment_take_part() -> None:
    every = {"b": 100, "a": 0}
    assert assign([running(every, lead_type="hot", region=["US"])], "p", HOT, 11).plan is PLAN
    for segment in ({"lead_type": "cold"}, {"channel": ["chat"]}, {"region": ["US-CA"]}, {"season": ["dec", "jan"]}):
        assert assign([running(every, **segment)], "p", HOT, 11).variants == ()
    assert assign([running(every, season=["nov"])], "p", HOT, 11).variants == ("e:b",)
    assert assign([], "p", HOT, 11).plan is None


def test_the_first_arm_stays_in_an_experiment_but_not_in_a_roll_out() -> None:
    one = running({"b": 0, "a": 100})
    assert assign([one], "p", HOT, 1, ["other:x", "e:b", "e:a"]).variants == ("e:b",)
    assert assign([replace(one, sticks=False)], "p", HOT, 1, ["e:b"]).variants == ("e:a",)


def test_an_experiment_whose_plan_is_not_at_hand_waits_as_a_whole() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    shelf = PlanShelf(PLAN)
    here = StartedArm("e:control", "control", 50, f"{PLAN.id}:{PLAN.version}", None)
    known = Known(GOOD, "mo@example.com", at, at, b"s", 100, at, None, None, (here, ARMS[1]))
    other = PLAN.model_copy(update={"version": 4})
    assert running_of([known], shelf) == ()
    shelf.put(other)
    (found,) = running_of([known], shelf)
    assert [(arm.plan, arm.upto) for arm in found.arms] == [(PLAN, 0.5), (other, 1.0)]


def test_two_experiments_meet_where_a_lead_could_be_in_both() -> None:
    def about(**segment: Any) -> Experiment:
        return GOOD.model_copy(update={"segment": Segment.model_validate(segment)})

    assert about(lead_type="hot").meets(about(channel=["chat"]))
    assert about(region=["US"]).meets(about(region=["US-TX"]))
    assert not about(lead_type="hot").meets(about(lead_type="cold"))
    assert not about(season=["jan", "feb"]).meets(about(season=["mar"]))
    assert about(season=["jan"]).meets(about())


def test_changes_make_another_plan_and_leave_the_rest_alone() -> None:
    made = with_changes(PLAN, {"hot.email-1.template": "useful", "hot.sms-1.channel": "email"})
    steps = {step.id: step for step in made.tracks["hot"].steps}
    assert (steps["email-1"].template, steps["sms-1"].channel) == ("useful", "email")
    assert made.tracks["cold"] == PLAN.tracks["cold"]
    with pytest.raises(ValueError, match=r"hot\.call-9\.channel: inbound:\d+ has no such step"):
        with_changes(PLAN, {"hot.call-9.channel": "sms"})
    with pytest.raises(ValueError, match="template is missing"):
        with_changes(PLAN, {"hot.call-1.channel": "sms"})


CASES = [
    ((0, 0, 0), (0, 0, 0), "nothing_yet", "Nothing can be said yet."),
    ((1, 1, 0), (0, 0, 0), "wait", "It cannot be said yet"),
    ((200, 200, 10), (200, 200, 12), "wait", "It cannot be said yet"),
    ((2700, 2700, 160), (2700, 2700, 260), "roll_out", "short is better than control."),
    ((2700, 2700, 260), (2700, 2700, 160), "keep_control", "Keep control: it is better."),
    ((2700, 2700, 160), (2700, 2700, 165), "keep_control", "nothing here is better by 2% points."),
    ((2700, 2700, 160), (2700, 2700, 200), "keep_control", "No difference was found."),
    ((2700, 2700, 160), (2200, 2200, 220), "stop", "Do not use these figures"),
]


@pytest.mark.parametrize(("control", "short", "advice", "head"), CASES)
def test_a_result_in_words(control: tuple[int, ...], short: tuple[int, ...], advice: str, head: str) -> None:
    assert GOOD.question is not None
    counted = [ArmCount(persons, ripe, won) for persons, ripe, won in (control, short)]
    said = verdict(GOOD.question, judged(GOOD.question, ARMS, counted, planned=5395))
    assert said.advice == advice
    assert head in said.head
    assert said.best == ("short" if advice == "roll_out" else None)


def test_harm_stops_what_would_have_won() -> None:
    assert GOOD.question is not None
    counted = [ArmCount(2700, 2700, 160, opt_out=20), ArmCount(2700, 2700, 260, opt_out=120)]
    said = verdict(GOOD.question, judged(GOOD.question, ARMS, counted, planned=5395))
    assert said.head == "Stop it: a guardrail is broken."
    assert said.lines[0].startswith("short: opt-outs are up, ")
