"""Every code that the engine writes into rows has words of its own."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from speedlead import wording
from speedlead.domain.cadence import FOLLOW_UPS
from speedlead.domain.outcomes import CallResult, Outcome
from speedlead.wording_reasons import REASONS

ROOT = Path(__file__).parents[2]
PLACES = [
    *ROOT.glob("workflows/*.py"), *ROOT.glob("activities/*.py"), *ROOT.glob("speedlead/store/*.py"),
    *ROOT.glob("speedlead/domain/*.py"), *ROOT.glob("speedlead/contracts/*.py"),
]  # fmt: skip
TREES = [(path.name, list(ast.walk(ast.parse(path.read_text("utf-8"))))) for path in PLACES]
# calls whose `kind` is a story line, and calls whose `kind` is a notice
STORY, NOTICE = {"tell_story", "story", "note"}, {"put_notice", "tell", "_notify"}
# calls and classes whose first argument, or `reason`, is a reason
REASON = {"Skipped", "Impossible", "Skip", "Await", "show", "wait", "_refuse"}
# what is not a code: text of an exception, or of the Temporal UI
NO_REASON = {"", "no_call"}


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    for file, nodes in TREES:
        for node in nodes:
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                yield file, name, node


def texts(node: ast.expr | None) -> Iterator[str]:
    """The literals that an expression can be; of an f-string its parts that stand alone behind a colon are not."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts(value)


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def first(call: ast.Call, at: int = 0) -> ast.expr | None:
    return call.args[at] if len(call.args) > at else None


def story_kinds() -> set[str]:
    found = {k for _, name, call in calls() if name in STORY for k in texts(keyword(call, "kind") or first(call))}
    return found | {"sent", "skipped", "deferred", "failed", "in_doubt"}


def notice_kinds() -> set[str]:
    found = {k for _, name, call in calls() if name in NOTICE for k in texts(keyword(call, "kind") or first(call, 2))}
    return found | {rule.why for rule in FOLLOW_UPS.values()} | {"send_in_doubt", "send_failed"}


def reasons() -> set[str]:
    found: set[str] = {rule.why for rule in FOLLOW_UPS.values()} | {r.reason_at_limit for r in FOLLOW_UPS.values()}
    for _, name, call in calls():
        for reason in texts(keyword(call, "reason")):
            found.add(reason)
        if name in REASON:
            at = 1 if name in ("Skip", "Await", "show", "wait", "_refuse") else 0
            found |= set(texts(first(call, at)))
    for _, nodes in TREES:
        for node in nodes:
            # defaults of contracts, and functions that answer with a reason
            if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "reason":
                found |= set(texts(node.value))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in ("unusable", "_refusal"):
                for answer in ast.walk(node):
                    found |= set(texts(answer.value)) if isinstance(answer, ast.Return) else set()
    found |= set(re.findall(r'"(dropped:[a-z_]+)"', (ROOT / "speedlead/domain/placing.py").read_text()))
    found |= {*CallResult, *Outcome, "rep_no_answer", "rep_declined", "not_permitted", "opted_in"}
    return {code for code in found if code not in NO_REASON}


def test_the_sources_are_read_at_all() -> None:
    assert {"cannot_place", "reply_heard", "closed", "opt_in", "notified", "skipped_by_hand"} <= story_kinds()
    assert {"call_task", "provider_config", "nobody_accepted", "write_personally"} <= notice_kinds()
    assert {"rep_unavailable", "superseded", "lead_closed", "no_common_window", "no_email"} <= reasons()


@pytest.mark.parametrize("kind", sorted(story_kinds()))
def test_every_line_of_a_story_has_words(kind: str) -> None:
    assert kind in wording.STORY or kind in wording.TOUCH_STATES


@pytest.mark.parametrize("kind", sorted(notice_kinds()))
def test_every_notice_has_words(kind: str) -> None:
    assert kind in wording.NOTICES


@pytest.mark.parametrize("code", sorted(reasons()))
def test_every_reason_has_words(code: str) -> None:
    assert code in REASONS or code in wording.CALL_RESULTS or code in wording.OUTCOMES or not wording.is_code(code)


@pytest.mark.parametrize(
    ("code", "channel", "text"),
    [
        ("no_consent", "call", "there is no consent to calls"),
        ("no_consent:us-ct", "email", "there is no consent to e-mail (us-ct)"),
        ("no_consent:sms", "sms", "there is no consent to SMS"),
        ("holiday:us-al", "call", "a public holiday where the lead is (us-al)"),
        ("outside_business_hours:team_hours", None, "none of our people is on shift"),
        ("on holiday until May", None, "on holiday until May"),
        ("call-1: no_phone", None, "there is no phone number (call-1)"),
    ],
)
def test_reasons_with_a_law_a_channel_or_a_step(code: str, channel: str | None, text: str) -> None:
    assert wording.reason(code, channel) == text


def test_reasons_of_one_line_say_each_thing_once() -> None:
    assert wording.reasons(["no_consent", "no_consent:au"], "call") == "there is no consent to calls (au)"
    assert wording.reasons(["no_phone", "no_consent", "no_phone"], "call") == (
        "there is no phone number; there is no consent to calls"
    )


@pytest.mark.parametrize(("code", "text"), [
    ("ack-1-sms", "acknowledgement 1 sms"),
    ("meeting-1-booked-0", "meeting booked"),
    ("meeting-2-cancelled-1", "meeting called off"),
    ("meeting-1-reminder-0-1440m", "meeting reminder, 24 h before"),
    ("meeting-1-reminder-3-90m", "meeting reminder, 90 min before"),
])  # fmt: skip
def test_a_step_is_told_without_its_numbers(code: str, text: str) -> None:
    assert wording.step(code) == text


def test_an_outcome_is_a_reps_only_where_a_rep_logged_it() -> None:
    assert wording.told("outcome", None, {"rep_id": "sam"})[0] == "The rep logged an outcome"
    assert wording.told("outcome", "booked_by_lead", {"outcome": "meeting_booked"})[0] == "An outcome was logged"


@pytest.mark.parametrize(("count", "text"), [(0, "0 leads"), (1, "1 lead"), (1200, "1,200 leads")])
def test_what_is_counted_is_one_or_many(count: int, text: str) -> None:
    assert wording.counted(count, "lead") == text


def test_who_speaks_in_a_call_did_not_write() -> None:
    assert wording.told("reply", None, {"channel": "call"})[0] == "The lead spoke to us"
    assert wording.told("reply", None, {"channel": "sms"})[0] == "The lead wrote back"
