"""How each fact changes a running lead."""

import pytest

from speedlead.domain.cadence import Act, Finish, Remind, decide
from speedlead.domain.lead import FollowUp, Owed
from speedlead.domain.outcomes import BAD_NUMBER, ENDS_LEAD, NOT_REACHED, CallResult, Outcome, Stage
from tests.unit.leads import DAY, HOUR, MINUTE, NOW, inquire, lead


@pytest.mark.parametrize(
    ("changes", "channel", "reason"),
    [
        ({}, "call", None), ({}, "sms", None), ({}, "email", None),
        ({"has_phone": False}, "call", "no_phone"), ({"has_phone": False}, "sms", "no_phone"),
        ({"has_email": False}, "email", "no_email"), ({"consent_sms": False}, "sms", "no_consent"),
        ({"consent_sms": False}, "call", None), ({"closed_channels": {"call": "opted_out"}}, "call", "opted_out"),
        ({"has_phone": False, "closed_channels": {"sms": "opted_out"}}, "sms", "opted_out"),
    ],
)  # fmt: skip
def test_why_a_channel_cannot_be_used(changes: dict[str, object], channel: str, reason: str | None) -> None:
    assert lead(**changes).unusable(channel) == reason


@pytest.mark.parametrize("result", sorted(BAD_NUMBER))
def test_a_dead_number_ends_calls_and_texts_and_leaves_mail(result: CallResult) -> None:
    state = lead()
    state.call_ended(result, NOW)
    assert state.closed_channels == {"call": "invalid_number", "sms": "invalid_number"}
    assert state.unusable("email") is None
    assert state.follow_up is None


@pytest.mark.parametrize("result", sorted(NOT_REACHED))
def test_nobody_reached_goes_on_with_the_plan(result: CallResult) -> None:
    state = lead()
    state.call_ended(result, NOW)
    assert (state.stage, state.closed_channels, state.follow_up) == (Stage.ATTEMPTING, {}, None)
    assert isinstance(decide(state, NOW), Act)


def test_connected_is_not_decided_and_a_person_owes_the_outcome() -> None:
    state = lead(callbacks=[NOW + DAY])
    state.call_ended(CallResult.CONNECTED, NOW)
    assert (state.stage, state.callbacks, state.ending) == (Stage.CONNECTED, [], None)
    assert state.follow_up == FollowUp("connected", NOW)


@pytest.mark.parametrize("outcome", sorted(ENDS_LEAD))
def test_a_decision_that_ends_the_lead(outcome: Outcome) -> None:
    state = lead(callbacks=[NOW + DAY])
    state.decided(outcome, NOW)
    expected = "opted_out" if outcome is Outcome.DO_NOT_CONTACT else outcome.value
    stage = {"qualified": Stage.QUALIFIED, "converted": Stage.CONVERTED}.get(outcome.value, Stage.CLOSED)
    end = decide(state, NOW)
    assert isinstance(end, Finish)
    assert end.stage is stage
    assert end.reason in (expected, outcome.value)


def test_a_meeting_and_a_later_date_stop_the_plan_and_keep_the_lead_open() -> None:
    booked, later = lead(), lead()
    booked.decided(Outcome.MEETING_BOOKED, NOW, when=NOW + DAY)
    later.decided(Outcome.NOT_NOW, NOW, when=NOW + 60 * DAY)
    assert (booked.stage, booked.follow_up) == (Stage.BOOKED, FollowUp("booked", NOW + DAY))
    assert (later.stage, later.follow_up) == (Stage.NURTURING, FollowUp("nurturing", NOW + 60 * DAY))
    assert decide(later, NOW + 60 * DAY) == Remind("rep", "nurturing", 1)


@pytest.mark.parametrize("scope", ["call", "sms", "email"])
def test_do_not_contact_on_one_channel_leaves_the_others(scope: str) -> None:
    state = lead()
    state.decided(Outcome.DO_NOT_CONTACT, NOW, scope=scope)
    assert state.closed_channels == {scope: "opted_out"}
    assert state.ending is None
    assert [c for c in ("call", "sms", "email") if state.unusable(c) is None] == [
        c for c in ("call", "sms", "email") if c != scope
    ]


def test_an_opt_out_from_everything_ends_the_lead() -> None:
    state = lead()
    state.opted_out("all")
    assert set(state.closed_channels.values()) == {"opted_out"}
    assert decide(state, NOW) == Finish("opted_out", Stage.CLOSED)


@pytest.mark.parametrize("kind", [None, "connected", "booked", "nurturing", "unreachable", "replied"])
def test_a_reply_is_told_to_a_person_whatever_the_lead_waited_for(kind: str | None) -> None:
    state = lead(follow_up=FollowUp(kind, NOW, reminded=5) if kind else None)
    state.replied(NOW + HOUR, automatic=False, until=None)
    assert decide(state, NOW + HOUR) == Remind("rep", "reply_received", 1)
    assert state.ending is None


def test_an_automatic_reply_is_no_reply_and_pauses_until_the_day_it_names() -> None:
    state = lead()
    state.replied(NOW, automatic=True, until=None)
    assert (state.follow_up, state.paused) == (None, False)
    state.replied(NOW, automatic=True, until=NOW + 3 * DAY)
    assert (state.paused, state.paused_until, state.pause_reason) == (True, NOW + 3 * DAY, "out_of_office")
    state.resume()
    assert (state.paused, state.paused_until) == (False, None)


@pytest.mark.parametrize("until", [None, NOW + 9 * DAY])
def test_an_out_of_office_note_never_shortens_a_pause_of_ours(until: object) -> None:
    state = lead()
    state.pause(until, "legal_hold")  # type: ignore[arg-type]
    state.replied(NOW, automatic=True, until=NOW + 3 * DAY)
    assert (state.paused_until, state.pause_reason) == (until, "legal_hold")


