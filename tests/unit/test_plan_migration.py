"""What the table says before leads are moved: by how much the next touch moves, who stays, who would be closed."""

from typing import Any

from speedlead.domain.lead import LeadState
from speedlead.domain.plan import Cadence
from speedlead.plan_migration import LeadMove, by_step, moved, owes
from speedlead.plan_migration_words import closing, moves_by, stands_at
from tests.unit.leads import HOUR, MINUTE, NOW, lead
from tests.unit.test_replanning import call, mail, plan

LONG = plan(mail("email-1"), mail("email-2", "email-1", 60), call("call-1", "email-2", 60), settle=0)
SHORT = plan(mail("email-1"), version=2, settle=0)


def on(cadence: Cadence, *done: str) -> LeadState:
    found = lead()
    found.cadence, found.opened = cadence, NOW
    for step in done:
        found.settle(step, "sent", NOW, "email")
    return found


def put_off(step: str) -> dict[str, Any]:
    return {"step": step, "at": NOW, "next_at": NOW + HOUR, "reason": "rep_unavailable"}


def table(*moves: LeadMove) -> tuple[str, str]:
    (row,) = by_step(moves)
    return moves_by(row), closing(moves)


def test_a_lead_that_has_nothing_left_there_is_said_to_be_closed_for_good() -> None:
    move = moved(on(LONG, "email-1"), SHORT, NOW + MINUTE)
    assert move.after is not None
    assert (move.before.what, move.after.step, move.later_by) == ("email-2", False, None)
    assert table(move) == ("", "1 of them has nothing left there and is closed at once; that cannot be taken back.")
    assert closing([move, move]).startswith("2 of them have nothing left there and are closed")


def test_a_lead_that_goes_on_is_said_to_move_and_not_to_close() -> None:
    later = plan(mail("email-1"), mail("email-2", "email-1", 67), version=2, settle=0)
    assert table(moved(on(LONG, "email-1"), later, NOW + MINUTE)) == ("7 min later", "")


def test_a_call_that_stays_due_is_known_to_the_table() -> None:
    calls = plan(call("call-1"), mail("email-1", "call-1", 60), settle=0)
    owing = on(calls)
    owes(owing, [put_off("call-1")], NOW + MINUTE)
    assert owing.owed is not None
    assert (owing.owed.step, owing.owed.retry_at) == ("call-1", NOW + HOUR)
    move = moved(owing, plan(mail("email-1"), version=2, settle=0), NOW + 2 * MINUTE)
    assert move.refused is not None
    assert "call-1 is still due" in move.refused
    assert moved(on(calls), plan(mail("email-1"), version=2, settle=0), NOW).refused is None


def test_a_call_of_an_earlier_round_is_not_due_any_more() -> None:
    hotter = on(plan(call("call-1"), settle=0))
    hotter.round = 2
    owes(hotter, [put_off("call-1")], NOW)
    assert hotter.owed is None
    owes(hotter, [put_off("call-1-r2")], NOW + MINUTE)
    assert hotter.owed is not None


def test_a_paused_lead_shows_what_comes_once_it_is_resumed() -> None:
    later = plan(mail("email-1"), mail("email-2", "email-1", 67), version=2, settle=0)
    held, away = on(LONG, "email-1"), on(LONG, "email-1")
    held.pause(None, "paused", NOW)
    away.pause(NOW + 2 * MINUTE, "paused", NOW)
    for paused in (held, away):
        move = moved(paused, later, NOW + MINUTE)
        (row,) = by_step([move])
        assert (stands_at(row), moves_by(row)) == ("e-mail 2 (paused)", "7 min later, once resumed")
        assert paused.paused
    assert len(by_step([moved(held, later, NOW), moved(on(LONG, "email-1"), later, NOW)])) == 2
    # longer than both delays: the touch is due with the end of the pause on either plan
    away.pause(NOW + 3 * HOUR, "paused")
    assert table(moved(away, later, NOW)) == ("not at all, once resumed", "")


def test_a_paused_lead_with_nothing_left_is_not_closed_before_it_is_resumed() -> None:
    held = on(LONG, "email-1")
    held.pause(None, "paused", NOW)
    sentence = "1 of them has nothing left there and is closed when resumed."
    assert table(moved(held, SHORT, NOW + MINUTE)) == ("", sentence)
