"""What next, and why: the plan's own times, what takes precedence, and that no lead is ever without a next thing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speedlead.domain.cadence import (
    FOLLOW_UPS,
    Act,
    Await,
    Decision,
    Finish,
    HandOver,
    Remind,
    Resume,
    Skip,
    Substitute,
    decide,
    planned,
)
from speedlead.domain.lead import FollowUp, LeadState, Owed, Settled
from speedlead.domain.outcomes import CallResult, Outcome, Stage
from speedlead.domain.settling import cannot_be_placed, settle
from tests.unit.leads import CADENCE, DAY, HOUR, MINUTE, NOW, SECOND, inquire, lead

HOT = CADENCE.tracks["hot"]
STEPS = {step.id: step for step in HOT.steps}
LEAD_TIME = 26 * SECOND


def act(state: LeadState, now: datetime = NOW) -> Act:
    decision = decide(state, now)
    assert isinstance(decision, Act), decision
    return decision


def sent(state: LeadState, step: str, at: datetime) -> None:
    state.settle(step, "sent", at, STEPS[step].channel)


def through(state: LeadState, last: str, at: datetime) -> None:
    """All steps up to `last` are done, at that instant."""
    for step in state.track.steps:
        state.settle(step.id, "sent", at, step.channel)
        if step.id == last:
            return


# ── the times of the plan (X1, X2, REQ 46-50) ────────────────────────────────────────────────────────────────────────


def test_calls_that_start_on_time_start_at_3_10_and_30_minutes() -> None:
    """X1: the offsets count from the start of the attempt before, which is when the lead's phone rings."""
    state = lead()
    sent(state, "call-1", NOW + 3 * MINUTE)
    assert act(state).earliest + LEAD_TIME == NOW + 10 * MINUTE
    sent(state, "call-2", NOW + 10 * MINUTE)
    assert act(state).earliest + LEAD_TIME == NOW + 30 * MINUTE


def test_an_early_call_makes_the_next_ones_early() -> None:
    state = lead()
    assert act(state).earliest == NOW
    sent(state, "call-1", NOW + 30 * SECOND)
    assert act(state).earliest == NOW + 30 * SECOND + 7 * MINUTE
    sent(state, "call-2", NOW + 8 * MINUTE)
    assert act(state).earliest == NOW + 28 * MINUTE


def test_after_a_late_call_the_deadline_gives_way_to_the_minimum_gap() -> None:
    state = lead()
    sent(state, "call-1", NOW + 20 * MINUTE)
    assert act(state).earliest == NOW + 22 * MINUTE


def test_a_call_that_the_calendar_moved_is_followed_at_the_plans_distance_and_in_no_burst() -> None:
    """Opened at 17:59: the second call comes at nine the next morning, and the third twenty minutes after it."""
    state = lead()
    sent(state, "call-1", NOW)
    morning = NOW + 15 * HOUR
    decision = act(state)
    settle(state, decision, morning, _Sent(morning), morning)
    assert decision.step.id == "call-2"
    assert act(state).earliest == morning + 20 * MINUTE


@dataclass
class _Sent:
    at: datetime
    state: str = "sent"
    reason: str | None = None
    next_at: datetime | None = None
    bad_channel: str | None = None
    opted_out: str | None = None
    call_result: CallResult | None = CallResult.NO_ANSWER


def test_call_4_counts_from_call_1_and_stays_an_hour_behind_call_3() -> None:
    state = lead()
    through(state, "sms-1", NOW + 45 * MINUTE)
    state.settled["call-1"].at = NOW + MINUTE
    state.settled["call-3"].at = NOW + 29 * MINUTE
    assert act(state).earliest == NOW + MINUTE + 4 * HOUR  # X2
    state.settled["call-3"].at = NOW + 3 * HOUR + 30 * MINUTE
    assert act(state).earliest == NOW + 4 * HOUR + 30 * MINUTE


