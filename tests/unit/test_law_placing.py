"""Law where it bites: several places at once, the plan's own calls against limits, what lifts hours, refusals."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from speedlead.domain.placing import Consents, Impossible, PastTouch, Placed, Placer, Question
from speedlead.domain.zones import UNKNOWN, Evidence, Place
from speedlead.lawbook import load
from speedlead.place_finder import PlaceFinder
from speedlead.planbook import load_plan

HOT = load_plan().tracks["hot"]
NINE_TO_SIX = dict.fromkeys(range(5), ((540, 1080),))
ASKED = Consents(call_requested=True, sms=True, call=False, inquiry=True)
TICKED = replace(ASKED, call=True)


class NoClosures:
    def closed(self, jurisdictions: tuple[str, ...]) -> frozenset[date]:
        return frozenset()


PLACER = Placer(load(), NoClosures(), {})


@pytest.fixture(scope="module")
def finder() -> PlaceFinder:
    return PlaceFinder()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def asked(place: Place, at: str, **changes: object) -> Question:
    question = Question("call", utc(at), None, place, None, None, ASKED)
    return replace(question, **changes)  # type: ignore[arg-type]


def placed(question: Question, placer: Placer = PLACER) -> Placed:
    answer = placer.place(question)
    assert isinstance(answer, Placed), answer
    return answer


def place_in(zone: str, *jurisdictions: str) -> Place:
    return Place((zone,), (zone,), jurisdictions, (), known=True)


# ── every possibility ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("evidence", "at", "next_at", "reason"),
    [
        # a Pennsylvanian number in California: no Sunday, and nothing after 19:00 in either zone
        (Evidence(postcode="90210", country="US", phone_e164="+12155550148"), "2026-11-22T18:00", "2026-11-23T17:00",
         "quiet_hours:us-pa-new"),
        # a Floridian number in California: 20:00 in New York ends it, eight hours later California begins
        (Evidence(postcode="90210", country="US", phone_e164="+13055550148"), "2026-11-24T01:00", "2026-11-24T16:00",
         "quiet_hours:us-fl"),
        # an address in Kentucky, a browser in California
        (Evidence(postcode="40202", country="US", tz="America/Los_Angeles"), "2026-11-24T15:30", "2026-11-24T18:00",
         "quiet_hours:us-fed"),
        # two countries: France closes at 13:00 its time, New York opens at 14:00 Paris time
        (Evidence(tz="Europe/Paris", phone_e164="+12125550123"), "2026-11-24T12:30", "2026-11-24T13:00",
         "quiet_hours:fr"),
    ],
)  # fmt: skip
def test_a_call_waits_until_every_place_permits(
    finder: PlaceFinder, evidence: Evidence, at: str, next_at: str, reason: str
) -> None:
    place = finder.find(evidence)
    answer = placed(asked(place, at))
    assert answer.at == utc(next_at)
    assert reason in answer.reasons
    for zone in place.zones:  # and each place alone does, at that instant
        names = tuple(name for name in place.jurisdictions if (name.partition("-")[0], zone) in place.countries)
        alone = replace(place, zones=(zone,), business_zones=(zone,), jurisdictions=names)
        assert placed(asked(alone, next_at)).at == utc(next_at)


def test_the_consent_of_every_place_is_needed(finder: PlaceFinder) -> None:
    """Connecticut wants it in writing, although the lead writes from California."""
    place = finder.find(Evidence(postcode="90210", country="US", phone_e164="+12035550148"))
    answer = PLACER.place(asked(place, "2026-11-24T18:00"))
    assert answer == Impossible("no_consent", ("no_consent:us-ct",))
    assert placed(asked(place, "2026-11-24T18:00", consents=TICKED)).at == utc("2026-11-24T18:00")


@pytest.mark.parametrize("evidence", [Evidence(), Evidence(phone_e164="+18005550100"), Evidence(tz="UTC"),
                                      Evidence(postcode="10115")])  # fmt: skip
@pytest.mark.parametrize("channel", ["call", "sms"])
def test_an_unknown_place_is_never_called(finder: PlaceFinder, evidence: Evidence, channel: str) -> None:
    place = finder.find(evidence)
    assert place == UNKNOWN
    for hour in range(0, 24 * 7):
        question = asked(place, "2026-11-23T00:00", channel=channel, consents=TICKED)
        question = replace(question, earliest=question.earliest + timedelta(hours=hour))
        assert PLACER.place(question) == Impossible("unknown_location", ("unknown_location",))
    assert isinstance(PLACER.place(replace(question, channel="email")), Placed)


def test_an_empty_common_window_costs_business_hours_and_then_the_call(finder: PlaceFinder) -> None:
    russia = asked(finder.find(Evidence(phone_e164="+79161234567")), "2026-11-23T10:00", hours=NINE_TO_SIX)
    answer = placed(russia)
    assert answer.reasons[-1] == "dropped:business_hours"
    for zone in russia.place.zones:
        assert 8 <= (answer.at + _offset(zone, answer.at)).hour < 21, zone
    zones = ("America/Los_Angeles", "Europe/London", "Asia/Tokyo")
    world = replace(russia, place=Place(zones, zones, ("JP",), (), known=True))
    never = PLACER.place(world)
    assert isinstance(never, Impossible)
    assert never.reason == "no_common_window"
    # an e-mail needs no lawful hour, so it still goes
    assert "dropped:business_hours" in placed(replace(world, channel="email")).reasons


def _offset(zone: str, at: datetime) -> timedelta:
    from zoneinfo import ZoneInfo

    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()


# ── the plan's calls and the limits ──────────────────────────────────────────────────────────────────────────────────


def first_day(place: Place, opened: str, *, texts: bool = False) -> dict[str, Placed]:
    """The plan's calls (and its text) of the first day, each placed after the ones before it were made."""
    history: list[PastTouch] = []
    found: dict[str, Placed] = {}
    for step in HOT.steps:
        if step.local_days or step.channel == "email":
            continue
        after = step.after if step.after in found else "call-3" if step.id == "sms-1" else step.after
        start = utc(opened) if after == "lead" else found[after].at
        if step.channel == "sms" and not texts:
            continue
        question = asked(place, opened, channel=step.channel, hours=NINE_TO_SIX, history=tuple(history))
        answer = placed(replace(question, earliest=start + timedelta(seconds=step.delay)))
        found[step.id] = answer
        history.append(PastTouch(answer.at, step.channel))
    return found