def test_a_further_inquiry_adds_ways_to_reach_the_lead_and_never_makes_it_colder() -> None:
    state = lead(has_phone=False, consent_sms=False)
    state.settle("call-1", "skipped", NOW, "call", "no_phone")
    inquire(state, "cold", NOW, has_phone=True, consent_sms=True)
    assert (state.lead_type, state.round, state.has_email) == ("hot", 1, True)
    assert state.unusable("sms") is None
    assert set(state.settled) == {"call-1"}


@pytest.mark.parametrize("kind", ["nurturing", "replied", "unreachable", "booked", "connected"])
def test_a_further_inquiry_while_the_plan_has_stopped_goes_to_a_person_at_once(kind: str) -> None:
    state = lead("warm", follow_up=FollowUp(kind, NOW - DAY, reminded=4))
    inquire(state, "hot", NOW)
    assert decide(state, NOW) == Remind("rep", "new_inquiry", 1)


def test_a_further_inquiry_before_the_lead_has_closed_keeps_it_open() -> None:
    state = lead()
    state.decided(Outcome.NOT_INTERESTED, NOW)
    inquire(state, "hot", NOW + MINUTE)
    assert decide(state, NOW + MINUTE) == Remind("rep", "new_inquiry", 1)


def test_a_further_inquiry_does_not_lift_an_opt_out_from_everything() -> None:
    state = lead()
    state.opted_out("all")
    inquire(state, "hot", NOW + MINUTE)
    assert isinstance(decide(state, NOW + MINUTE), Finish)


def test_a_further_inquiry_after_the_last_step_is_not_closed_with_the_plan() -> None:
    state = lead()
    for step in state.track.steps:
        state.settle(step.id, "sent", NOW, step.channel)
    inquire(state, "hot", NOW + HOUR)
    assert decide(state, NOW + 2 * DAY) == Remind("rep", "new_inquiry", 1)


def test_a_further_inquiry_while_the_plan_runs_changes_nothing_about_the_plan() -> None:
    state = lead()
    before = decide(state, NOW)
    inquire(state, "warm", NOW)
    assert decide(state, NOW) == before


def test_what_could_not_be_delivered_closes_its_channel_alone() -> None:
    state = lead(closed_channels={"email": "opted_out"})
    state.undeliverable("sms")
    state.undeliverable("email")
    assert state.closed_channels == {"email": "opted_out", "sms": "invalid_number"}
    state.undeliverable("call")
    assert state.closed_channels["call"] == "invalid_number"


def test_stages_of_the_plan_go_forward_only() -> None:
    state = lead(stage=Stage.ATTEMPTING)
    state.move(Stage.ASSIGNED)
    assert state.stage is Stage.ATTEMPTING
    state.stage = Stage.BOOKED
    state.move(Stage.ATTEMPTING)
    assert state.stage is Stage.BOOKED
    new = lead()
    new.move(Stage.ATTEMPTING)
    assert new.stage is Stage.ATTEMPTING


def test_a_settled_call_that_was_owed_is_no_longer_owed() -> None:
    state = lead(owed=Owed("call-1", NOW))
    state.settle("call-1", "deferred", NOW, "call", "rep_unavailable")
    assert state.owed is not None
    state.settle("call-1", "sent", NOW, "call")
    assert state.owed is None


@pytest.mark.parametrize("channel", ["call", "email"])
def test_the_deadline_is_kept_by_the_first_touch_that_goes_out_in_time(channel: str) -> None:
    state = lead("cold", due=NOW + 4 * HOUR)
    assert not state.breached(NOW + 4 * HOUR)
    assert state.breached(NOW + 5 * HOUR)
    state.settle("email-1", "skipped", NOW, "email", "no_email")
    assert state.breached(NOW + 5 * HOUR)
    state.settle("x", "sent", NOW + HOUR, channel)
    assert not state.breached(NOW + 5 * HOUR)


def test_touch_names_carry_the_round() -> None:
    assert (lead().touch_step("call-1"), lead(round=3).touch_step("call-1")) == ("call-1", "call-1-r3")


@pytest.mark.parametrize("kind", ["replied", "connected", "booked"])
def test_an_automatic_reply_holds_up_nobody_of_ours(kind: str) -> None:
    state = lead(follow_up=FollowUp(kind, NOW))
    state.replied(NOW, automatic=True, until=NOW + 3 * DAY)
    assert not state.paused


def test_a_call_that_the_lead_asked_for_is_made_whatever_their_mailbox_says() -> None:
    state = lead(callbacks=[NOW + DAY])
    state.replied(NOW, automatic=True, until=NOW + 3 * DAY)
    assert not state.paused


def test_whoever_writes_is_not_away_but_a_pause_of_ours_stays() -> None:
    state = lead()
    state.replied(NOW, automatic=True, until=NOW + 3 * DAY)
    state.replied(NOW + DAY, automatic=False, until=None)
    assert not state.paused
    state.pause(None, "legal_hold", NOW)
    state.replied(NOW + DAY, automatic=False, until=None)
    assert state.paused


def test_deadlines_move_by_the_time_that_the_plan_stood_still() -> None:
    state = lead(opened=NOW)
    state.pause(NOW + 2 * DAY, "paused", NOW + DAY)
    state.pause(NOW + 5 * DAY, "paused", NOW + 2 * DAY)  # longer: it has stood still since the first
    state.resume(NOW + 5 * DAY)
    assert state.opened == NOW + 4 * DAY
    state.resume(NOW + 9 * DAY)
    assert state.opened == NOW + 4 * DAY
