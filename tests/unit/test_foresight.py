"""The week of a lead that never answers, before it begins."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from speedlead import lawbook
from speedlead.closures import HolidayClosures
from speedlead.domain.opening import Shift
from speedlead.domain.placing import Consents, PastTouch, Placed, Placer
from speedlead.domain.zones import Evidence
from speedlead.foresight import Foreseen, Foresight, Pace, Prospect, Week
from speedlead.place_finder import PlaceFinder
from speedlead.planbook import load_plan
from speedlead.preview.desk import Desk
from speedlead.preview.request import PreviewRefused

PLAN = load_plan()
PLACER, PLACES = Placer(lawbook.load(), HolidayClosures(), {}), PlaceFinder()
ALWAYS = Shift("UTC", dict.fromkeys(range(7), ((0, 1440),)))
FORESIGHT = Foresight(plan=PLAN, placer=PLACER, places=PLACES, team=[ALWAYS])
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TICKED = Consents(call_requested=True, sms=True, call=True, inquiry=True)
ASKED = Consents(call_requested=True, sms=False, call=False, inquiry=True)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


NEW_YORK = Prospect(
    lead_type="hot", intent="demo_request", source="website", submitted_at=at("2026-11-17T10:00-05:00"),
    evidence=Evidence(phone_e164="+12125550123"), consents=TICKED, has_email=True, has_phone=True,
)  # fmt: skip
NO_PHONE = replace(NEW_YORK, evidence=Evidence(tz="America/New_York"), consents=ASKED, has_phone=False)


def told(week: Week) -> list[str]:
    return [f"{touch.local:%a %H:%M} {touch.step} {touch.state}" for touch in week.touches]


def touch(week: Week, step: str) -> Foreseen:
    return next(touch for touch in week.touches if touch.step == step)


def test_a_lead_in_hours_goes_through_the_plan_as_it_is_written() -> None:
    assert told(FORESIGHT.week(NEW_YORK)) == [
        "Tue 10:00 ack-1 sent",
        "Tue 10:00 call-1 sent",
        "Tue 10:07 call-2 sent",
        "Tue 10:27 call-3 sent",
        "Tue 10:29 email-1 sent",
        "Tue 10:39 sms-1 sent",
        "Tue 14:00 call-4 sent",
        "Wed 10:00 day-2-call sent",
        "Thu 13:00 day-3-email sent",
        "Fri 15:00 day-4-call sent",
        "Mon 09:00 day-5-email sent",
        "Tue 12:00 day-6-call sent",
        "Wed 16:00 day-7-email sent",
    ]


def test_at_night_the_first_call_waits_for_nine_and_says_why() -> None:
    week = FORESIGHT.week(replace(NEW_YORK, submitted_at=at("2026-11-20T23:10-05:00")))
    call = touch(week, "call-1")
    assert call.local == datetime(2026, 11, 23, 9)
    assert (call.moved, call.wanted) == (True, at("2026-11-20T23:10-05:00"))
    assert {"weekend", "quiet_hours:us-fed"} <= set(call.reasons)
    assert touch(week, "call-2").reasons == ()
    assert week.promise.text == "A person calls you on Monday 23 November, by 09:03 (New York time)."


def test_a_fourth_call_in_florida_waits_until_the_first_is_a_day_old() -> None:
    week = FORESIGHT.week(replace(NEW_YORK, evidence=Evidence(phone_e164="+13055550123")))
    assert touch(week, "call-4").at - touch(week, "call-1").at == DAY
    assert touch(week, "call-4").reasons == ("frequency_cap:us-fl",)


def test_in_maryland_a_text_counts_and_is_put_off_by_the_gate() -> None:
    week = FORESIGHT.week(replace(NEW_YORK, evidence=Evidence(phone_e164="+14105550123")))
    assert touch(week, "sms-1").at == touch(week, "call-1").at + DAY
    assert touch(week, "sms-1").wanted == touch(week, "call-1").at + 39 * MINUTE
    assert touch(week, "sms-1").reasons == ("frequency_cap:us-md",)


def test_calls_of_an_earlier_lead_of_the_number_count() -> None:
    before = tuple(PastTouch(NEW_YORK.submitted_at - n * MINUTE, "call") for n in (10, 20, 30))
    florida = replace(NEW_YORK, evidence=Evidence(phone_e164="+13055550123"), history=before)
    week = FORESIGHT.week(florida)
    assert touch(week, "call-1").at == before[2].at + DAY
    # and the acknowledgement promises no call that the law forbids
    assert week.opening.open_at == before[2].at + DAY
    assert week.promise.at == before[2].at + DAY + 3 * MINUTE


def test_without_a_phone_the_first_call_is_a_task_and_the_others_are_skipped() -> None:
    week = FORESIGHT.week(NO_PHONE)
    task = touch(week, "call-1")
    assert (task.state, task.reason, task.due) == ("task", "no_phone", NEW_YORK.submitted_at + 3 * MINUTE)
    assert {t.reason for t in week.touches if t.state == "skipped"} == {"no_phone"}
    # spaced as if the calls had been made
    assert touch(week, "email-1").at == NEW_YORK.submitted_at + 29 * MINUTE
    assert (week.end_reason, week.handed_over_at) == ("plan_completed", None)


def test_without_an_email_a_text_acknowledges_when_the_law_opens() -> None:
    night = at("2026-11-17T23:00-05:00")
    week = FORESIGHT.week(replace(NEW_YORK, has_email=False, submitted_at=night))
    ack = touch(week, "ack-1")
    assert (ack.channel, f"{ack.local:%a %H:%M}") == ("sms", "Wed 08:00")
    # in the words of that morning
    assert week.promise.text == "A person calls you by 09:03 (New York time)."
    neither = replace(NEW_YORK, has_email=False, consents=ASKED)
    assert touch(FORESIGHT.week(neither), "ack-1").reason == "no_email"


def test_a_lead_that_nothing_can_be_sent_to_is_handed_over_and_still_ends() -> None:
    week = FORESIGHT.week(replace(NO_PHONE, has_email=False))
    assert {t.state for t in week.touches} == {"skipped", "task"}
    assert week.handed_over_at == NEW_YORK.submitted_at
    assert (week.ended_at, week.end_reason) == (NEW_YORK.submitted_at + 14 * DAY, "no_outcome")


def test_a_lead_whose_place_is_unknown_gets_mail_and_a_relative_promise() -> None:
    week = FORESIGHT.week(replace(NO_PHONE, evidence=Evidence()))
    assert (week.zone, week.promise.text) == (None, "A person writes to you personally within 3 minutes.")
    assert [t.channel for t in week.touches if t.state == "sent"] == ["email"] * 5


def test_hours_that_no_shift_meets_give_way_and_no_call_is_put_off_for_ever() -> None:
    """Nine to eleven in Tokyo is seven to nine in the evening in New York: lawful, and after business."""
    tokyo = Shift("Asia/Tokyo", dict.fromkeys(range(5), ((540, 660),)))
    week = Foresight(plan=PLAN, placer=PLACER, places=PLACES, team=[tokyo]).week(NEW_YORK)
    call = touch(week, "call-1")
    assert (f"{call.local:%a %H:%M}", call.state, week.end_reason) == ("Tue 19:00", "sent", "plan_completed")
    assert {"outside_business_hours", "dropped:business_hours"} & set(call.reasons)
    assert week.opening.due is not None
    assert week.promise.at == week.opening.due


def test_a_plan_that_leads_in_a_circle_finds_no_moment_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    later = Placed(NEW_YORK.submitted_at + DAY, None, ("x",), {})
    monkeypatch.setattr(Placer, "check", lambda self, question, now: replace(later, at=now + DAY))
    with pytest.raises(PreviewRefused, match="no moment is found for a hot lead: a step of the plan inbound"):
        Desk(FORESIGHT, "US", "all of us", NEW_YORK.submitted_at).preview({"phone": "+12125550123", "email": "any"})


HOME = Shift("America/New_York", dict.fromkeys(range(5), ((540, 1080),)))


def test_at_night_nobody_promises_a_call_that_may_not_be_made_nor_an_hour_of_the_night() -> None:
    at_home = Foresight(plan=PLAN, placer=PLACER, places=PLACES, team=[HOME])
    nowhere = replace(
        NEW_YORK, evidence=Evidence(phone_e164="+881612345678"), submitted_at=at("2026-11-17T23:10-05:00")
    )
    silent = at_home.week(replace(nowhere, has_email=False, consents=ASKED))
    assert (silent.opening.channel, silent.opening.open_at) == ("look", at("2026-11-18T09:00-05:00"))
    assert silent.promise.text == "A person reads your inquiry within 10 hours."
    # one task, due when the team is there; and nobody is told a second time that nothing can be sent
    tasks = [t for t in silent.touches if t.state == "task"]
    assert [(t.step, t.reason, t.due) for t in tasks] == [("call-1", "unknown_location", at("2026-11-18T09:03-05:00"))]
    assert silent.handed_over_at is not None
    mailed = at_home.week(replace(nowhere, consents=ASKED))
    assert mailed.promise.text == "A person writes to you personally within 10 hours."


@pytest.mark.parametrize("lead_type", ["hot", "warm", "cold"])
def test_whoever_cannot_be_called_is_one_task_on_every_track(lead_type: str) -> None:
    who = replace(
        NEW_YORK, lead_type=lead_type, intent=PLAN.intents[lead_type][0],  # type: ignore[index,arg-type]
        evidence=Evidence(phone_e164="+881612345678"), consents=ASKED,
    )  # fmt: skip
    tasks = [t for t in FORESIGHT.week(who).touches if t.state == "task"]
    assert [(t.channel, t.reason) for t in tasks] == [("call", "unknown_location")]


def test_without_a_team_every_call_stays_due_until_it_is_given_up() -> None:
    nobody = Foresight(plan=PLAN, placer=PLACER, places=PLACES, team=[])
    week = nobody.week(NEW_YORK)
    calls = [t for t in week.touches if t.channel == "call"]
    assert {(t.state, t.reason) for t in calls} == {("skipped", "superseded"), ("skipped", "rep_unavailable")}
    assert [t.step for t in week.touches if t.state == "sent"] == [
        "ack-1", "email-1", "sms-1", "day-3-email", "day-5-email", "day-7-email"]  # fmt: skip
    assert len(week.touches) == len({t.step for t in week.touches})


def test_the_pace_of_people_moves_what_counts_from_a_ring() -> None:
    slow = Foresight(
        plan=PLAN, placer=PLACER, places=PLACES, team=[ALWAYS],
        pace=lambda step: Pace(out=timedelta(seconds=2), rings=timedelta(seconds=9), unanswered=timedelta(minutes=8)),
    )  # fmt: skip
    week = slow.week(NEW_YORK)
    assert touch(week, "call-1").at == NEW_YORK.submitted_at + timedelta(seconds=11)
    # seven minutes after the ring, but the first call has rung for eight
    assert touch(week, "call-2").at == NEW_YORK.submitted_at + 8 * MINUTE + timedelta(seconds=22)


def test_instants_are_in_utc_whatever_offset_was_given() -> None:
    week = FORESIGHT.week(NEW_YORK)
    assert {t.at.tzinfo for t in week.touches} == {UTC}
    assert week.ended_at.tzinfo is UTC


@pytest.mark.parametrize("lead_type", ["hot", "warm", "cold"])
@pytest.mark.parametrize("phone", ["+12125550123", "+33142685300", "+5511987654321", "+493012345678", "+819012345678"])
def test_every_lead_ends_and_every_step_ends_once(lead_type: str, phone: str) -> None:
    for hour in range(0, 24 * 7, 5):
        prospect = replace(
            NEW_YORK, lead_type=lead_type, intent=PLAN.intents[lead_type][0],  # type: ignore[index,arg-type]
            evidence=Evidence(phone_e164=phone), submitted_at=NEW_YORK.submitted_at + hour * HOUR,
        )  # fmt: skip
        week = FORESIGHT.week(prospect)
        steps = {step.id for step in PLAN.tracks[lead_type].steps}  # type: ignore[index]
        assert {t.step for t in week.touches} == steps | {"ack-1"}
        assert len(week.touches) == len(steps) + 1
        assert all(prospect.submitted_at <= t.at <= week.ended_at for t in week.touches)
