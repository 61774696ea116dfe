"""Who is asked and for how long, which deadline comes next, and where the time of a missed one went. Pure."""

from datetime import timedelta
from typing import Any

import pytest

from speedlead.domain.acceptance import Acceptance
from speedlead.domain.hand_over import Heir, NoRoom, spread
from speedlead.domain.lead import FollowUp, LeadState
from speedlead.domain.phases import Instants, slow_phase
from speedlead.domain.watching import Due, Watch, next_due
from speedlead.planbook import PlanError, load_plan, packaged_plan, parse_plan
from tests.unit.leads import NOW

S, M = timedelta(seconds=1), timedelta(minutes=1)
CADENCE = load_plan().cadence()


def lead(**changes: Any) -> LeadState:
    values = {
        "lead_id": "7f3a", "lead_type": "hot", "cadence": CADENCE, "submitted_at": NOW, "has_email": True,
        "has_phone": True, "consent_sms": True, "call_requested": True, "opened": NOW, "due": NOW + 3 * M,
        "owner_id": "anna",
    }  # fmt: skip
    return LeadState(**(values | changes))


def asked(*reps: str, **changes: Any) -> Watch:
    acceptance = Acceptance()
    acceptance.ask(reps or ("anna",), NOW, **changes)
    return Watch(acceptance, assigned_at=NOW)


def due(state: LeadState, watch: Watch, *, calling: bool = False, coming: Any = None) -> Due | None:
    return next_due(state, watch, calling=calling, coming=coming)


def test_who_is_asked_when_the_lead_becomes_hotter_has_its_whole_window_from_then() -> None:
    state, watch = lead(lead_type="warm", due=None), asked("anna")
    state.lead_type = "hot"
    assert due(state, watch) == Due(NOW + M, "escalate")  # in the past by now
    watch.acceptance.hotter(NOW + 3 * M)
    assert watch.acceptance.ends(M) is None  # until routing has said when the hotter lead opens
    watch.acceptance.ask(("anna",), NOW + 3 * M)
    assert due(state, watch) == Due(NOW + 4 * M, "escalate")


# ── who is asked ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("kind", "window"), [("hot", M), ("warm", 5 * M), ("cold", 5 * M)])
def test_each_type_has_its_window(kind: str, window: timedelta) -> None:
    assert due(lead(lead_type=kind, due=None), asked()) == Due(NOW + window, "escalate")


def test_no_window_is_longer_than_five_minutes() -> None:
    acceptance = Acceptance()
    acceptance.ask(("anna",), NOW)
    assert acceptance.ends(timedelta(hours=1)) == NOW + 5 * M


def test_who_declines_is_not_waited_for_and_of_several_all_have_to() -> None:
    one, several = asked(), asked("anna", "ben", claim=True)
    one.acceptance.decline("anna")
    several.acceptance.decline("anna")
    several.acceptance.decline("zoe")
    assert due(lead(), one) == Due(NOW, "escalate")
    assert one.acceptance.reason == "declined"
    assert due(lead(owner_id=None), several) == Due(NOW + M, "escalate")
    several.acceptance.decline("ben")
    assert due(lead(owner_id=None), several) == Due(NOW, "escalate")


def test_who_has_taken_it_is_never_asked_again() -> None:
    watch = asked()
    watch.acceptance.take()
    watch.acceptance.ask(("ben",), NOW)
    assert watch.acceptance.asked == ()
    assert due(lead(first_attempt_at=NOW), watch) is None


def test_while_reps_are_rung_nobody_else_is_asked() -> None:
    found = due(lead(), asked(), calling=True)
    assert found == Due(NOW + 3 * M, "breach", "first_attempt")


# ── deadlines ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_ceiling_of_five_minutes_is_a_target_of_its_own() -> None:
    watch = asked()
    watch.acceptance.nobody()
    assert due(lead(due=None), watch) == Due(NOW + 5 * M, "breach", "acceptance")
    watch.reported.add("acceptance")
    assert due(lead(due=None), watch) is None


