"""What a lead that became hotter is owed again, and what stays as it was. Pure."""

from datetime import datetime
from typing import Any

import pytest

from speedlead.domain.acceptance import Acceptance
from speedlead.domain.lead import LeadState
from speedlead.domain.watching import Due, Watch, next_due
from tests.unit.leads import HOUR, MINUTE, NOW, inquire, lead

BEFORE = NOW - HOUR


def hotter(**changes: Any) -> tuple[LeadState, Watch]:
    """Cold, mailed in time and accepted; at NOW a form makes it hot, and routing has said its new deadline."""
    state = lead("cold", owner_id="anna", due=NOW + HOUR, **changes)
    watch = Watch(Acceptance(accepted=True, began=BEFORE), assigned_at=BEFORE, assign_due=BEFORE + MINUTE)
    state.settle("email-1", "sent", BEFORE, "email")
    inquire(state, "hot", NOW)
    watch.again(state.round)
    opened(state, NOW)
    return state, watch


def opened(state: LeadState, at: datetime) -> None:
    state.opened, state.due = at, at + 4 * MINUTE


def due(state: LeadState, watch: Watch) -> Due | None:
    return next_due(state, watch, calling=False, coming=None)


def test_the_old_attempt_does_not_keep_the_new_deadline() -> None:
    state, watch = hotter()
    assert due(state, watch) == Due(NOW + 2 * MINUTE, "remind")
    watch.reminded = True
    assert due(state, watch) == Due(NOW + 4 * MINUTE, "breach", "first_attempt")
    assert state.breached(NOW + HOUR)
    state.settle("call-1", "sent", NOW + MINUTE, "call")
    assert due(state, watch) is None
    assert not state.breached(NOW + HOUR)


def test_before_routing_has_said_the_new_deadline_nothing_is_late() -> None:
    state = lead("cold", due=BEFORE)
    state.settle("email-1", "sent", BEFORE, "email")
    inquire(state, "hot", NOW)
    assert not state.breached(NOW)


@pytest.mark.parametrize(("target", "again"), [("first_attempt", True), ("acceptance", False)])
def test_what_was_missed_before_is_looked_at_again_where_it_is_owed_again(target: str, again: bool) -> None:
    state, watch = hotter()
    watch.reminded, watch.acceptance = True, Acceptance(began=BEFORE, over=True)
    watch.reported = {"first_attempt", "acceptance"}
    found = due(state, watch)
    assert (found is not None and found.target == target) is again
    assert "first_attempt" in watch.reported, "what was missed stays missed"


def test_an_owner_is_not_missed_again_and_a_missing_one_is() -> None:
    state, watch = hotter()
    watch.reminded, watch.assign_due, watch.reported = True, NOW + MINUTE, {"assignment"}
    assert due(state, watch) == Due(NOW + 4 * MINUTE, "breach", "first_attempt")
    watch.assigned_at = None
    assert due(state, watch) == Due(NOW + MINUTE, "breach", "assignment")


def test_a_touch_that_went_out_before_is_no_attempt_of_the_hotter_lead() -> None:
    state, _ = hotter()
    state.attempted(NOW - MINUTE)
    assert state.first_attempt_at is None
    state.attempted(NOW)
    assert state.first_attempt_at == NOW


def test_a_form_that_makes_no_lead_hotter_leaves_its_attempt() -> None:
    state = lead("hot", due=NOW)
    state.settle("email-1", "sent", BEFORE, "email")
    inquire(state, "cold", NOW)
    assert state.first_attempt_at == BEFORE
    assert state.due == NOW
