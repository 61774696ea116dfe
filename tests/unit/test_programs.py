"""A plan that goes on when the answer to an inquiry is over: what it may say, when it follows, and how it ends."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from speedlead.domain.cadence import Act, Await, Finish, Substitute, decide
from speedlead.domain.lead import LeadState
from speedlead.domain.outcomes import Outcome, Stage
from speedlead.domain.placing import Consents, Impossible, Placer
from speedlead.domain.programs import Began, ended_as
from speedlead.domain.replanning import cannot_move
from speedlead.domain.schedule import Asker
from speedlead.domain.zones import Evidence, Place
from speedlead.lawbook import load
from speedlead.place_finder import PlaceFinder
from speedlead.planbook import PlanError, load_plan, load_programs, packaged_plan, parse_plan
from tests.unit.leads import CADENCE, DAY, NOW, lead

NURTURE, LATER, CUSTOMER = (load_plan(packaged_plan(name)) for name in ("nurture", "later", "customer"))
GOES_ON = CADENCE.model_copy(update={"then": {"exhausted": "nurture", "not_now": "later"}})
TOLD = Consents(call_requested=True, sms=False, call=False, inquiry=True, inquiry_at=NOW)


class NoClosures:
    def closed(self, jurisdictions: tuple[str, ...]) -> frozenset[object]:
        return frozenset()


def slow(plan: object = NURTURE, **changes: object) -> LeadState:
    return lead("cold", cadence=plan.cadence(), stage=Stage.NURTURING, **changes)  # type: ignore[attr-defined]


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_follows_the_packaged_plans_so_an_upgrade_mails_nobody() -> None:
    for name in ("inbound", "minimum"):
        plan = load_plan(packaged_plan(name))
        assert (plan.then, plan.program, load_programs(plan)) == ({}, None, ())
        # nor is anything new written into what is stored: a version that a house runs on keeps its fingerprint
        assert not {"then", "program", "message_gap", "task"} & set(plan.model_dump_json().replace('"', " ").split())


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        (
            "channel: email,",
            "channel: sms,",
            "tracks.hot: day-14: a nurture plan sends no sms: expected an email, or task",
        ),
        ("intents: {}", "intents: {hot: [pricing]}", "intents: a nurture plan answers no inquiry; leave it out"),
        ("program: nurture\n", "", "message_gap: expected only with program"),
        ("program: nurture", "program: news", "program: Input should be 'nurture' or 'customer'"),
        ("template: still_here}", "template: still_here, task: true}", "a task has no template"),
        ("then: {not_now: nurture}", "then: {bored: nurture}", "then.bored.[key]: Input should be 'exhausted'"),
    ],
)
def test_a_fault_names_the_field_and_what_was_expected(before: str, after: str, fault: str) -> None:
    text = packaged_plan("nurture").read_text().replace(before, after, 1)
    with pytest.raises(PlanError, match=r"nurture\.yaml:") as raised:
        parse_plan(text, "nurture.yaml")
    assert fault in str(raised.value)


def test_what_goes_on_is_read_beside_the_plan_and_has_to_be_for_that_end(tmp_path: Path) -> None:
    own = tmp_path / "inbound.yaml"

    def programs(then: str) -> list[str]:
        own.write_text(packaged_plan().read_text() + f"then: {then}\n")
        return [f"{plan.id}:{plan.version}" for plan in load_programs(load_plan(own), own)]

    assert programs("{exhausted: nurture, not_now: later, converted: customer}") == [
        "nurture:1",
        "later:1",
        "customer:1",
    ]
    (tmp_path / "nurture.yaml").write_text(packaged_plan("nurture").read_text().replace("version: 1", "version: 7"))
    assert programs("{exhausted: nurture}") == ["nurture:7"]
    for then, fault in (
        ("{exhausted: gone}", "then.exhausted: expected a plan of that name beside it, gone.yaml; there is none"),
        ("{exhausted: customer}", "expected a plan with program: nurture, and customer is for customer"),
        ("{converted: minimum}", "expected a plan with program: customer, and minimum answers inquiries"),
    ):
        with pytest.raises(PlanError) as raised:
            programs(then)
        assert fault in str(raised.value)
    with pytest.raises(PlanError, match="expected a plan that answers inquiries"):
        load_programs(NURTURE, packaged_plan("nurture"))


# ── when it follows ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_follows_depends_on_how_the_lead_ended() -> None:
    ends = {
        ("plan_completed", "exhausted"): "exhausted", ("not_now", "closed"): "not_now", ("converted", "converted"):
        "converted", ("unqualified", "closed"): None, ("opted_out", "closed"): None, ("no_outcome", "closed"): None,
        ("qualified", "qualified"): None, ("program_over", "closed"): None,
    }  # fmt: skip
    assert {end: ended_as(*end) for end in ends} == ends
    in_march = NOW + 100 * DAY
    assert Began.of("not_now", "nurture", in_march, NOW) == Began("nurture", in_march)
    assert Began.of("not_now", "nurture", NOW - DAY, NOW) == Began("nurture", NOW)
    assert Began.of("exhausted", "nurture", in_march, NOW) == Began("nurture", NOW)
    assert Began.of("converted", "customer", None, NOW) == Began("customer", NOW)
    assert Began.of("converted", "nurture", None, NOW) is None
    assert Began.of("exhausted", None, None, NOW) is None


def test_not_now_ends_a_lead_only_where_its_plan_says_what_follows() -> None:
    stays, ends = lead(), lead(cadence=GOES_ON)
    for state in (stays, ends):
        state.decided(Outcome.NOT_NOW, NOW, when=NOW + 100 * DAY)
    assert stays.follow_up is not None
    assert (stays.ending, stays.stage) == (None, Stage.NURTURING)
    assert decide(ends, NOW) == Finish("not_now", Stage.CLOSED)


def test_no_lead_is_moved_between_an_inquirys_plan_and_a_slow_one() -> None:
    assert cannot_move(lead(), NURTURE.cadence()) == "nurture is a nurture plan, and inbound is for inquiries"
    assert cannot_move(slow(), CADENCE) == "inbound is for inquiries, and nurture is a nurture plan"
    assert cannot_move(slow(), LATER.cadence()) is None


# ── what it does ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_that_may_send_nothing_ends_and_nobody_is_told() -> None:
    state = slow()
    assert isinstance(decide(state, NOW), Act)
    state.opted_out("email")
    end = decide(state, NOW)
    assert isinstance(end, Finish)
    assert (end.reason, end.stage, len(end.skips)) == ("program_over", Stage.CLOSED, 11)


def test_one_that_ran_out_waits_for_a_late_answer_and_ends() -> None:
    state = slow()
    for step in state.track.steps:
        state.settle(step.id, "sent", NOW + timedelta(seconds=step.delay), "email")
    last = NOW + 730 * DAY
    assert decide(state, last) == Await(last + 7 * DAY, "program_over")
    assert decide(state, last + 7 * DAY) == Finish("program_over", Stage.CLOSED)


def test_a_task_is_told_when_it_is_due_whatever_is_known_of_the_number() -> None:
    for state in (slow(CUSTOMER), slow(CUSTOMER, has_phone=False)):
        assert decide(state, NOW) == Await(NOW + 7 * DAY, "owner_task")
        told = decide(state, NOW + 7 * DAY)
        assert isinstance(told, Substitute)
        assert (told.step.id, told.reason, told.at) == ("day-7", "owner_task", NOW + 7 * DAY)
    out = slow(CUSTOMER)
    out.opted_out("call")
    assert isinstance(decide(out, NOW), Finish)


# ── to whom the law lets it go ───────────────────────────────────────────────────────────────────────────────────────


def allowed(evidence: Evidence, consents: Consents, at: object) -> bool:
    place: Place = PlaceFinder().find(evidence)
    placer = Placer(load(), NoClosures(), {})  # type: ignore[arg-type]
    asker = Asker(place, consents, {}, marketing=True)
    return not isinstance(placer.place(asker.question("email", at)), Impossible)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("country", "tick", "days", "may"),
    [
        ("US", False, 400, True), ("CA", False, 30, True), ("CA", False, 200, False), ("CA", True, 200, True),
        ("DE", False, 1, False), ("DE", True, 400, True), ("GB", False, 1, False), (None, False, 1, False),
        (None, True, 400, True),
    ],
)  # fmt: skip
def test_advertising_goes_where_the_law_or_a_tick_lets_it(
    country: str | None, tick: bool, days: int, may: bool
) -> None:
    where = Evidence(tz=None, country=country, region=None, postcode=None, phone_e164=None)
    assert allowed(where, replace(TOLD, marketing=tick), NOW + days * DAY) is may
