"""What a draft is held against, how a plan is written and compared, and what a migration would do, in rows."""

from datetime import timedelta
from typing import Any

import pytest

from speedlead.domain.lead import Owed
from speedlead.domain.plan import Plan
from speedlead.domain.plan_reach import unreachable
from speedlead.plan_migration import by_step, moved
from speedlead.plan_migration_words import moves_by, passed_over
from speedlead.plan_text import compared, target_data, text_of, with_targets
from speedlead.planbook import load_plan, packaged_plan, parse_plan
from tests.unit.leads import MINUTE, NOW, lead

BASE = load_plan()


def changed(**changes: Any) -> Plan:
    return Plan.model_validate(BASE.model_dump(mode="json", by_alias=True) | changes)


def with_hot(steps: list[dict[str, Any]]) -> Plan:
    body = BASE.model_dump(mode="json", by_alias=True)
    body["tracks"]["hot"]["steps"] = steps
    return Plan.model_validate(body)


CALL = {"id": "call-1", "channel": "call", "after": "lead"}


def test_the_plan_that_comes_along_keeps_what_it_promises() -> None:
    assert list(unreachable(BASE)) == []


@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        (with_hot([CALL, CALL | {"id": "call-2", "after": "call-1", "delay": "20m"}]),
         "targets: hot: attempts: attempt 2 is promised within 10m, expected a step by then, got call-2 after 20m 26s"),
        (with_hot([CALL]), "targets: hot: attempts: expected 3 steps at least, got the 1 of the hot track"),
        (with_hot([CALL | {"local_days": 1}]), "targets: trade-show: expected a step on the day of the inquiry"),
    ],
)  # fmt: skip
def test_a_promise_that_no_step_can_keep_is_named(plan: Plan, problem: str) -> None:
    assert any(line.startswith(problem) for line in unreachable(plan)), list(unreachable(plan))


def test_a_plan_is_written_so_that_it_reads_back_the_same() -> None:
    assert parse_plan(text_of(BASE), "x") == BASE
    assert compared(BASE, BASE) == []
    assert any(line.startswith("+") and "tiktok" in line for line in compared(BASE, changed(
        intents={"hot": ["tiktok"], "warm": ["webinar"], "cold": ["other"]})))  # fmt: skip


def test_other_targets_leave_the_rest_of_the_file_as_it_was_written() -> None:
    text = packaged_plan().read_text("utf-8")
    new = with_targets(text, [target_data(target) for target in BASE.targets[:2]])
    assert parse_plan(new, "x").targets == BASE.targets[:2]
    assert parse_plan(new, "x").tracks == BASE.tracks
    assert "# REQ 46-53, X1, X2" in new
    assert "# in the lead's own zone" in new
    assert parse_plan(with_targets("id: x\n", [{"id": "a"}]) and text, "x") == BASE


def test_the_table_says_where_leads_stand_and_how_the_next_touch_moves() -> None:
    later = BASE.model_dump(mode="json", by_alias=True) | {"version": BASE.version + 1}
    later["tracks"]["hot"]["steps"][1] |= {"delay": 900, "by": None}
    to = Plan.model_validate(later)
    first, second = lead(lead_id="a"), lead(lead_id="b")
    for state in (first, second):
        state.settle("call-1", "sent", NOW, "call")
    moves = [moved(first, to, NOW + MINUTE), moved(second, to, NOW + MINUTE, "call-1")]
    [row] = by_step(moves)
    assert (row.before, row.after, row.leads, row.under_way) == ("call-2", "call-2", 2, 1)
    assert row.least == row.most == timedelta(minutes=8)
    assert moves_by(row) == "8 min later"
    assert passed_over(row) == ""
    assert first.cadence == BASE.cadence(), "a look changes nothing"
    assert not first.replanned


def test_a_lead_that_cannot_go_is_in_the_table_with_the_reason() -> None:
    state = lead()
    state.settle("call-1", "deferred", NOW, "call", "rep_unavailable")
    state.owed = Owed("call-1", NOW + MINUTE)
    mail = {"id": "m", "channel": "email", "after": "lead", "template": "useful"}
    [row] = by_step([moved(state, with_hot([mail]), NOW)])
    assert row.after is None
    assert row.refused is not None
    assert "call-1 is still due" in row.refused
    assert moves_by(row) == ""