@pytest.mark.parametrize("state", ["US-FL", "US-OK", "US-MD"])
def test_the_fourth_call_waits_until_the_first_is_a_day_old(state: str) -> None:
    calls = first_day(place_in("America/New_York", "US", state), "2026-11-23T15:00")
    start = utc("2026-11-23T15:00")
    assert [calls[step].at - start for step in ("call-1", "call-2", "call-3")] == [
        timedelta(minutes=minutes) for minutes in (0, 7, 27)
    ]
    assert calls["call-4"].at == start + timedelta(days=1)
    assert calls["call-4"].reasons == (f"frequency_cap:{state.lower()}",)


@pytest.mark.parametrize("state", ["US-WA", "US-NY", "US-TX"])
def test_where_no_limit_is_known_the_fourth_call_keeps_its_four_hours(state: str) -> None:
    zone = {"US-WA": "America/Los_Angeles", "US-NY": "America/New_York", "US-TX": "America/Chicago"}[state]
    calls = first_day(place_in(zone, "US", state), "2026-11-23T18:00")
    assert calls["call-4"].at == utc("2026-11-23T22:00")


def test_a_limit_that_ends_at_night_moves_to_the_next_lawful_opening() -> None:
    """Friday in Oklahoma: a day after the first call it is Saturday, and the plan calls on Monday."""
    calls = first_day(place_in("America/Chicago", "US", "US-OK"), "2026-11-20T16:00")
    assert calls["call-3"].at == utc("2026-11-20T16:27")
    assert calls["call-4"].at == utc("2026-11-23T15:00")
    assert "frequency_cap:us-ok" in calls["call-4"].reasons


def test_in_maryland_a_text_counts_as_a_call() -> None:
    maryland = place_in("America/New_York", "US", "US-MD")
    touches = first_day(maryland, "2026-11-23T15:00", texts=True)
    assert touches["sms-1"].at == utc("2026-11-24T15:00")  # three calls were made
    # the text is now the newest of three: the fourth call waits for the third call of yesterday
    assert touches["call-4"].reasons == ("frequency_cap:us-md",)
    assert touches["call-4"].at == utc("2026-11-24T15:07")
    texts_free = first_day(place_in("America/New_York", "US", "US-FL"), "2026-11-23T15:00", texts=True)
    assert texts_free["sms-1"].at == utc("2026-11-23T15:37")


def test_a_number_of_florida_in_new_york_keeps_floridas_limit(finder: PlaceFinder) -> None:
    place = finder.find(Evidence(country="US", postcode="10001", phone_e164="+13055550148"))
    assert first_day(place, "2026-11-23T15:00")["call-4"].reasons == ("frequency_cap:us-fl",)


# ── what lifts hours ─────────────────────────────────────────────────────────────────────────────────────────────────

SYDNEY = place_in("Australia/Sydney", "AU")
SUNDAY = "2026-11-22T03:00"  # 14:00 in Sydney


def test_in_australia_a_time_that_the_lead_asked_for_lifts_the_hours_for_an_hour() -> None:
    agreed = replace(ASKED, agreed_at=utc(SUNDAY))
    answer = placed(asked(SYDNEY, SUNDAY, consents=agreed))
    assert (answer.at, answer.valid_until) == (utc(SUNDAY), utc("2026-11-22T04:00"))
    monday = utc("2026-11-22T22:00")
    assert placed(asked(SYDNEY, "2026-11-22T04:00", consents=agreed)).at == monday
    assert placed(asked(SYDNEY, "2026-11-22T02:59", consents=agreed)).at == monday
    assert placed(asked(SYDNEY, SUNDAY, consents=TICKED)).at == monday  # consent to calls is not one to this time
    christmas = utc("2026-12-25T01:00")
    on_holiday = asked(SYDNEY, "2026-12-25T01:00", consents=replace(ASKED, agreed_at=christmas))
    assert placed(on_holiday).at == christmas