@given(
    st.lists(st.integers(0, 40_000), min_size=len(HOT.steps), max_size=len(HOT.steps)),
    st.sampled_from(sorted(CADENCE.tracks)),
)
def test_planned_keeps_gaps_and_deadlines_whenever_the_steps_before_really_happened(
    delays: list[int], lead_type: Any
) -> None:
    track, anchors = CADENCE.tracks[lead_type], dict[str, datetime]()
    for step, late in zip(track.steps, delays, strict=False):
        at = planned(step, track, NOW, anchors)
        assert at >= NOW
        before = [anchors[s.id] for s in track.steps if s.id in anchors and s.channel == step.channel]
        gap = timedelta(seconds=step.min_gap)
        if step.min_gap and before:
            assert at >= max(before) + gap
        anchor = NOW if step.after == "lead" else anchors[step.after]
        wish = anchor + timedelta(seconds=step.delay)
        pushed = max([NOW, *(b + gap for b in before)]) if step.min_gap else NOW
        if step.by is not None:
            assert at <= max(NOW + timedelta(seconds=step.by) - LEAD_TIME, pushed)
        assert at <= max(wish, pushed)
        anchors[step.id] = at + late * SECOND


def test_the_plan_does_not_ring_right_after_a_call_that_somebody_asked_for() -> None:
    state = lead()
    sent(state, "call-1", NOW)
    state.settle("callback-1", "sent", NOW + 3 * HOUR, "call")
    assert act(state, NOW + 3 * HOUR).earliest == NOW + 3 * HOUR + 7 * MINUTE


# ── a channel that is missing ────────────────────────────────────────────────────────────────────────────────────────


def test_without_a_phone_the_owner_writes_personally_by_the_same_deadline() -> None:
    decision = decide(lead(has_phone=False), NOW + SECOND)
    assert isinstance(decision, Substitute)
    assert (decision.step.id, decision.reason, decision.due) == ("call-1", "no_phone", NOW + 3 * MINUTE)


def test_steps_after_a_task_count_from_when_the_step_would_have_been() -> None:
    decision = decide(lead("warm", has_phone=False), NOW + SECOND)
    assert isinstance(decision, Substitute)
    assert (decision.at, decision.due) == (NOW + 10 * MINUTE, NOW + 15 * MINUTE)


def test_skipped_calls_anchor_the_mail_after_them_where_they_would_have_been() -> None:
    state = lead(has_phone=False)
    state.settle("call-1", "skipped", NOW, "call", "no_phone")
    decision = act(state)
    assert decision.step.id == "email-1"
    assert [(skip.step.id, skip.reason) for skip in decision.skips] == [("call-2", "no_phone"), ("call-3", "no_phone")]
    assert decision.earliest == NOW + 7 * MINUTE + 20 * MINUTE + 2 * MINUTE
    assert decision.calendar


def test_a_text_without_consent_is_skipped_for_that_reason() -> None:
    state = lead(consent_sms=False)
    through(state, "email-1", NOW)
    assert [(s.step.id, s.reason) for s in act(state).skips] == [("sms-1", "no_consent")]


def test_without_an_address_the_calls_go_on_at_their_days() -> None:
    state = lead(has_email=False, consent_sms=False)
    through(state, "call-3", NOW)
    assert [skip.step.id for skip in act(state).skips] == ["email-1", "sms-1"]
    sent(state, "call-4", NOW + 4 * HOUR)
    assert act(state).step.id == "day-2-call"


@pytest.mark.parametrize("lead_type", ["hot", "warm", "cold"])
def test_a_lead_that_cannot_be_reached_at_all_is_handed_to_a_person(lead_type: str) -> None:
    state = lead(lead_type, has_phone=False, has_email=False)
    for _ in range(3):
        decision = decide(state, NOW)
        if not isinstance(decision, Substitute):
            break
        state.settle(decision.step.id, "skipped", NOW, decision.step.channel, decision.reason)
    assert isinstance(decision, HandOver)
    assert {s.step.id for s in decision.skips} | set(state.settled) == {s.id for s in state.track.steps}


# ── a lead that cannot be called is a person's: once, with the reason ────────────────────────────────────────────────


