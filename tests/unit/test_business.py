"""Business calendars at work: closures, half days, teams and on-call cover in openings, deadlines and placements."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speedlead.calendarbook import parse_calendars
from speedlead.domain.business import Calendars
from speedlead.domain.crew import shifts_of
from speedlead.domain.hours import NEVER, Policy, Weekly, ZonePolicy
from speedlead.domain.opening import Opening, Shift, covered, find_opening, next_shift, place_human, serving
from speedlead.domain.placing import Consents, Impossible, Placed, Placer, Question
from speedlead.domain.plan import Plan, Step
from speedlead.domain.schedule import Asker, Wanted, schedule
from speedlead.domain.sla import LeadFacts
from speedlead.domain.zones import UNKNOWN, Place
from speedlead.lawbook import load
from speedlead.planbook import load_plan, packaged_plan, parse_plan
from tests.unit.leads import MINUTE

PLAN = load_plan()
LAW = load()
NEW_YORK = Place(("America/New_York",), ("America/New_York",), ("US", "US-NY"), (), known=True)
ASKED = Consents(call_requested=True, sms=False, call=False, inquiry=True)
HOT = LeadFacts("hot", "demo_request", "direct", regions=NEW_YORK.jurisdictions)
WARM = LeadFacts("warm", "webinar", "direct")
OFFICE: Weekly = dict.fromkeys(range(5), ((540, 1080),))


class Thanksgiving:
    def closed(self, jurisdictions: tuple[str, ...]) -> frozenset[date]:
        return frozenset({date(2026, 11, 26)})


def placer(calendars: Calendars) -> Placer:
    return Placer(LAW, Thanksgiving(), {}, calendars)


def crew(calendars: Calendars) -> tuple[Shift, ...]:
    return shifts_of(calendars, email="sam@acme.example", zone="America/New_York", weekly=OFFICE)


def read(text: str) -> Calendars:
    return parse_calendars(text, "own.yaml")


def ny(text: str) -> datetime:
    """New York in winter."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(hours=5)


def opening(
    at: str, calendars: Calendars, facts: LeadFacts = HOT, plan: Plan = PLAN, place: Place = NEW_YORK
) -> Opening:
    question = Question("call", ny(at), None, place, plan.hours["call"], None, ASKED)
    return find_opening(placer(calendars).place, question, plan, facts, crew(calendars), can_mail=True)


NOTHING = Calendars()
CLOSED = read("territories: [{id: us, where: [US], closures: [{date: 2026-11-24, reason: stocktaking}]}]")
HALF = read("territories: [{id: us, where: [US-NY], half_days: [{date: 2026-11-24, hours: 09:00-13:00}]}]")
HOLIDAY_HALF = read("territories: [{id: us, half_days: [{date: 2026-11-26, hours: 10:00-12:00}]}]")
NO_HOLIDAYS = read("territories: [{id: us, holidays: none}]")
EARLY = read("territories: [{id: us, hours: {call: {tue: 10:00-12:00}}}]")
LONDON = read("territories: [{id: us, zone: Europe/London}]")
TEAM_OFF = read("teams: [{id: everybody, zone: America/New_York, closures: [{date: 2026-11-24, reason: outing}]}]")
TEAM_HOLIDAY = read("teams: [{id: everybody, zone: America/New_York, holidays: {country: US}}]")
WEEKEND = read(
    "teams: [{id: everybody, zone: America/New_York, closures: [{date: 2026-11-28, reason: outing}], "
    "on_call: [{id: weekend, hours: {fri: 18:00-22:00, sat: 10:00-16:00}, reps: [Sam@acme.example]}]}]"
)
WHOEVER = read("teams: [{id: everybody, zone: America/New_York, on_call: [{id: x, hours: {tue: 06:00-24:00}}]}]")


