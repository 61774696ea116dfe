"""After a touch that did not arrive: another channel at once, the same message once more, or on with the plan."""

from dataclasses import dataclass
from datetime import datetime

import pytest

from speedlead.domain.cadence import Act, Substitute, decide
from speedlead.domain.lead import LeadState, Report
from speedlead.domain.outcomes import CallResult
from speedlead.domain.recovery import name_again, not_delivered, plan_step
from speedlead.domain.settling import settle
from tests.unit.leads import DAY, HOUR, MINUTE, NOW, lead


@dataclass
class Ended:
    state: str
    at: datetime
    reason: str | None = None
    next_at: datetime | None = None
    bad_channel: str | None = None
    opted_out: str | None = None
    call_result: CallResult | None = None


def act(state: LeadState, now: datetime) -> Act:
    found = decide(state, now)
    assert isinstance(found, Act)
    return found


def through(state: LeadState, last: str) -> datetime:
    """Everything up to and with the step `last` was sent when the plan says; answers when that was."""
    while True:
        found = act(state, NOW)
        result = CallResult.NO_ANSWER if found.step.channel == "call" else None
        at = found.earliest + found.step.local_days * DAY
        settle(state, found, found.earliest, Ended("sent", at, call_result=result), at)
        if found.step.id == last:
            return at


def test_a_bounce_sends_the_next_step_of_another_channel_at_once() -> None:
    state = lead()
    at = through(state, "email-1")
    state.undeliverable("email")
    not_delivered(state, "email-1", Report("other_channel"), at + MINUTE)
    found = act(state, at + MINUTE)
    assert (found.step.id, found.earliest, found.at_once) == ("sms-1", at + MINUTE, True)


def test_the_distance_to_the_last_call_is_kept_and_the_time_of_day_is_not() -> None:
    state = lead(consent_sms=False)
    at = through(state, "email-1")
    state.undeliverable("email")
    not_delivered(state, "email-1", Report("other_channel"), at + MINUTE)
    found = act(state, at + MINUTE)
    # call-4 is planned 4 h after call-1; its least distance is an hour from call-3 at 27 min
    assert (found.step.id, found.earliest) == ("call-4", NOW + 27 * MINUTE + HOUR)

    later = lead(consent_sms=False)
    at = through(later, "day-3-email")
    later.undeliverable("email")
    not_delivered(later, "day-3-email", Report("other_channel"), at + MINUTE)
    found = act(later, at + MINUTE)
    assert (found.step.id, found.earliest) == ("day-4-call", at + MINUTE)
    assert (found.step.local_days, found.step.slot) == (0, None)


def test_a_bounce_that_comes_after_another_touch_hurries_nobody() -> None:
    state = lead()
    at = through(state, "sms-1")
    state.undeliverable("email")
    not_delivered(state, "email-1", Report("other_channel"), at + MINUTE)
    found = act(state, at + MINUTE)
    assert (found.step.id, found.earliest, found.at_once) == ("call-4", NOW + 4 * HOUR, False)


@pytest.mark.parametrize("reason", ["invalid_email", "provider_config", "provider_down"])
def test_a_mail_that_cannot_go_sends_the_other_channel_at_once(reason: str) -> None:
    state = lead()
    through(state, "call-3")
    found = act(state, NOW)
    settle(state, found, found.earliest, Ended("failed", found.earliest, reason), found.earliest)
    assert (act(state, NOW).step.id, act(state, NOW).earliest) == ("sms-1", found.earliest)
    settle(state, act(state, NOW), found.earliest, Ended("sent", found.earliest), found.earliest)
    assert not act(state, NOW).at_once, "once only"


@pytest.mark.parametrize("reason", ["content_refused", "stale"])
def test_a_refused_text_is_followed_by_the_plan(reason: str) -> None:
    state = lead()
    through(state, "call-3")
    found = act(state, NOW)
    settle(state, found, found.earliest, Ended("failed", found.earliest, reason), found.earliest)
    assert (act(state, NOW).step.id, act(state, NOW).earliest) == ("sms-1", found.earliest + 10 * MINUTE)