def lived(state: LeadState, closes: dict[str, str]) -> list[Substitute]:
    """Goes through the whole plan; a channel of `closes` turns out to be closed when it is first wanted."""
    tasks, now = [], NOW
    for _ in range(100):
        match decision := decide(state, now):
            case Act(step=step) if step.channel in closes:
                cannot_be_placed(state, decision, closes[step.channel])
            case Act(step=step, earliest=earliest, skips=skips):
                now = max(now, earliest)
                pass_over(state, skips, now)
                state.settle(step.id, "sent", now, step.channel)
            case Substitute(step=step, reason=reason, at=at):
                tasks.append(decision)
                state.settle(step.id, "skipped", at, step.channel, reason)
            case Await(until=until):
                assert until is not None
                now = until
            case HandOver() | Finish():
                return tasks
    raise AssertionError("the plan has no end")


@pytest.mark.parametrize("reason", ["unknown_location", "no_consent", "no_common_window", "invalid_number"])
@pytest.mark.parametrize(("lead_type", "step"), [("hot", "call-1"), ("warm", "call-1"), ("cold", "day-2-call")])
def test_on_every_track_a_lead_that_cannot_be_called_is_one_task_with_the_reason(
    lead_type: str, step: str, reason: str
) -> None:
    tasks = lived(lead(lead_type), {"call": reason})
    assert [(task.step.id, task.reason) for task in tasks] == [(step, reason)]


def test_a_lead_that_can_be_called_is_nobodys_task() -> None:
    assert [lived(lead(lead_type), {}) for lead_type in ("hot", "warm", "cold")] == [[], [], []]


def test_calls_that_become_impossible_on_the_way_are_one_task_as_well() -> None:
    state = lead()
    through(state, "call-4", NOW)
    tasks = lived(state, {"call": "unknown_location"})
    assert [(task.step.id, task.reason) for task in tasks] == [("day-2-call", "unknown_location")]
    # due when the call would have been
    assert tasks[0].due == NOW + DAY


def test_a_second_reason_is_a_task_of_its_own() -> None:
    state = lead()
    state.settle("call-1", "skipped", NOW, "call", "unknown_location")
    state.closed_channels["call"] = "invalid_number"
    decision = decide(state, NOW)
    assert isinstance(decision, Substitute)
    assert (decision.step.id, decision.reason) == ("call-2", "invalid_number")


def test_a_lead_that_wants_no_more_calls_is_not_asked_about_again() -> None:
    state = lead()
    through(state, "call-1", NOW)
    state.opted_out("call")
    assert lived(state, {}) == []


def test_a_task_is_due_by_what_the_lead_was_promised() -> None:
    decision = decide(lead(has_phone=False, due=NOW + 2 * MINUTE), NOW)
    assert isinstance(decision, Substitute)
    assert decision.due == NOW + 2 * MINUTE


def test_a_callback_that_turns_out_to_be_impossible_is_a_task_and_not_forgotten() -> None:
    state = lead(callbacks=[NOW + DAY])
    cannot_be_placed(state, act(state), "no_common_window")
    decision = decide(state, NOW)
    assert isinstance(decision, Substitute)
    assert (decision.step.id, decision.reason, decision.due) == ("callback-1", "no_common_window", NOW + DAY)


def test_a_callback_that_the_gate_refuses_is_a_task_and_not_forgotten() -> None:
    state = lead(callbacks=[NOW])
    settle(state, act(state), NOW, _Sent(NOW, "skipped", "no_consent", call_result=None), NOW)
    decision = decide(state, NOW)
    assert isinstance(decision, Substitute)
    assert (decision.step.id, decision.reason) == ("callback-1", "no_consent")


def test_whoever_has_a_task_already_is_not_told_again_that_nothing_can_be_sent() -> None:
    state = lead("hot", has_phone=False, has_email=False)
    state.settle("call-1", "skipped", NOW, "call", "no_phone")
    decision = decide(state, NOW)
    assert isinstance(decision, HandOver)
    assert decision.reminded == 1


def test_a_plan_whose_every_touch_failed_is_handed_to_a_person_and_not_archived() -> None:
    state = lead()
    for step in HOT.steps:
        state.settle(step.id, "failed", NOW, step.channel, "provider_down")
    assert decide(state, NOW + 30 * DAY) == HandOver(())


def test_after_the_last_touch_the_lead_stays_open_for_a_late_answer_and_then_ends() -> None:
    state = lead()
    through(state, "day-7-email", NOW)
    assert decide(state, NOW) == Await(NOW + DAY, "plan_completed")
    assert decide(state, NOW + DAY) == Finish("plan_completed", Stage.EXHAUSTED, ())


