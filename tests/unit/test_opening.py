"""When a lead's clock opens: the inquiry, or outside cover the first instant that is lawful and staffed."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from speedlead.domain.hours import Weekly
from speedlead.domain.opening import Opening, Shift, call_hours, find_opening, place_human
from speedlead.domain.placing import Consents, Impossible, Placed, Placer, Question
from speedlead.domain.plan import When
from speedlead.domain.sla import LeadFacts
from speedlead.domain.zones import UNKNOWN, Place
from speedlead.lawbook import load
from speedlead.planbook import load_plan
from tests.unit.leads import HOUR, MINUTE

PLAN = load_plan()


class NoClosures:
    def closed(self, jurisdictions: tuple[str, ...]) -> frozenset[date]:
        return frozenset()


PLACER = Placer(load(), NoClosures(), {})
NEW_YORK = Place(("America/New_York",), ("America/New_York",), ("US", "US-NY"), (), known=True)
ASKED = Consents(call_requested=True, sms=False, call=False, inquiry=True)
NINE_TO_SIX = dict.fromkeys(range(5), ((540, 1080),))
HOME, PARIS, TOKYO = (Shift(zone, NINE_TO_SIX) for zone in ("America/New_York", "Europe/Paris", "Asia/Tokyo"))
HOT = LeadFacts("hot", "demo_request", "direct")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opening(at: str, *team: Shift, facts: LeadFacts = HOT, can_mail: bool = True, **changes: object) -> Opening:
    question = Question("call", utc(at), None, NEW_YORK, PLAN.hours["call"], None, ASKED)
    return find_opening(PLACER.place, replace(question, **changes), PLAN, facts, team, can_mail=can_mail)  # type: ignore[arg-type]


TUESDAY = "2026-11-24T15:00"  # 10:00 in New York


def test_in_hours_the_clock_opens_with_the_inquiry() -> None:
    found = opening(TUESDAY, HOME)
    assert (found.open_at, found.due, found.channel) == (utc(TUESDAY), utc(TUESDAY) + 3 * MINUTE, "call")
    assert found.zone is not None


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        pytest.param("2026-11-25T04:00", "2026-11-25T14:00", id="23:00 opens at 09:00 local"),  # REQ 62
        pytest.param("2026-11-25T00:00", "2026-11-25T14:00", id="19:00 opens next morning"),  # REQ 66
        pytest.param("2026-11-21T20:00", "2026-11-23T14:00", id="Saturday opens on Monday"),  # REQ 63
    ],
)
def test_after_hours_the_clock_opens_at_the_first_permitted_instant(at: str, opens: str) -> None:
    found = opening(at, HOME)
    assert found.open_at == utc(opens)
    assert found.due == utc(opens) + 3 * MINUTE
    assert found.reasons


def test_a_team_elsewhere_opens_the_clock_when_somebody_is_there() -> None:
    # Paris works until 12:00 in New York
    assert opening("2026-11-24T18:00", PARIS).open_at == utc("2026-11-25T14:00")
    assert opening("2026-11-24T18:00", PARIS, HOME).open_at == utc("2026-11-24T18:00")


def test_a_team_that_never_meets_the_leads_hours_calls_outside_them_and_says_so() -> None:
    found = opening(TUESDAY, TOKYO)
    assert "dropped:business_hours" in found.reasons
    assert opening(TUESDAY, TOKYO, HOME).open_at == utc(TUESDAY)


def test_without_a_team_the_leads_own_hours_count() -> None:
    assert opening(TUESDAY).open_at == utc(TUESDAY)


def test_where_no_call_is_possible_the_first_human_step_is_a_mail() -> None:
    found = opening(TUESDAY, HOME, place=UNKNOWN)
    assert (found.channel, found.zone, found.open_at) == ("email", None, utc(TUESDAY))


NIGHT = "2026-11-25T04:00"  # 23:00 in New York


@pytest.mark.parametrize(
    "changes", [{"place": UNKNOWN}, {"consents": Consents(call_requested=False, sms=True, call=False)}],
    ids=["nobody knows where", "no consent to calls"],
)  # fmt: skip
def test_a_lead_that_may_be_neither_called_nor_mailed_is_looked_at_when_the_team_is_there(
    changes: dict[str, object],
) -> None:
    found = opening(NIGHT, HOME, can_mail=False, **changes)
    assert (found.channel, found.open_at) == ("look", utc("2026-11-25T14:00"))
    assert found.due == utc("2026-11-25T14:00") + 3 * MINUTE
    assert "outside_business_hours:team_hours" in found.reasons
    by_day = opening(TUESDAY, HOME, can_mail=False, **changes)
    assert (by_day.channel, by_day.open_at, by_day.due) == ("look", utc(TUESDAY), utc(TUESDAY) + 3 * MINUTE)


def test_a_look_at_a_lead_in_another_country_is_at_an_hour_of_both() -> None:
    nobody = Consents(call_requested=False, sms=False, call=False)
    # 09:00 in Paris is 03:00 in New York, where mails go from 08:00
    found = opening(NIGHT, PARIS, can_mail=False, consents=nobody)
    assert (found.channel, found.open_at) == ("look", utc("2026-11-25T13:00"))


def test_a_team_without_an_hour_is_promised_to_nobody() -> None:
    found = opening(NIGHT, Shift("Europe/Paris", {}), can_mail=False, place=UNKNOWN)
    assert (found.channel, found.deadlines, found.due) == ("look", (), None)


def test_a_cold_lead_is_written_to_and_one_without_an_address_is_called() -> None:
    cold = LeadFacts("cold", "newsletter", "direct")
    assert opening(TUESDAY, HOME, facts=cold).channel == "email"
    found = opening("2026-11-25T04:00", HOME, facts=cold, can_mail=False)
    assert (found.channel, found.open_at) == ("call", utc("2026-11-25T14:00"))
    assert found.due == utc("2026-11-25T14:00") + 4 * HOUR


def test_a_same_day_target_ends_with_the_business_day() -> None:
    found = opening(TUESDAY, HOME, facts=replace(HOT, source="trade_show"))
    assert (found.deadlines[0].target, found.due) == ("trade-show", utc("2026-11-24T23:00"))


@pytest.mark.parametrize(
    ("at", "times"),
    [
        pytest.param(TUESDAY, 1, id="nobody is there sooner than the first who is there"),
        pytest.param("2026-11-25T04:00", 2, id="at night every shift once"),
    ],
)
def test_hundreds_of_reps_with_one_shift_are_asked_once(at: str, times: int) -> None:
    asked = []

    def place(question: Question) -> Placed | Impossible:
        asked.append(question)
        return PLACER.place(question)

    question = Question("call", utc(at), None, NEW_YORK, PLAN.hours["call"], None, ASKED)
    answer = place_human(place, question, [HOME] * 300 + [PARIS])
    assert len(asked) == times
    other_way_round = place_human(PLACER.place, question, [PARIS, HOME])
    assert isinstance(answer, Placed)
    assert isinstance(other_way_round, Placed)
    assert answer.at == other_way_round.at


def test_a_planned_call_keeps_business_hours_unless_somebody_is_on_call_for_such_a_lead_then() -> None:
    """A Saturday with cover from 10 to 16 for hot leads, asked by the claim and by the lead's own leg."""
    cover = Shift("America/New_York", {5: ((600, 960),)}, covers=When(lead_type="hot"), name="weekend")
    team, warm = (HOME, cover), LeadFacts("warm", "webinar", "direct")
    noon, evening = utc("2026-11-28T17:00"), utc("2026-11-28T22:00")
    business = PLAN.hours["call"]
    asked = [kept(at, team, facts) for facts, at in ((HOT, noon), (HOT, evening), (warm, noon))]
    assert asked == [None, business, business]
    assert kept(noon, (HOME,), HOT) == business


def test_hours_that_no_shift_of_ours_meets_give_way_for_the_claim_as_for_the_plan() -> None:
    """In New York at seven in the evening, which is nine in the morning in Tokyo."""
    tokyo = Shift("Asia/Tokyo", dict.fromkeys(range(5), ((540, 660),)))
    evening, late, business = utc("2026-11-25T00:00"), utc("2026-11-25T02:30"), PLAN.hours["call"]
    assert kept(evening, (tokyo,), HOT) is None
    assert kept(late, (tokyo,), HOT) == business, "half past nine in the evening is no hour of the shift, nor lawful"
    assert kept(evening, (tokyo, HOME), HOT) == business, "somebody is there in the lead's hours"


def kept(at: datetime, team: tuple[Shift, ...], facts: LeadFacts) -> Weekly | None:
    return call_hours(PLACER.place, Question("call", at, None, NEW_YORK, PLAN.hours["call"], None, ASKED), team, facts)