@pytest.mark.parametrize(
    ("calendars", "at", "opens", "why"),
    [
        pytest.param(NOTHING, "2026-11-24T10:00", "2026-11-24T10:00", None, id="an ordinary day"),
        pytest.param(CLOSED, "2026-11-24T10:00", "2026-11-25T09:00", "closure", id="a closure of our own"),
        pytest.param(HALF, "2026-11-24T10:00", "2026-11-24T10:00", None, id="the open half of a half day"),
        pytest.param(HALF, "2026-11-24T14:00", "2026-11-25T09:00", "half_day", id="the closed half"),
        pytest.param(NOTHING, "2026-11-26T10:30", "2026-11-27T09:00", "holiday", id="a holiday of the lead's place"),
        pytest.param(HOLIDAY_HALF, "2026-11-26T10:30", "2026-11-26T10:30", None, id="a holiday that is half a day"),
        pytest.param(NO_HOLIDAYS, "2026-11-26T10:30", "2026-11-26T10:30", None, id="a territory without holidays"),
        pytest.param(EARLY, "2026-11-24T09:30", "2026-11-24T10:00", "outside_business_hours", id="hours of its own"),
        pytest.param(LONDON, "2026-11-24T14:00", "2026-11-25T09:00", "outside_business_hours", id="a zone of its own"),
        pytest.param(TEAM_OFF, "2026-11-24T10:00", "2026-11-25T09:00", "closure:team_hours", id="the team is off"),
        pytest.param(TEAM_HOLIDAY, "2026-12-25T10:00", "2026-12-28T09:00", "holiday:team_hours", id="a team's holiday"),
        pytest.param(WEEKEND, "2026-11-28T11:00", "2026-11-28T11:00", None, id="somebody is on call, closures or not"),
        pytest.param(WEEKEND, "2026-11-28T08:30", "2026-11-28T10:00", None, id="cover begins later"),
        pytest.param(WEEKEND, "2026-11-29T11:00", "2026-11-30T09:00", "weekend", id="nobody is on call on Sunday"),
        # federal law: not before 8 and not from 9 in the evening, whoever is on call
        pytest.param(WEEKEND, "2026-11-27T21:30", "2026-11-28T10:00", "quiet_hours:us-fed", id="never beyond law"),
        pytest.param(WHOEVER, "2026-11-24T20:00", "2026-11-25T09:00", "outside_business_hours",
                     id="without names cover needs somebody on shift"),
    ],
)  # fmt: skip
def test_when_the_clock_opens(calendars: Calendars, at: str, opens: str, why: str | None) -> None:
    found = opening(at, calendars)
    assert found.open_at == ny(opens)
    assert why is None or why in found.reasons
    assert bool(found.reasons) is (found.open_at > ny(at))


def test_cover_is_for_the_leads_it_is_meant_for() -> None:
    assert opening("2026-11-28T11:00", WEEKEND, WARM).open_at == ny("2026-11-30T09:00")
    team = crew(WEEKEND)
    saturday = ny("2026-11-28T11:00")
    assert covered(serving(team, HOT), saturday)
    assert not covered(serving(team, WARM), saturday)
    assert next_shift(serving(team, HOT), saturday - timedelta(hours=3)) == ny("2026-11-28T10:00")
    assert next_shift(serving(team, WARM), saturday - timedelta(hours=3)) == ny("2026-11-30T09:00")


def test_somebody_who_is_not_on_the_list_is_not_on_call() -> None:
    others = shifts_of(WEEKEND, email="ann@acme.example", zone="America/New_York", weekly=OFFICE)
    assert [shift.covers for shift in others] == [None]


def test_cover_is_for_calls_and_the_daily_touches_after_the_first_hours_keep_business_hours() -> None:
    ask = placer(WEEKEND).place
    saturday = ny("2026-11-28T11:00")
    mail = Question("email", saturday, None, NEW_YORK, PLAN.hours["email"], None, ASKED)
    answer = place_human(ask, mail, crew(WEEKEND))
    assert isinstance(answer, Placed)
    assert answer.at == ny("2026-11-30T09:00")
    lead = Asker(NEW_YORK, ASKED, PLAN.hours)
    for step, at in (
        (Step(id="call-2", channel="call"), "2026-11-28T11:00"),
        (Step(id="day-2-call", channel="call", local_days=1), "2026-11-30T09:00"),
    ):
        wanted = Wanted((step,), saturday - timedelta(days=step.local_days), saturday)
        found = schedule(ask, lead, wanted, crew(WEEKEND), ()).answer
        assert isinstance(found, Placed)
        assert found.at == ny(at)


# ── targets count in open time ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("calendars", "facts", "at", "due"),
    [
        pytest.param(NOTHING, HOT, "2026-11-24T10:00", "2026-11-24T10:03", id="in hours"),
        pytest.param(NOTHING, HOT, "2026-11-24T17:57", "2026-11-24T18:00", id="up to closing"),
        pytest.param(NOTHING, HOT, "2026-11-24T17:59", "2026-11-25T09:02", id="the rest goes on next morning"),
        pytest.param(NOTHING, WARM, "2026-11-25T17:50", "2026-11-27T09:05", id="over a holiday"),
        pytest.param(HALF, HOT, "2026-11-24T12:58", "2026-11-25T09:01", id="over the closed half of a day"),
        pytest.param(WEEKEND, HOT, "2026-11-27T17:59", "2026-11-27T18:02", id="cover takes over at closing"),
        pytest.param(WEEKEND, HOT, "2026-11-28T15:59", "2026-11-30T09:02", id="cover ends"),
    ],
)
def test_a_deadline_counts_open_time(calendars: Calendars, facts: LeadFacts, at: str, due: str) -> None:
    assert opening(at, calendars, facts).due == ny(due)