# ── a call that nobody of ours made ──────────────────────────────────────────────────────────────────────────────────


def test_a_call_that_stays_due_goes_before_whatever_comes_later() -> None:
    state = lead()
    state.settle("call-1", "deferred", NOW, "call", "rep_unavailable")
    state.owed = Owed("call-1", NOW + 2 * MINUTE)
    assert act(state) == Act(STEPS["call-1"], NOW + 2 * MINUTE)
    state.owed = Owed("call-1", NOW + 9 * MINUTE)
    assert act(state).step.id == "call-2"


def test_a_call_that_stays_due_does_not_hold_the_mails_up() -> None:
    state = lead()
    through(state, "call-2", NOW)
    state.settle("call-3", "deferred", NOW, "call", "rep_unavailable")
    state.owed = Owed("call-3", NOW + 3 * HOUR)
    assert (act(state).step.id, act(state).earliest) == ("email-1", NOW + 2 * MINUTE)


def test_an_owed_call_ends_when_its_channel_does() -> None:
    state = lead()
    state.settle("call-1", "deferred", NOW, "call", "rep_unavailable")
    state.owed = Owed("call-1", NOW + 2 * MINUTE)
    state.closed_channels["call"] = "no_consent"
    task = decide(state, NOW)
    assert task == Substitute(STEPS["call-1"], "no_consent", NOW + 3 * MINUTE, NOW)  # `instead: rep_task`
    state.settle("call-1", "skipped", NOW, "call", "no_consent")
    assert state.owed is None


def test_any_owed_call_is_for_a_person_when_its_channel_ends_but_only_once() -> None:
    state = lead()
    through(state, "call-1", NOW)
    state.settle("call-2", "deferred", NOW, "call", "rep_unavailable")
    state.owed = Owed("call-2", NOW + 2 * MINUTE)
    state.closed_channels["call"] = "no_consent"
    assert decide(state, NOW) == Substitute(STEPS["call-2"], "no_consent", NOW + 10 * MINUTE, NOW)
    state.settled["call-1"] = Settled("skipped", NOW, "call", "no_consent")
    decision = act(state)
    assert decision.step.id == "email-1"
    assert (decision.skips[0].step.id, decision.skips[0].reason) == ("call-2", "no_consent")


def test_an_owed_call_of_a_plan_that_the_lead_has_left_is_forgotten() -> None:
    state = lead()
    state.owed = Owed("a-step-of-the-old-plan", NOW)
    assert act(state).step.id == "call-1"


def test_a_call_that_nobody_ever_makes_does_not_keep_a_lead_open_for_ever() -> None:
    state = lead()
    through(state, "day-7-email", NOW)
    state.settle("day-6-call", "deferred", NOW, "call", "rep_unavailable")
    state.owed = Owed("day-6-call", NOW + 3 * DAY)
    assert act(state, NOW + 3 * DAY).step.id == "day-6-call"
    end = decide(state, NOW + 7 * DAY)
    assert isinstance(end, Finish)
    assert [(s.step.id, s.reason) for s in end.skips] == [("day-6-call", "rep_unavailable")]


# ── what takes precedence ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_callback_takes_the_place_of_the_plan_until_its_moment() -> None:
    state = lead()
    state.decided(Outcome.CALLBACK_REQUESTED, NOW, when=NOW + 2 * DAY)
    decision = act(state)
    assert (decision.step.id, decision.earliest, decision.manual) == ("callback-1", NOW + 2 * DAY, True)


def test_the_earliest_of_two_callbacks_comes_first() -> None:
    state = lead(callbacks=[NOW + 2 * DAY, NOW + DAY])
    assert act(state).earliest == NOW + DAY


def test_a_callback_without_a_phone_becomes_a_task_of_the_owner() -> None:
    state = lead(has_phone=False, callbacks=[NOW + DAY])
    decision = decide(state, NOW)
    assert isinstance(decision, Substitute)
    assert (decision.reason, decision.due) == ("no_phone", NOW + DAY)