def test_a_dead_line_sends_the_first_mail_at_once() -> None:
    state = lead()
    found = act(state, NOW)
    settle(state, found, NOW, Ended("sent", NOW, call_result=CallResult.DISCONNECTED), NOW + MINUTE)
    after = decide(state, NOW + MINUTE)
    while isinstance(after, Substitute):  # a call that cannot be made may be a person's task first
        state.settle(after.step.id, "skipped", after.at, "call", after.reason)
        after = decide(state, NOW + MINUTE)
    assert isinstance(after, Act)
    assert (after.step.id, after.earliest) == ("email-1", NOW + MINUTE)


def test_what_may_work_later_goes_once_more_and_never_after_the_next_step() -> None:
    state = lead()
    at = through(state, "sms-1")
    not_delivered(state, "sms-1", Report("again", 10 * MINUTE, 1), at + MINUTE)
    found = act(state, at + MINUTE)
    assert (found.step.id, found.step.template, found.earliest) == ("sms-1-again", "missed_you", at + 11 * MINUTE)
    assert found.latest == NOW + 4 * HOUR, "when call-4 goes"
    settle(state, found, found.earliest, Ended("sent", found.earliest), found.earliest)
    not_delivered(state, "sms-1-again", Report("again", 10 * MINUTE, 1), at + 12 * MINUTE)
    assert act(state, NOW).step.id == "call-4", "once"
    assert not any(settled.moved for settled in state.settled.values())


def test_a_second_time_where_the_table_says_so() -> None:
    state = lead()
    at = through(state, "sms-1")
    for name in ("sms-1-again", "sms-1-again-2"):
        previous = "sms-1" if name == "sms-1-again" else "sms-1-again"
        not_delivered(state, previous, Report("again", 10 * MINUTE, 2), at + MINUTE)
        found = act(state, NOW)
        assert found.step.id == name
        settle(state, found, found.earliest, Ended("sent", found.earliest), found.earliest)
    not_delivered(state, "sms-1-again-2", Report("again", 10 * MINUTE, 2), at + HOUR)
    assert act(state, NOW).step.id == "call-4"


def test_a_repetition_that_would_come_after_the_next_step_is_left_out_for_good() -> None:
    state = lead()
    at = through(state, "sms-1")
    not_delivered(state, "sms-1", Report("again", 6 * HOUR, 1), at + MINUTE)
    call = act(state, NOW)
    assert call.step.id == "call-4"
    settle(state, call, call.earliest, Ended("sent", call.earliest, call_result=CallResult.NO_ANSWER), call.earliest)
    assert act(state, NOW).step.id == "day-2-call"


def test_after_the_last_step_a_repetition_still_goes_while_the_lead_is_open() -> None:
    state = lead()
    at = through(state, "day-7-email")
    not_delivered(state, "day-7-email", Report("again", HOUR, 1), at)
    found = act(state, at)
    assert (found.step.id, found.earliest, found.latest) == ("day-7-email-again", at + HOUR, at + DAY)


def test_a_closed_channel_repeats_nothing() -> None:
    state = lead()
    at = through(state, "sms-1")
    not_delivered(state, "sms-1", Report("again", MINUTE, 1), at)
    state.opted_out("sms")
    assert act(state, at).step.id == "call-4"


def test_a_stale_text_goes_again_only_while_it_is_fresh() -> None:
    for late, step in ((5 * MINUTE, "sms-1-again"), (16 * MINUTE, "call-4")):
        state = lead()
        at = through(state, "sms-1")
        not_delivered(state, "sms-1", Report("decide"), at + late)
        assert act(state, at + late).step.id == step


def test_a_word_that_overtakes_the_answer_counts_when_the_touch_has_ended() -> None:
    state = lead()
    through(state, "call-3")
    mail = act(state, NOW)
    state.undeliverable("email")
    not_delivered(state, "email-1", Report("other_channel"), mail.earliest)
    settle(state, mail, mail.earliest, Ended("sent", mail.earliest), mail.earliest + MINUTE)
    assert (act(state, NOW).step.id, act(state, NOW).earliest) == ("sms-1", mail.earliest + MINUTE)
    assert not state.early


@pytest.mark.parametrize(("name", "known"), [("ack-1", ("ack-1", 0)), ("sms-1-again", ("sms-1", 1))])
def test_names_tell_the_step_and_the_repetition(name: str, known: tuple[str, int]) -> None:
    assert plan_step(name) == known
    assert plan_step(name_again("day-3-email", 2)) == ("day-3-email", 2)