def test_a_reminder_comes_at_half_time_only_where_the_plan_does_not_keep_the_deadline() -> None:
    watch = asked()
    watch.acceptance.take()
    assert due(lead(), watch) == Due(NOW + 90 * S, "remind")
    assert due(lead(), watch, coming=NOW + 4 * M) == Due(NOW + 90 * S, "remind")
    assert due(lead(), watch, coming=NOW + 2 * M) == Due(NOW + 3 * M, "breach", "first_attempt")
    watch.reminded = True
    assert due(lead(), watch) == Due(NOW + 3 * M, "breach", "first_attempt")


def test_an_owner_who_comes_too_late_misses_the_deadline_of_the_assignment() -> None:
    late = Watch(assigned_at=None, assign_due=NOW + 30 * S)
    assert due(lead(owner_id=None), late) == Due(NOW + 30 * S, "breach", "assignment")
    assert due(lead(due=None), Watch(assigned_at=NOW + 31 * S, assign_due=NOW + 30 * S)) is not None
    assert due(lead(due=None), Watch(assigned_at=NOW + 30 * S, assign_due=NOW + 30 * S)) is None


@pytest.mark.parametrize(
    ("kind", "target", "after"), [("connected", "qualification", 240 * M), ("unreachable", "follow_up", 1440 * M)]
)
def test_stages_have_targets_of_their_own(kind: str, target: str, after: timedelta) -> None:
    state = lead(follow_up=FollowUp(kind, NOW), due=None)
    watch = Watch(Acceptance(accepted=True))
    assert due(state, watch) == Due(NOW + after, "breach", target)


@pytest.mark.parametrize("changes", [{"ending": ("x", None)}, {"paused": True}, {"opened": None}])
def test_a_lead_that_ends_waits_or_has_not_opened_has_no_deadline(changes: dict[str, Any]) -> None:
    assert due(lead(**changes), asked()) is None


def test_a_plan_without_windows_asks_nobody() -> None:
    state = lead(cadence=CADENCE.model_copy(update={"accept": {}}), due=None)
    assert due(state, asked()) is None


@pytest.mark.parametrize("window", ["6m", "0s"])
def test_a_window_above_the_ceiling_or_of_nothing_is_refused(window: str) -> None:
    text = packaged_plan().read_text().replace("accept: {hot: 60s", f"accept: {{hot: {window}")
    with pytest.raises(PlanError, match=r"plan.yaml:\d+: accept: .*hot: expected a time above 0 and of 5m at most"):
        parse_plan(text, "plan.yaml")


# ── where the time went ──────────────────────────────────────────────────────────────────────────────────────────────

OWNED = Instants(opened=NOW, assigned=NOW, owned=True)


@pytest.mark.parametrize(
    ("known", "phase"),
    [
        (Instants(opened=NOW), "assignment"),
        (Instants(opened=NOW, assigned=NOW + 2 * M, accepted=NOW + 2 * M + S, owned=True), "assignment"),
        (OWNED, "acceptance"),
        (Instants(opened=NOW, assigned=NOW, accepted=NOW + S, owned=True), "own_work"),
        (Instants(opened=NOW, assigned=NOW, accepted=NOW + 9 * S, rang=NOW + 5 * S, owned=True), "rang_too_long"),
        (Instants(opened=NOW, assigned=NOW, owned=True, waits="provider_down"), "provider"),
        (Instants(opened=NOW, assigned=NOW, owned=True, waits="rep_unavailable"), "nobody_there"),
        (
            Instants(opened=NOW, assigned=NOW, owned=True, waits="quiet_hours", waits_until=NOW + 9 * M),
            "no_lawful_time",
        ),
    ],
)
def test_the_slow_phase(known: Instants, phase: str) -> None:
    assert slow_phase(known, "first_attempt", NOW + 3 * M, NOW + 3 * M) == phase


# ── handing over ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_leads_are_spread_by_load_and_weight() -> None:
    heirs = [Heir("a", 0, 99, weight=3), Heir("b", 0, 99), Heir("none", 0, 99, weight=0)]
    given = list(spread([str(n) for n in range(8)], heirs).values())
    assert (given.count("a"), given.count("b"), given.count("none")) == (6, 2, 0)


def test_nobody_is_spread_above_capacity() -> None:
    with pytest.raises(NoRoom, match="room for 1 of 2 leads"):
        spread(["1", "2"], [Heir("a", 4, 5)])