def test_a_pause_holds_callbacks_and_reminders_too_and_ends_by_itself() -> None:
    # that the lead wrote was said already; only that is told during a pause of ours
    state = lead(callbacks=[NOW], follow_up=FollowUp("replied", NOW, reminded=1))
    state.pause(NOW + DAY, "legal_hold")
    assert decide(state, NOW) == Await(NOW + DAY, "legal_hold")
    assert decide(state, NOW + DAY) == Resume()
    state.pause(None, "legal_hold")
    assert decide(state, NOW + 365 * DAY) == Await(None, "legal_hold")


def test_an_end_goes_before_a_pause() -> None:
    state = lead()
    state.pause(None, "legal_hold")
    state.opted_out("all")
    assert decide(state, NOW) == Finish("opted_out", Stage.CLOSED)


def test_without_an_opening_there_is_nothing_to_count_from() -> None:
    with pytest.raises(ValueError, match="no opening"):
        decide(lead(opened=None), NOW)


@pytest.mark.parametrize("kind", sorted(FOLLOW_UPS))
def test_people_are_reminded_until_the_limit_and_then_it_ends_with_a_reason(kind: str) -> None:
    state, now, told = lead(follow_up=FollowUp(kind, NOW)), NOW, []
    assert state.follow_up is not None
    for _ in range(40):
        decision = decide(state, now)
        if isinstance(decision, Remind):
            assert decision.number == state.follow_up.reminded + 1
            told.append((decision.audience, now - NOW))
            state.follow_up.reminded = decision.number
        elif isinstance(decision, Await):
            assert decision.until is not None
            assert decision.until > now
            now = decision.until
        else:
            break
    assert isinstance(decision, Finish)
    rule = FOLLOW_UPS[kind]
    assert told == [(reminder.audience, reminder.after) for reminder in rule.reminders]
    assert now == NOW + rule.limit
    assert now - NOW == (30 * DAY if kind in ("booked", "nurturing") else 14 * DAY)


def test_a_reply_before_a_meeting_is_told_and_does_not_close_the_lead_before_it() -> None:
    state = lead()
    state.decided(Outcome.MEETING_BOOKED, NOW, when=NOW + 40 * DAY)
    state.replied(NOW + DAY, automatic=False, until=None)
    assert decide(state, NOW + DAY) == Remind("rep", "reply_received", 1)
    assert state.follow_up is not None
    state.follow_up.reminded = 5
    assert decide(state, NOW + 20 * DAY) == Await(NOW + 70 * DAY, "reply_received")


# ── a hotter inquiry ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_hotter_inquiry_starts_the_hotter_track_with_touch_names_of_its_own() -> None:
    state = lead("cold")
    state.settle("email-1", "sent", NOW, "email")
    state.owed = Owed("day-2-call", NOW)
    inquire(state, "hot", NOW + HOUR)
    assert (state.opened, state.owed, state.follow_up) == (None, None, None)
    state.opened = NOW + HOUR
    decision = act(state, NOW + HOUR)
    assert (decision.step.id, decision.earliest) == ("call-1", NOW + HOUR)
    assert state.touch_step("call-1") == "call-1-r2"


# ── any lead, any time ───────────────────────────────────────────────────────────────────────────────────────────────

Happening = tuple[str, Any]
happenings = st.one_of(
    st.tuples(st.just("call"), st.sampled_from(list(CallResult))),
    st.tuples(st.just("decided"), st.sampled_from(list(Outcome))),
    st.tuples(st.just("scope"), st.sampled_from(["all", "call", "sms", "email"])),
    st.tuples(st.just("reply"), st.booleans()),
    st.tuples(st.just("undeliverable"), st.sampled_from(["call", "sms", "email"])),
    st.tuples(st.just("inquiry"), st.sampled_from(["hot", "warm", "cold"])),
    st.tuples(st.just("pause"), st.sampled_from([None, 1, 100])),
    st.tuples(st.just("resume"), st.none()),
    st.tuples(st.just("settle"), st.sampled_from(["sent", "skipped", "failed", "in_doubt", "rep_unavailable"])),
    st.tuples(st.just("wait"), st.integers(0, 30 * 86400)),
)


