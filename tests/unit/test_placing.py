"""Placing one touch: consent, law, hours, caps, and what gives way."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speedlead.domain.calendar import NEVER, Policy, ZonePolicy, permitted
from speedlead.domain.placing import Consents, Impossible, PastTouch, Placed, Placer, Question
from speedlead.domain.zones import UNKNOWN, Place
from speedlead.lawbook import load

LAW = load()
NINE_TO_SIX = dict.fromkeys(range(5), ((540, 1080),))
ASKED = Consents(call_requested=True, sms=False, call=False, inquiry=True)
TICKED = Consents(call_requested=True, sms=True, call=True, inquiry=True)


class NoClosures:
    def closed(self, jurisdictions: tuple[str, ...]) -> frozenset[date]:
        return frozenset({date(2026, 11, 26)}) if "US" in jurisdictions else frozenset()


PLACER = Placer(LAW, NoClosures(), {"tzdata": "2026f", "holidays": "test"})


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def place_in(zone: str, *jurisdictions: str) -> Place:
    return Place((zone,), (zone,), jurisdictions, (), known=True)


NEW_YORK = place_in("America/New_York", "US", "US-NY")
QUESTION = Question("call", utc("2026-11-23T15:00"), None, NEW_YORK, NINE_TO_SIX, None, ASKED)


def placed(q: Question) -> Placed:
    answer = PLACER.place(q)
    assert isinstance(answer, Placed), answer
    return answer


def impossible(q: Question) -> Impossible:
    answer = PLACER.place(q)
    assert isinstance(answer, Impossible), answer
    return answer


def test_in_hours_a_call_is_placed_at_once() -> None:
    answer = placed(QUESTION)
    assert (answer.at, answer.valid_until, answer.reasons) == (QUESTION.earliest, utc("2026-11-23T23:00"), ())
    assert answer.versions == {"tzdata": "2026f", "holidays": "test", "law": LAW.version}


def test_a_lead_at_eleven_at_night_is_called_at_nine_local() -> None:
    answer = placed(replace(QUESTION, earliest=utc("2026-11-24T04:00")))  # REQ 62
    assert answer.at == utc("2026-11-24T14:00")
    assert answer.reasons == ("quiet_hours:us-fed", "outside_business_hours")


def test_a_weekend_lead_is_called_on_monday_morning_and_thanksgiving_is_skipped() -> None:
    assert placed(replace(QUESTION, earliest=utc("2026-11-21T20:00"))).at == utc("2026-11-23T14:00")  # REQ 63
    holiday = placed(replace(QUESTION, earliest=utc("2026-11-26T15:00")))
    assert (holiday.at, holiday.reasons) == (utc("2026-11-27T14:00"), ("holiday",))


MEXICO = ("America/Mexico_City", "America/Cancun", "America/Tijuana")


def test_a_time_of_day_that_zones_share_only_after_the_next_change_of_the_clock_gives_way() -> None:
    """15:00 to 17:30 in Cancun and in Tijuana: not in winter, and half an hour of it from 14 March on."""
    mexico = Place(MEXICO, MEXICO, ("MX",), (), known=True)
    asked = replace(QUESTION, place=mexico, channel="email", slot=(900, 1050), earliest=utc("2027-01-25T08:00"))
    answer = placed(asked)
    assert (answer.at, "dropped:slot" in answer.reasons) == (utc("2027-01-25T17:00"), True)
    near = placed(replace(asked, earliest=utc("2027-03-05T08:00")))  # nine days are waited for
    assert (near.at, "dropped:slot" in near.reasons) == (utc("2027-03-15T22:00"), False)


def test_hours_of_law_that_agree_only_after_the_next_change_of_the_clock_are_none() -> None:
    """Paris ends at 20:00 and Tahiti begins at 08:00: 20:00 in summer, and 19:00 in winter."""
    far = Place(("Europe/Paris", "Pacific/Tahiti"), ("Europe/Paris",), ("FR", "PF"), (), known=True,
                countries=(("FR", "Europe/Paris"), ("PF", "Pacific/Tahiti")))  # fmt: skip
    asked = replace(QUESTION, place=far, earliest=utc("2027-09-06T09:00"))
    assert impossible(asked).reason == "no_common_window"
    assert placed(replace(asked, earliest=utc("2027-10-25T09:00"))).at == utc("2027-11-02T18:00")


def test_on_call_cover_ends_where_the_law_begins() -> None:
    evening = replace(QUESTION, hours=None, earliest=utc("2026-11-24T01:59"))
    assert placed(evening).at == evening.earliest
    assert placed(evening).valid_until == utc("2026-11-24T02:00")
    assert placed(replace(evening, earliest=utc("2026-11-24T02:00"))).at == utc("2026-11-24T13:00")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (place_in("America/New_York", "US", "US-KY"), "2026-11-24T15:00"),  # 10:00: the house's 09:00 is too early
        (place_in("America/Chicago", "US", "US-AL"), "2026-11-24T15:00"),
        (place_in("Europe/Paris", "FR"), "2026-11-24T09:00"),
        (place_in("Asia/Tokyo", "JP"), "2026-11-24T00:00"),
    ],
)
def test_state_and_country_law_move_the_opening(place: Place, expected: str) -> None:
    late = utc("2026-11-23T21:00") if "JP" in place.jurisdictions else utc("2026-11-24T04:00")
    assert placed(replace(QUESTION, place=place, earliest=late, hours=NINE_TO_SIX)).at == utc(expected)


def test_pennsylvanias_sundays_close_in_october_2026() -> None:
    in_pa = replace(QUESTION, place=place_in("America/New_York", "US", "US-PA"), hours=None)
    assert placed(replace(in_pa, earliest=utc("2026-10-11T15:00"))).at == utc("2026-10-11T15:00")
    sunday = placed(replace(in_pa, earliest=utc("2026-10-18T15:00")))
    assert (sunday.at, sunday.reasons) == (utc("2026-10-19T13:00"), ("quiet_hours:us-pa-new",))
    # a touch that starts under the old row and is placed under the new one
    assert placed(replace(in_pa, earliest=utc("2026-10-18T00:59"))).valid_until == utc("2026-10-18T01:00")
    assert placed(replace(in_pa, earliest=utc("2026-10-18T01:00"))).at == utc("2026-10-19T13:00")


def test_texas_is_asked_in_central_time_too() -> None:
    el_paso = place_in("America/Denver", "US", "US-TX")
    answer = placed(replace(QUESTION, place=el_paso, hours=None, earliest=utc("2026-11-24T03:30")))
    assert answer.at == utc("2026-11-24T16:00")  # 20:30 in El Paso but 21:30 in Austin; next 09:00 Mountain
    assert answer.reasons == ("quiet_hours:us-tx",)


def test_law_follows_every_zone_and_business_hours_the_best_belief() -> None:
    moved = Place(
        ("America/Los_Angeles", "America/New_York"), ("America/Los_Angeles",), ("US", "US-CA"), (), True, ("US-FL",)
    )
    morning = placed(replace(QUESTION, place=moved, earliest=utc("2026-11-23T13:30")))
    assert morning.at == utc("2026-11-23T17:00")
    assert morning.valid_until == utc("2026-11-24T01:00")  # 20:00 in Florida's zone, 17:00 in Los Angeles
    assert PLACER.place(replace(QUESTION, place=moved, consents=replace(ASKED, call_requested=False))) == Impossible(
        "no_consent", ("no_consent:us-fl",)
    )


def test_the_law_of_a_country_is_asked_only_in_its_zones() -> None:
    abroad = Place(
        ("Asia/Kolkata", "America/New_York"), ("Asia/Kolkata",), ("IN", "US"), (), True,
        countries=(("IN", "Asia/Kolkata"), ("US", "America/New_York")),
    )  # fmt: skip
    answer = placed(replace(QUESTION, place=abroad, hours=None, earliest=utc("2026-11-23T04:00")))
    assert answer.at == utc("2026-11-23T13:00")  # 08:00 in New York, 18:30 in Kolkata
    assert answer.valid_until == utc("2026-11-23T13:30")


@pytest.mark.parametrize("channel", ["call", "sms"])
def test_an_unknown_place_gets_no_call_and_no_sms(channel: str) -> None:
    question = replace(QUESTION, place=UNKNOWN, channel=channel, consents=TICKED)
    assert impossible(question).reason == "unknown_location"
    assert placed(replace(question, channel="email")).at == question.earliest


def test_an_email_needs_no_zone_but_keeps_hours_where_it_knows_one() -> None:
    night = replace(QUESTION, channel="email", earliest=utc("2026-11-24T04:00"))
    assert placed(night).at == utc("2026-11-24T14:00")
    assert placed(replace(night, hours=None)).at == night.earliest
    assert placed(replace(night, transactional=True)).at == night.earliest
    assert impossible(replace(night, consents=replace(ASKED, email=False))).reason == "no_consent"
    assert placed(replace(night, consents=replace(ASKED, email=False), transactional=True)).at == night.earliest


def test_an_acknowledgement_by_sms_keeps_the_law_and_forgets_business_hours() -> None:
    saturday = replace(QUESTION, channel="sms", consents=TICKED, transactional=True, earliest=utc("2026-11-21T20:00"))
    assert placed(saturday).at == saturday.earliest
    night = placed(replace(saturday, earliest=utc("2026-11-22T02:00")))
    assert (night.at, night.reasons) == (utc("2026-11-22T13:00"), ("quiet_hours:us-fed",))


@pytest.mark.parametrize(
    ("jurisdictions", "consents", "lawful"),
    [
        (("US",), Consents(False, False, False), False),
        (("US",), Consents(False, False, False, inquiry=True), True),
        (("US", "US-FL"), Consents(False, False, False, inquiry=True), False),
        (("US", "US-FL"), ASKED, True),
        (("US", "US-CT"), ASKED, False),
        (("US", "US-CT"), TICKED, True),
        (("CA",), Consents(False, False, False, inquiry=True), True),
        (("FR",), Consents(False, False, False, inquiry=True), False),
        (("FR",), ASKED, True),
        (("DE",), ASKED, True),
        (("JP",), Consents(False, False, False, inquiry=True), False),
        (("JP",), ASKED, True),
    ],
)
def test_each_row_asks_for_its_consent_to_call(
    jurisdictions: tuple[str, ...], consents: Consents, lawful: bool
) -> None:
    question = replace(QUESTION, place=place_in("America/New_York", *jurisdictions), consents=consents)
    answer = PLACER.place(question)
    assert isinstance(answer, Placed) is lawful
    if isinstance(answer, Impossible):
        assert answer.reason == "no_consent"
        assert all(reason.startswith("no_consent:") for reason in answer.reasons)


@pytest.mark.parametrize("jurisdictions", [("US",), ("CA",), ("GB",), ("FR",), ("JP",), ()])
def test_an_inquiry_is_never_consent_to_sms(jurisdictions: tuple[str, ...]) -> None:
    question = replace(QUESTION, channel="sms", place=place_in("America/New_York", *jurisdictions))
    assert impossible(question).reason == "no_consent"
    assert isinstance(PLACER.place(replace(question, consents=TICKED)), Placed)


def test_an_inquiry_runs_out() -> None:
    """Three months in the US; a ticked consent does not run out."""
    old = replace(ASKED, inquiry_at=QUESTION.earliest - timedelta(days=89))
    assert impossible(replace(QUESTION, consents=old)).reasons == ("no_consent:us-fed",)
    assert placed(replace(QUESTION, consents=replace(old, inquiry_at=old.inquiry_at and old.inquiry_at + timedelta(1))))
    assert placed(replace(QUESTION, consents=replace(old, call=True)))
    # in time when asked, too late when the window opens
    friday = replace(QUESTION, earliest=utc("2026-11-20T23:30"))
    edge = replace(ASKED, inquiry_at=utc("2026-11-21T00:00") - timedelta(days=89))
    assert impossible(replace(friday, consents=edge)).reason == "no_consent"


def test_a_cap_that_refuses_an_open_hour_is_named_before_the_night_on_the_way_to_the_answer() -> None:
    history = tuple(PastTouch(utc(f"2026-11-23T{at}"), "call") for at in ("14:00", "14:07", "14:27"))
    florida = replace(QUESTION, place=place_in("America/New_York", "US", "US-FL"), history=history)
    answer = placed(florida)
    assert (answer.at, answer.reasons[0]) == (utc("2026-11-24T14:00"), "frequency_cap:us-fl")
    assert len(answer.reasons) > 1


def test_floridas_fourth_call_waits_for_the_first_to_be_a_day_old() -> None:
    history = tuple(PastTouch(utc(f"2026-11-23T{at}"), "call") for at in ("15:00", "15:07", "15:27"))
    florida = replace(
        QUESTION, place=place_in("America/New_York", "US", "US-FL"), history=history, earliest=utc("2026-11-23T19:00")
    )
    answer = placed(florida)
    assert (answer.at, answer.reasons) == (utc("2026-11-24T15:00"), ("frequency_cap:us-fl",))
    assert placed(replace(florida, place=NEW_YORK)).at == florida.earliest
    texts = tuple(replace(touch, channel="sms") for touch in history)
    assert placed(replace(florida, history=texts)).at == florida.earliest
    maryland = replace(florida, place=place_in("America/New_York", "US", "US-MD"), history=texts)
    assert placed(maryland).reasons == ("frequency_cap:us-md",)


def test_a_silent_call_in_britain_is_not_repeated_within_a_day() -> None:
    london = replace(QUESTION, place=place_in("Europe/London", "GB"), earliest=utc("2026-11-23T10:00"))
    spoke = (PastTouch(utc("2026-11-23T09:30"), "call"),)
    assert placed(replace(london, history=spoke)).at == london.earliest
    silent = (PastTouch(utc("2026-11-23T09:30"), "call", silent=True),)
    assert placed(replace(london, history=silent)).at == utc("2026-11-24T09:30")


def test_without_a_common_window_business_hours_give_way_and_law_never() -> None:
    zones = ("Europe/Kaliningrad", "Europe/Moscow", "Asia/Vladivostok", "Asia/Kamchatka")
    russia = replace(QUESTION, place=Place(zones, zones, ("RU",), (), True), earliest=utc("2026-11-23T10:00"))
    answer = placed(russia)
    assert answer.at == utc("2026-11-24T06:00")
    assert answer.reasons[-1] == "dropped:business_hours"
    world = ("America/Los_Angeles", "Europe/London", "Asia/Tokyo")
    assert impossible(replace(russia, place=Place(world, world, ("RU",), (), True))).reason == "no_common_window"


def test_a_slot_gives_way_before_business_hours_do() -> None:
    kentucky = replace(QUESTION, place=place_in("America/New_York", "US", "US-KY"), slot=(540, 600))
    answer = placed(kentucky)
    assert (answer.at, answer.reasons) == (kentucky.earliest, ("dropped:slot",))
    assert placed(replace(kentucky, slot=(960, 1080))).at == utc("2026-11-23T21:00")


def test_the_hours_of_the_reps_count_in_their_own_zone() -> None:
    sydney = place_in("Australia/Sydney", "AU")
    reps = ZonePolicy("America/New_York", Policy(NINE_TO_SIX, NEVER), "rep_hours")
    question = replace(QUESTION, place=sydney, hours=None, extra=(reps,), earliest=utc("2026-11-23T12:00"))
    answer = placed(question)
    assert answer.at == utc("2026-11-23T22:00")  # 09:00 in Sydney, 17:00 in New York
    assert answer.valid_until == utc("2026-11-23T23:00")
    assert "outside_business_hours:rep_hours" in answer.reasons


def test_too_late_is_not_never() -> None:
    night = replace(QUESTION, earliest=utc("2026-11-24T04:00"), latest=utc("2026-11-24T13:59"))
    assert impossible(night) == Impossible("after_latest", ("quiet_hours:us-fed", "outside_business_hours"))
    assert placed(replace(night, latest=utc("2026-11-24T14:00"))).at == utc("2026-11-24T14:00")


def test_the_gate_says_now_or_when_and_why() -> None:
    plan = placed(QUESTION)
    assert PLACER.check(QUESTION, plan.at) == plan
    late = PLACER.check(QUESTION, utc("2026-11-23T23:00"))
    assert isinstance(late, Placed)
    assert (late.at, late.reasons) == (utc("2026-11-24T14:00"), ("outside_business_hours",))


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        PLACER.place(replace(QUESTION, earliest=datetime(2026, 11, 23)))


STATES = sorted({row.jurisdiction for row in LAW.rows if row.jurisdiction.startswith("US-")} | {"US-NY", "US-CA"})
ZONES = ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Pacific/Honolulu"]


@given(
    st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
    st.lists(st.sampled_from(STATES), max_size=3, unique=True),
    st.integers(0, 400 * 86_400),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_no_answer_is_ever_outside_any_law_of_any_zone(
    zones: list[str], states: list[str], second: int, cover: bool
) -> None:
    """Checked against hours read straight from the rows, with the standard library's own local time."""
    from zoneinfo import ZoneInfo

    place = Place(tuple(zones), (zones[0],), ("US", *states), (), known=True)
    earliest = utc("2026-09-01T00:00") + timedelta(seconds=second)
    question = replace(QUESTION, place=place, consents=TICKED, earliest=earliest, hours=None if cover else NINE_TO_SIX)
    answer = PLACER.place(question)
    if isinstance(answer, Impossible):
        assert answer.reason == "no_common_window"
        return
    for zone in zones:
        local = answer.at.astimezone(ZoneInfo(zone))
        for row in LAW.rows_for(place.jurisdictions, "call", local.date()):
            assert row.hours is not None
            minute = local.hour * 60 + local.minute
            assert any(a <= minute < b for a, b in row.hours.get(local.weekday(), ())), (row.id, local)
            assert local.date() not in LAW.quiet_dates(row), (row.id, local)
    assert permitted(answer.at, [])
    again = PLACER.check(question, answer.at)
    assert isinstance(again, Placed)
    assert again.at == answer.at


def test_every_rule_that_moved_a_touch_is_named_and_not_only_the_one_at_its_first_instant() -> None:
    friday_evening = placed(replace(QUESTION, earliest=utc("2026-11-20T23:30")))  # 18:30 in New York
    assert friday_evening.at == utc("2026-11-23T14:00")
    assert friday_evening.reasons == ("outside_business_hours", "weekend")
    before_thanksgiving = placed(replace(QUESTION, earliest=utc("2026-11-25T23:30")))
    assert before_thanksgiving.reasons == ("outside_business_hours", "holiday")


def test_the_rule_that_had_the_last_word_is_named_too() -> None:
    """At 18:30 Kentucky's law would permit the call; it is why it is at ten and not at nine."""
    kentucky = replace(QUESTION.place, jurisdictions=("US", "US-KY"))
    answer = placed(replace(QUESTION, place=kentucky, earliest=utc("2026-11-24T23:30")))
    assert (answer.at, answer.reasons) == (utc("2026-11-25T15:00"), ("outside_business_hours", "quiet_hours:us-ky"))
