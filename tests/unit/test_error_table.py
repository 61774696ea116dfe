"""The table of errors against the collected facts about both providers, and what its loader refuses."""

from importlib.resources import files

import pytest

from speedlead.checked_yaml import FileFault
from speedlead.domain.recovery import Then
from speedlead.ports import Ruling
from speedlead.providers import errors

# (codes, class, what follows, least wait in seconds, how often again), as the providers document them
TWILIO = [
    ("20429", "retry_safe", "retry", None, 1),
    ("21611", "retry_safe", "retry", 60, 1),
    ("20500 20503", "in_doubt", "reconcile", None, 1),
    ("20003", "config", "other_channel", None, 1),
    ("21211 21214 21217 21265 13224", "bad_address", "other_channel", None, 1),
    ("21614 21635", "bad_address", "other_channel", None, 1),
    ("21610", "opted_out", "plan", None, 1),
    ("21408 21606 21608 21612 21703 21215 21216 21219 30023 30035", "config", "other_channel", None, 1),
    ("21617", "content", "plan", None, 1),
    ("30001", "retry_later", "again", 300, 1),
    ("30003", "retry_later", "again", 3600, 2),
    ("30004 30005 30006", "bad_address", "other_channel", None, 1),
    ("30007", "content", "plan", None, 1),
    ("30008 30500 30022", "retry_later", "again", 600, 1),
    ("30032 30034", "config", "other_channel", None, 1),
    ("30036", "stale", "decide", None, 1),
    ("22005", "retry_later", "again", 300, 1),
    ("10004", "retry_later", "again", 60, 1),
]
HTTP = [
    ((429,), "retry_safe", "retry"),
    ((500, 502, 503, 504, 599, 408), "in_doubt", "reconcile"),
    ((401, 403), "config", "other_channel"),
    ((400, 413, 422), "content", "plan"),
]
# what leaves a number good to call
TEXTS_ONLY = {"21265", "21614", "21635", "30004", "30006"}


def brief(ruling: Ruling | None) -> tuple[str, str, float | None, int] | None:
    return ruling and (ruling.kind.value, ruling.then.value, ruling.after_s, ruling.times)


@pytest.mark.parametrize(
    ("code", "kind", "then", "after_s", "times"), [(c, *rest) for codes, *rest in TWILIO for c in codes.split()]
)
def test_each_documented_code_has_its_class_and_what_follows(
    code: str, kind: str, then: str, after_s: float | None, times: int
) -> None:
    assert brief(errors.twilio_ruling(code)) == (kind, then, after_s, times)


@pytest.mark.parametrize(
    ("status", "kind", "then"), [(s, *rest) for statuses, *rest in HTTP for s in statuses]
)  # fmt: skip
def test_each_status_has_its_class_and_what_follows(status: int, kind: str, then: str) -> None:
    ruling = errors.status_ruling(status)
    assert (ruling.kind.value, ruling.then.value) == (kind, then)


def test_a_number_that_takes_no_texts_may_still_be_called() -> None:
    codes = [code for codes, kind, *_ in TWILIO if kind == "bad_address" for code in codes.split()]
    texts = {code for code in codes if (ruling := errors.twilio_ruling(code)) and ruling.scope == "sms"}
    assert texts == TEXTS_ONLY


def test_a_number_that_is_closed_to_the_account_says_nothing_of_the_others() -> None:
    codes = [code for codes, kind, *_ in TWILIO if kind == "config" for code in codes.split()]
    assert {code for code in codes if (ruling := errors.twilio_ruling(code)) and ruling.scope == "number"} == {
        "21215", "21216", "21219",
    }  # fmt: skip


def test_operations_hear_of_what_only_they_can_mend() -> None:
    rulings = [errors.twilio_ruling(code) for codes, *_ in TWILIO for code in codes.split()]
    assert {ruling.kind.value for ruling in rulings if ruling and ruling.tell} == {"config", "content"}


TEXT = (files("speedlead.providers") / "errors.yaml").read_text(encoding="utf-8")
WRONG = [
    # (what is replaced, by what, the line's beginning, what the refusal says)
    ('"21211": {kind: bad_address', '"21211": {kind: bad_adress', '"21211"', "twilio.21211.kind"),
    ('"21211": {', '"2121": {', '"2121"', "twilio.2121"),
    ("scope: number, why: invalid To", "why: invalid To", '"21211"', "expected scope"),
    ("times: 2", "times: 9", '"30003"', "twilio.30003.times"),
    ("after_s: 60, why: the sender", "after: 60, why: the sender", '"21611"', "twilio.21611.after"),
    ('"21610": {kind: opted_out', '"21610": {kind: opted_out, times: 2', "", "twilio.21610: times has no meaning"),
    ("  stale: {then: decide, why: its time ran out on the way}\n", "", "", "classes: stale is missing"),
    ("  else: {", '  "999": {', '"999"', "http.999"),
    ('"20003": {', '"21211": {', "", "stands twice"),
]


@pytest.mark.parametrize(("old", "new", "line", "said"), WRONG, ids=lambda value: str(value)[:30])
def test_a_malformed_table_is_refused_with_its_line(old: str, new: str, line: str, said: str) -> None:
    text = TEXT.replace(old, new, 1)
    assert text != TEXT
    with pytest.raises(FileFault) as refused:
        errors.parse_table(text)
    number = next((n for n, row in enumerate(text.splitlines(), 1) if line and row.strip().startswith(line)), None)
    assert said in str(refused.value)
    if number is not None:
        assert str(refused.value).startswith(f"errors.yaml:{number}: ")


def test_every_follower_is_one_that_somebody_acts_on() -> None:
    used = {ruling.then for codes, *_ in TWILIO for c in codes.split() if (ruling := errors.twilio_ruling(c))}
    assert used == set(Then)