SHOW = LeadFacts("hot", "demo_request", "trade_show")


@pytest.mark.parametrize(
    ("calendars", "at", "due"),
    [
        pytest.param(NOTHING, "2026-11-24T10:00", "2026-11-24T18:00", id="by the end of the day"),
        pytest.param(NOTHING, "2026-11-24T20:00", "2026-11-25T18:00", id="of the day it opens"),
        pytest.param(NOTHING, "2026-11-28T10:00", "2026-11-30T18:00", id="a weekend lead: Monday"),
        pytest.param(HALF, "2026-11-24T10:00", "2026-11-24T13:00", id="half a day"),
        pytest.param(read("territories: [{id: us, hours: {call: {tue: [09:00-12:00, 13:00-17:00]}}}]"),
                     "2026-11-24T10:00", "2026-11-24T17:00", id="lunch does not end the day"),
        pytest.param(WEEKEND, "2026-11-27T10:00", "2026-11-27T18:00", id="cover after it does not prolong it"),
        pytest.param(WEEKEND, "2026-11-28T11:00", "2026-11-28T16:00", id="a day of cover"),
    ],
)  # fmt: skip
def test_a_trade_show_lead_is_due_the_same_business_day_instead_of_in_minutes(
    calendars: Calendars, at: str, due: str
) -> None:
    found = opening(at, calendars, SHOW)
    assert (found.target, found.due) == ("trade-show", ny(due))
    assert "hot" not in {deadline.target for deadline in found.deadlines}


def test_a_business_day_of_a_lead_in_an_unknown_place_is_the_teams() -> None:
    found = opening("2026-11-24T10:00", NOTHING, SHOW, place=UNKNOWN)
    assert (found.channel, found.due) == ("email", ny("2026-11-24T18:00"))
    always = (Shift("America/New_York", dict.fromkeys(range(7), ((0, 1440),))),)
    question = Question("call", ny("2026-11-24T10:00"), None, UNKNOWN, PLAN.hours["call"], None, ASKED)
    found = find_opening(placer(NOTHING).place, question, PLAN, SHOW, always, can_mail=True)
    assert found.due == ny("2026-11-25T00:00")


# ── targets by the moment, the region and the client type (REQ 24, 25, 27) ───────────────────────────────────────────

DIFFERENT = parse_plan(
    packaged_plan().read_text("utf-8").replace("targets:\n", """targets:
  - {id: webinar, when: {intent: [webinar], time: [weekday]}, attempts: [8m], source: REQ 27}
  - {id: webinar-off, when: {intent: [webinar], time: [off_hours]}, attempts: [20m], replaces: type, source: REQ 27}
  - {id: service, when: {segment: [service], time: [business_hours]}, attempts: [6m], replaces: type, source: REQ 27}
  - {id: service-weekend, when: {segment: [service], time: [weekend]}, attempts: [15m], replaces: type, source: REQ 27}
  - {id: tuesday, when: {source: [fair], time: [tue]}, attempts: [1m], source: REQ 27}
  - {id: new-york, when: {lead_type: hot, region: [US-NY]}, attempts: [2m], source: REQ 25}
  - {id: malaysia, when: {lead_type: hot, region: [MY]}, attempts: [9m], replaces: type, source: REQ 25}
  - {id: clinic, when: {segment: [clinic]}, attempts: [12m], replaces: type, source: REQ 24}
  - {id: clinic-ads, when: {segment: [clinic], source: [paid_ads]}, attempts: [5m], replaces: paid-ads, source: REQ 24}
""", 1),
    "own.yaml",
)  # fmt: skip
ALWAYS = read(
    "teams: [{id: everybody, zone: America/New_York, on_call: [{id: all, when: {}, "
    "hours: {mon: 00:00-24:00, tue: 00:00-24:00, wed: 00:00-24:00, thu: 00:00-24:00, fri: 00:00-24:00, "
    "sat: 00:00-24:00, sun: 00:00-24:00}, reps: [sam@acme.example]}]}]"
)
TEXAS, MALAYSIA = ("US", "US-TX"), ("MY",)