def happen(state: LeadState, now: datetime, what: Happening) -> datetime:
    """One thing that may happen to a lead, as the workflow passes it on."""
    kind, value = what
    if kind == "call":
        state.call_ended(value, now)
    elif kind == "decided":
        state.decided(value, now, when=now + DAY, scope="call")
    elif kind == "scope":
        state.opted_out(value)
    elif kind == "reply":
        state.replied(now, automatic=value, until=now + DAY if value else None)
    elif kind == "undeliverable":
        state.undeliverable(value)
    elif kind == "inquiry":
        inquire(state, value, now, has_phone=True)
        state.opened = state.opened or now
    elif kind == "pause":
        state.pause(None if value is None else now + value * HOUR, "paused")
    elif kind == "resume":
        state.resume()
    elif kind == "settle":
        end_step(state, now, value)
    elif kind == "wait":
        return now + value * SECOND
    return now


def end_step(state: LeadState, now: datetime, how: str) -> None:
    """The next step ends, as `workflows/steps.py` writes it down."""
    decision = decide(state, now)
    if not isinstance(decision, Act) or decision.manual:
        return
    pass_over(state, decision.skips, now)
    if how == "rep_unavailable":
        if decision.step.channel == "call":
            state.settle(decision.step.id, "deferred", now, "call", how)
            state.owed = Owed(decision.step.id, now + 2 * MINUTE)
        return
    state.settle(decision.step.id, how, now, decision.step.channel)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["hot", "warm", "cold"]), st.booleans(), st.booleans(), st.booleans(),
    st.lists(happenings, max_size=15),
)  # fmt: skip
def test_whatever_happens_a_lead_acts_waits_for_something_or_ends(
    lead_type: str, email: bool, phone: bool, sms: bool, story: list[Happening]
) -> None:
    state, now = lead(lead_type, has_email=email, has_phone=phone, consent_sms=sms), NOW
    for what in story:
        now = happen(state, now, what)
        check(state, now, decide(state, now))
    state.resume()
    assert end_of(state, now) is not None, "a lead that nobody touches any more ends"


def check(state: LeadState, now: datetime, decision: Decision) -> None:
    match decision:
        case Act(step=step, earliest=earliest):
            assert earliest.tzinfo is not None
            assert state.unusable(step.channel) is None
        case Await(until=until, why=why):
            assert why
            assert until > now if until is not None else state.paused
        case Finish(reason=reason):
            assert reason
        case Substitute(reason=reason):
            assert reason


def pass_over(state: LeadState, skips: tuple[Skip, ...], now: datetime) -> None:
    for skip in skips:
        state.settle(skip.step.id, "skipped", now, skip.step.channel, skip.reason)


def end_of(state: LeadState, now: datetime) -> Finish | None:
    """Lives on with reps who never answer, until the lead ends."""
    for _ in range(1000):
        decision = decide(state, now)
        match decision:
            case Finish():
                return decision
            case Act(step=step, earliest=earliest, skips=skips, manual=manual):
                now = max(now, earliest) + step.local_days * DAY
                pass_over(state, skips, now)
                if step.channel == "call" and not manual:
                    first = state.settled[step.id].at if step.id in state.settled else now
                    state.settle(step.id, "deferred", first, "call", "rep_unavailable")
                    state.owed = Owed(step.id, now + HOUR)
                    continue
                state.settle(step.id, "sent", now, step.channel)
                state.callbacks = [wanted for wanted in state.callbacks if wanted > earliest]
            case Substitute(step=step, reason=reason):
                state.settle(step.id, "skipped", now, step.channel, reason)
                state.callbacks.clear()
            case HandOver(skips=skips):
                pass_over(state, skips, now)
                state.follow_up = FollowUp("unreachable", now)
            case Remind(number=number):
                assert state.follow_up is not None
                state.follow_up.reminded = number
            case Await(until=until):
                assert until is not None
                now = until
            case Resume():
                state.resume()
    return None


def test_a_first_step_is_not_later_than_the_deadline_that_the_lead_was_promised() -> None:
    cold = CADENCE.tracks["cold"]
    first = cold.steps[0]
    assert planned(first, cold, NOW, {}) == NOW + HOUR
    assert planned(first, cold, NOW, {}, NOW + 10 * MINUTE) == NOW + 10 * MINUTE - LEAD_TIME
    assert planned(first, cold, NOW, {}, NOW + 4 * HOUR) == NOW + HOUR
    assert planned(first, cold, NOW, {}, NOW) == NOW