@pytest.mark.parametrize(("zone", "jurisdictions"), [
    ("America/New_York", ("US", "US-PA")), ("Europe/Paris", ("FR",)), ("America/Toronto", ("CA", "CA-ON")),
    ("Asia/Tokyo", ("JP",)),
])  # fmt: skip
def test_elsewhere_an_agreed_time_keeps_the_hours(zone: str, jurisdictions: tuple[str, ...]) -> None:
    night = utc("2026-11-24T02:00") if zone != "Asia/Tokyo" else utc("2026-11-24T15:00")
    question = asked(place_in(zone, *jurisdictions), night.isoformat()[:16], consents=replace(TICKED, agreed_at=night))
    answer = placed(question)
    if zone == "America/Toronto":  # 21:00 on a Monday is lawful
        assert answer.at == night
    else:
        assert answer.at > night


def test_an_agreed_time_lifts_no_limit_and_no_other_countrys_hours(finder: PlaceFinder) -> None:
    both = finder.find(Evidence(tz="Australia/Sydney", phone_e164="+12125550123"))
    answer = placed(asked(both, SUNDAY, consents=replace(ASKED, agreed_at=utc(SUNDAY))))
    assert answer.at > utc(SUNDAY)  # 22:00 in New York
    assert "quiet_hours:us-fed" in answer.reasons


def test_in_virginia_a_ticked_consent_lifts_the_states_hours_and_not_the_federal_ones(tmp_path: Path) -> None:
    virginia = place_in("America/New_York", "US", "US-VA")
    night = "2026-11-24T02:30"
    reasons = {name: placed(asked(virginia, night, consents=given)).reasons
               for name, given in {"asked": ASKED, "ticked": TICKED}.items()}  # fmt: skip
    assert reasons == {"asked": ("quiet_hours:us-fed", "quiet_hours:us-va"), "ticked": ("quiet_hours:us-fed",)}
    # where operators found federal law not to apply, nothing is left but the consent
    no_hours = """as_of: 2026-12-01
rows:
  - {id: us-fed, jurisdiction: US, channels: [call, sms], hours: {mon-sun: ["00:00-24:00"]}, consent_needed: inquiry,
     certainty: D, source: test, reason: test, by: test}
"""
    (tmp_path / "own.yaml").write_text(no_hours, "utf-8")
    placer = Placer(load(tmp_path), NoClosures(), {})
    assert placed(asked(virginia, night, consents=TICKED), placer).at == utc(night)
    assert placed(asked(virginia, night), placer).at > utc(night)


# ── refusals and withdrawn consents ──────────────────────────────────────────────────────────────────────────────────


def test_after_a_refusal_a_french_number_rests_for_sixty_days() -> None:
    paris = place_in("Europe/Paris", "FR")
    call = PastTouch(utc("2026-09-28T08:10"), "call", refused_at=utc("2026-09-28T09:30"))
    answer = placed(asked(paris, "2026-11-24T10:00", history=(call,)))
    assert (answer.at, answer.reasons) == (utc("2026-11-27T09:30"), ("frequency_cap:fr",))
    assert placed(asked(paris, "2026-11-24T10:00", history=(replace(call, refused_at=None),))).at == utc(
        "2026-11-24T10:00"
    )
    london = asked(place_in("Europe/London", "GB"), "2026-11-24T10:00", history=(call,))
    assert placed(london).at == london.earliest


def test_french_calls_are_four_in_thirty_days() -> None:
    calls = tuple(PastTouch(utc(f"2026-11-{day:02}T10:00"), "call") for day in (9, 10, 12, 13))
    answer = placed(asked(place_in("Europe/Paris", "FR"), "2026-11-24T10:00", history=calls))
    assert answer.at == utc("2026-12-09T10:00")


@pytest.mark.parametrize("channel", ["call", "sms"])
def test_a_withdrawn_consent_ends_calls_and_texts_where_it_was_the_ground(channel: str) -> None:
    connecticut = asked(place_in("America/New_York", "US", "US-CT"), "2026-11-24T15:00", channel=channel)
    assert isinstance(PLACER.place(replace(connecticut, consents=TICKED)), Placed)
    withdrawn = replace(TICKED, call=False, sms=False)
    answer = PLACER.place(replace(connecticut, consents=withdrawn))
    assert isinstance(answer, Impossible)
    assert answer.reason == "no_consent"


def test_british_columbia_keeps_its_holidays_and_ontario_does_not() -> None:
    truth_and_reconciliation = "2026-09-30T18:00"
    columbia = placed(asked(place_in("America/Vancouver", "CA", "CA-BC"), truth_and_reconciliation))
    assert columbia.reasons[0] == "holiday:ca-bc"
    assert columbia.at == utc("2026-10-01T16:00")
    ontario = placed(asked(place_in("America/Toronto", "CA", "CA-ON"), truth_and_reconciliation))
    assert ontario.at == utc(truth_and_reconciliation)