@pytest.mark.parametrize(
    ("facts", "at", "target", "minutes"),
    [
        pytest.param(WARM, "2026-11-24T10:00", "webinar", 8, id="a weekday"),
        pytest.param(WARM, "2026-11-24T19:00", "webinar", 8, id="off hours on a weekday: both apply"),
        pytest.param(WARM, "2026-11-28T11:00", "webinar-off", 20, id="a Saturday with cover is off hours"),
        pytest.param(LeadFacts("hot", "pricing", "direct", "service"), "2026-11-24T10:00", "service", 6, id="service"),
        pytest.param(LeadFacts("hot", "pricing", "direct", "service"), "2026-11-28T10:00", "service-weekend", 15,
                     id="service on a weekend"),
        pytest.param(LeadFacts("cold", "other", "fair"), "2026-11-24T10:00", "tuesday", 1, id="a Tuesday"),
        pytest.param(LeadFacts("cold", "other", "fair"), "2026-11-25T10:00", "cold", 240, id="no Tuesday"),
        pytest.param(HOT, "2026-11-24T10:00", "new-york", 2, id="a region is stricter"),
        pytest.param(LeadFacts("hot", "pricing", "direct", regions=TEXAS), "2026-11-24T10:00", "hot", 3, id="Texas"),
        pytest.param(LeadFacts("hot", "pricing", "direct", regions=MALAYSIA), "2026-11-24T10:00", "malaysia", 9,
                     id="a country replaces the type's"),
        pytest.param(LeadFacts("hot", "pricing", "direct", "clinic"), "2026-11-24T10:00", "clinic", 12, id="clinic"),
        pytest.param(LeadFacts("warm", "webinar", "paid_ads", "clinic"), "2026-11-24T10:00", "clinic-ads", 5,
                     id="a target that replaces one by its name"),
        pytest.param(LeadFacts("warm", "webinar", "trade_show", "clinic"), "2026-11-24T10:00", "webinar", 8,
                     id="same day and others compete"),
    ],
)  # fmt: skip
def test_targets_differ_by_moment_region_and_client_type(facts: LeadFacts, at: str, target: str, minutes: int) -> None:
    found = opening(at, ALWAYS, facts, DIFFERENT)
    assert (found.target, found.due) == (target, ny(at) + minutes * MINUTE)


def test_without_cover_the_target_is_that_of_the_moment_the_clock_opens() -> None:
    service = LeadFacts("hot", "pricing", "direct", "service")
    found = opening("2026-11-28T10:00", NOTHING, service, DIFFERENT)
    assert (found.target, found.due) == ("service", ny("2026-11-30T09:06"))


def test_in_an_unknown_zone_no_target_for_a_time_applies() -> None:
    found = opening("2026-11-24T10:00", NOTHING, WARM, DIFFERENT, place=UNKNOWN)
    assert {deadline.target for deadline in found.deadlines} == {"warm"}


# ── what must hold whatever the calendars say ────────────────────────────────────────────────────────────────────────

ZONES = ("America/New_York", "Europe/Paris", "Asia/Kolkata", "Australia/Lord_Howe")
QUARTERS = st.tuples(st.integers(0, 95), st.integers(1, 96)).filter(lambda pair: pair[0] < pair[1])
SPAN = QUARTERS.map(lambda pair: (pair[0] * 15, pair[1] * 15))
SPANS, SOME_SPANS = (st.lists(SPAN, min_size=least, max_size=2).map(tuple) for least in (0, 1))
WEEKS: st.SearchStrategy[Weekly] = st.dictionaries(st.integers(0, 6), SPANS, max_size=7)
FACTS = st.sampled_from(
    [HOT, WARM, LeadFacts("cold", "newsletter", "referral"), LeadFacts("warm", "webinar", "organic")]
)
_TENNESSEE = ("America/New_York", "America/Chicago")
PLACES = st.sampled_from(
    [NEW_YORK, Place(("Europe/Paris",), ("Europe/Paris",), ("FR",), (), known=True),
     Place(_TENNESSEE, _TENNESSEE, ("US", "US-TN"), (), known=True)]
)  # fmt: skip
DAYS = st.frozensets(st.dates(date(2026, 3, 5), date(2026, 3, 25)), max_size=8)
INSTANTS = st.integers(0, 12 * 86_400).map(lambda s: datetime(2026, 3, 5, tzinfo=UTC) + timedelta(seconds=s))
CONSENTING = Consents(call_requested=True, sms=True, call=True, inquiry=True)


class Dates:
    def __init__(self, dates: frozenset[date]) -> None:
        self.dates = dates

    def closed(self, jurisdictions: tuple[str, ...]) -> frozenset[date]:
        return self.dates


@st.composite
def teams(draw: st.DrawFn) -> tuple[Shift, ...]:
    return tuple(Shift(draw(st.sampled_from(ZONES)), OFFICE) for _ in range(draw(st.integers(1, 2))))


@st.composite
def covers(draw: st.DrawFn) -> tuple[Shift, ...]:
    from speedlead.domain.plan import When

    return (Shift(draw(st.sampled_from(ZONES)), draw(WEEKS), covers=When(), name="cover"),)


def found_by(closed: frozenset[date], at: datetime, facts: LeadFacts, place: Place, team: tuple[Shift, ...]) -> Opening:
    question = Question("call", at, None, place, PLAN.hours["call"], None, CONSENTING)
    return find_opening(Placer(LAW, Dates(closed), {}).place, question, PLAN, facts, team, can_mail=True)


@given(DAYS, INSTANTS, FACTS, PLACES, teams(), covers())
@settings(max_examples=150, deadline=None)
def test_cover_never_makes_an_opening_or_a_deadline_later(
    closed: frozenset[date],
    at: datetime,
    facts: LeadFacts,
    place: Place,
    team: tuple[Shift, ...],
    cover: tuple[Shift, ...],
) -> None:
    without, with_cover = found_by(closed, at, facts, place, team), found_by(closed, at, facts, place, (*team, *cover))
    if without.channel != with_cover.channel:  # a call that only cover makes possible takes the place of a mail
        assert (without.channel, with_cover.channel) == ("email", "call")
        return
    assert with_cover.open_at <= without.open_at
    assert with_cover.due is not None
    assert without.due is not None
    assert with_cover.due <= without.due


@given(DAYS, DAYS, INSTANTS, FACTS, PLACES)
@settings(max_examples=150, deadline=None)
def test_closures_never_make_an_opening_or_a_deadline_earlier(
    closed: frozenset[date], more: frozenset[date], at: datetime, facts: LeadFacts, place: Place
) -> None:
    team = (Shift(place.business_zones[0], OFFICE),)
    fewer, all_of_them = found_by(closed, at, facts, place, team), found_by(closed | more, at, facts, place, team)
    assert all_of_them.open_at >= fewer.open_at
    assert all_of_them.due is not None
    assert fewer.due is not None
    assert all_of_them.due >= fewer.due


@given(DAYS, INSTANTS, FACTS, PLACES, teams(), covers())
@settings(max_examples=150, deadline=None)
def test_a_deadline_never_lies_in_closed_time(
    closed: frozenset[date],
    at: datetime,
    facts: LeadFacts,
    place: Place,
    team: tuple[Shift, ...],
    cover: tuple[Shift, ...],
) -> None:
    found = found_by(closed, at, facts, place, (*team, *cover))
    ask = Placer(LAW, Dates(closed), {}).place
    for deadline in found.deadlines:
        # the instant of closing itself still counts: just before it somebody could be reached
        just_before = deadline.at - timedelta(seconds=1)
        hours = PLAN.hours["call" if found.channel == "call" else "email"]
        question = Question(found.channel, just_before, None, place, hours, None, CONSENTING)  # type: ignore[arg-type]
        answer = place_human(ask, question, (*team, *cover))
        assert isinstance(answer, Placed)
        assert answer.at == just_before


@given(
    WEEKS,
    DAYS,
    DAYS,
    st.dictionaries(st.dates(date(2026, 3, 5), date(2026, 3, 25)), SOME_SPANS, max_size=5),
    INSTANTS,
)
@settings(max_examples=200, deadline=None)
def test_closures_and_half_days_only_close(
    week: Weekly, holidays: frozenset[date], closures: frozenset[date], halves: dict[date, tuple[tuple[int, int], ...]],
    at: datetime,
) -> None:  # fmt: skip
    from speedlead.domain.calendar import permitted, why_not

    def rule(**more: object) -> list[ZonePolicy]:
        return [ZonePolicy("Europe/Paris", Policy(week, NEVER, **more), "business_hours")]  # type: ignore[arg-type]

    full = rule(holidays=holidays, closures=closures, half_days=halves)
    assert permitted(at, full) == (why_not(at, full) == ())
    if permitted(at, full):
        assert permitted(at, rule())
        assert permitted(at, rule(holidays=holidays - halves.keys()))
        assert permitted(at, rule(closures=closures))


def test_an_impossible_call_leaves_cover_out() -> None:
    no_phone_law = Consents(call_requested=False, sms=False, call=False)
    question = Question("call", ny("2026-11-28T11:00"), None, NEW_YORK, PLAN.hours["call"], None, no_phone_law)
    assert isinstance(place_human(placer(WEEKEND).place, question, crew(WEEKEND)), Impossible)
