"""Rotations: each local day has one duty for each level, whatever the clock does; impossible ones are refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speedlead.calendarbook import CalendarError, parse_calendars
from speedlead.calendarweek import week_of
from speedlead.domain.calendar import why_not
from speedlead.domain.crew import shifts_of
from speedlead.domain.opening import turn_at
from speedlead.domain.roster import Roster, rosters

SAM, KIM, LEE, ANN = (f"{name}@acme.example" for name in ("sam", "kim", "lee", "ann"))
DAY = timedelta(days=1)
GOOD = """\
teams:
  - id: everybody
    zone: America/New_York
    on_call:
      - id: evenings
        hours: {mon: 18:00-21:00, sat: 10:00-16:00}
        rotation:
          start: 2026-11-23
          every: 7d
          handover: "09:00"
          levels: [[Sam@acme.example, kim@acme.example], [lee@acme.example]]
      - {id: weekend, when: {lead_type: warm}, hours: {sat: 10:00-16:00}, reps: [sam@acme.example]}
"""
EVERY_DAY = "{" + ", ".join(f"{day}: 00:00-24:00" for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")) + "}"


@dataclass
class Person:
    email: str
    off: Sequence[tuple[datetime, datetime]] = ()
    overrides: Sequence[tuple[str, int, date]] = ()


def roster(people: Sequence[Person], text: str = GOOD) -> Roster:
    [made] = rosters(parse_calendars(text, "own.yaml"), people)
    return made


def around_the_clock(zone: str, handover: str, levels: str, every: int = 1, start: str = "2026-01-05") -> str:
    return (
        f"teams: [{{id: everybody, zone: {zone}, on_call: [{{id: c, hours: {EVERY_DAY},"
        f' rotation: {{start: {start}, every: {every}d, handover: "{handover}", levels: {levels}}}}}]}}]'
    )


def off(first: str, last: str, zone: str = "America/New_York") -> tuple[datetime, datetime]:
    """Whole days, the last one included."""
    begin, end = (datetime.combine(date.fromisoformat(day), time(), ZoneInfo(zone)) for day in (first, last))
    return begin, end + DAY


EVERYBODY = [Person(who) for who in (SAM, KIM, LEE)]

FAULTS = [
    # (what, text of the good file, what stands there instead, line, field, what the message says)
    ("no members", "[[Sam@acme.example, kim@acme.example], [lee@acme.example]]", "[[], [lee@acme.example]]", 11,
     "rotation.levels.0", "those who take turns, got none"),
    ("no levels", "[[Sam@acme.example, kim@acme.example], [lee@acme.example]]", "[]", 11, "rotation.levels",
     "at least 1 item"),
    ("more levels than a call rings", "[lee@acme.example]]", "[a@x.y], [b@x.y], [c@x.y]]", 11, "rotation.levels",
     "at most 3 items"),
    ("no address", "[lee@acme.example]", "[lee]", 11, "rotation.levels.1", "addresses of reps, got 'lee'"),
    ("somebody on two levels at once", "[lee@acme.example]", "[kim@acme.example, ann@acme.example, sam@acme.example]",
     11, "rotation.levels", "sam@acme.example would be on levels 1 and 2 at the same time"),
    ("half days", "every: 7d", "every: 36h", 9, "rotation.every", "whole days from 1d to 366d, got '36h'"),
    ("no days", "every: 7d", "every: 0d", 9, "rotation.every", "whole days from 1d"),
    ("a number of days", "every: 7d", "every: 7", 9, "rotation.every", "such as 1d or 7d, got 7"),
    ("no day", "start: 2026-11-23", "start: monday", 8, "rotation.start", "valid date"),
    ("no time of day", '"09:00"', '"9 am"', 10, "rotation.handover", "a time of day such as \"09:00\", got '9 am'"),
    ("an hour that no day has", '"09:00"', '"25:00"', 10, "rotation.handover", "got '25:00'"),
    ("a hand-over that a day skips", '"09:00"', '"02:30"', 10, "rotation.handover",
     "02:30 does not exist on 2027-03-14 in America/New_York"),
    ("a hand-over that a day has twice", '"09:00"', '"01:30"', 10, "rotation.handover",
     "01:30 comes twice on 2027-11-07 in America/New_York"),
    ("reps and a rotation", "hours: {mon: 18:00-21:00, sat: 10:00-16:00}\n",
     "hours: {mon: 18:00-21:00}\n        reps: [ann@acme.example]\n", 5, "on_call.0", "either reps or rotation"),
    ("an unknown key", "every: 7d", "each: 7d", 9, "rotation.each", "Extra inputs"),
    ("an unknown zone", "hours: {mon", "zone: Mars/Base\n        hours: {mon", 6, "on_call.0.zone", "'Mars/Base'"),
    ("cover that overlaps", "lead_type: warm", "lead_type: hot", 12, "on_call.1.hours",
     "overlaps with the hours of evenings, first at 2026-11-28 15:00 UTC, for the same leads"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "field", "says"), [pytest.param(*f[1:], id=f[0]) for f in FAULTS])
def test_a_fault_is_named_by_file_line_and_field(old: str, new: str, line: int, field: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(CalendarError) as raised:
        parse_calendars(GOOD.replace(old, new, 1), "own.yaml")
    texts = [text for text in str(raised.value).splitlines() if says in text]
    assert texts, str(raised.value)
    assert texts[0].startswith(f"own.yaml:{line}: teams.0.on_call.")
    assert f"{field}: " in texts[0]


@pytest.mark.parametrize(
    ("when", "other", "meet"),
    [
        ("{lead_type: hot}", "{lead_type: hot}", True),
        ("{lead_type: hot}", "{source: [ads]}", True),
        ("{source: [ads]}", "{source: [organic, ads]}", True),
        ("{lead_type: hot, source: [ads]}", "{lead_type: hot, source: [organic]}", False),
        ("{region: [US]}", "{region: [US-TX]}", True),
        ("{region: [US-NY]}", "{region: [US-TX, DE]}", False),
    ],
)
def test_cover_overlaps_only_for_leads_that_match_both(when: str, other: str, meet: bool) -> None:
    text = GOOD.replace("id: evenings", f"id: evenings\n        when: {when}").replace("{lead_type: warm}", other)
    if meet:
        with pytest.raises(CalendarError, match="overlaps"):
            parse_calendars(text, "own.yaml")
    else:
        parse_calendars(text, "own.yaml")


def test_a_time_without_quotes_is_the_same_time() -> None:
    found = {roster([], GOOD.replace('"09:00"', text)).rotation.handover for text in ("18:30", '"18:30"')}
    assert found == {18 * 60 + 30}


def test_people_on_offset_levels_never_meet() -> None:
    levels = "[[a@x.y, b@x.y, c@x.y], [b@x.y, c@x.y, a@x.y]]"
    made = roster([Person(f"{n}@x.y") for n in "abc"], around_the_clock("UTC", "09:00", levels))
    days = [[duty.rep for duty in made.duties(date(2026, 1, 5 + n))] for n in range(4)]
    assert days == [["a@x.y", "b@x.y"], ["b@x.y", "c@x.y"], ["c@x.y", "a@x.y"], ["a@x.y", "b@x.y"]]


def test_turns_change_at_the_hand_over_and_not_at_midnight() -> None:
    made = roster(EVERYBODY)
    monday = date(2026, 11, 30)
    assert [duty.rep for duty in made.duties(monday - DAY)] == [SAM, LEE]
    assert [duty.rep for duty in made.duties(monday)] == [KIM, LEE]
    assert made.ends(monday - DAY) == datetime(2026, 11, 30, 14, 0, tzinfo=UTC)  # 09:00 in New York
    assert made.duties(date(2026, 11, 22)) == ()


def test_time_off_in_the_hours_of_the_duty_gives_the_day_to_the_next() -> None:
    away = Person(SAM, off=[off("2026-11-28", "2026-11-28")])
    made = roster([away, Person(KIM), Person(LEE)])
    first, second = made.duties(date(2026, 11, 28))
    assert (first.rep, first.passed, second.rep) == (KIM, ((SAM, "time_off"),), LEE)
    assert made.duties(date(2026, 11, 23))[0].rep == SAM
    # off on a day on which the cover has no hours: nobody else has to come
    idle = roster([Person(SAM, off=[off("2026-11-25", "2026-11-26")]), Person(KIM), Person(LEE)])
    assert {idle.duties(date(2026, 11, n))[0].rep for n in range(23, 30)} == {SAM}


def test_nobody_is_left_when_all_of_a_level_are_off_or_gone() -> None:
    made = roster([Person(SAM, off=[off("2026-11-23", "2026-11-30")]), Person(LEE)])
    first, second = made.duties(date(2026, 11, 23))
    assert (first.rep, first.passed) == (None, ((SAM, "time_off"), (KIM, "no_rep")))
    assert second.rep == LEE


def test_an_override_wins_and_whoever_steps_in_is_not_on_two_levels() -> None:
    day = date(2026, 11, 23)
    made = roster([Person(SAM), Person(KIM), Person(LEE, overrides=[("evenings", 1, day)])])
    first, second = made.duties(day)
    assert (first.rep, first.why) == (LEE, "override")
    assert (second.rep, second.passed) == (None, ((LEE, "other_level"),))
    assert made.duties(day + DAY)[0].rep == SAM
    assert roster([Person(SAM), Person(LEE, overrides=[("other", 1, day)])]).duties(day)[0].rep == SAM


@pytest.mark.parametrize(("day", "hours"), [("2026-03-07", 23), ("2026-10-31", 25), ("2026-06-01", 24)])
def test_a_day_of_duty_has_as_many_hours_as_the_clock_shows(day: str, hours: int) -> None:
    made = roster([Person(SAM)], around_the_clock("America/New_York", "09:00", f"[[{SAM}]]"))
    [(start, end)] = made.hours(date.fromisoformat(day))
    assert end - start == timedelta(hours=hours)


ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia",
         "America/Santiago")  # fmt: skip
# the early hours are refused where the clock changes in them, as the table of faults shows
HANDOVERS = st.integers(4 * 60, 23 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
# days on which the clock changes somewhere, and others
DAYS = st.one_of(
    st.dates(date(2026, 1, 6), date(2029, 12, 30)),
    st.sampled_from([date(2026, 3, 8), date(2026, 11, 1), date(2027, 3, 28), date(2027, 10, 31), date(2026, 4, 5),
                     date(2026, 9, 6), date(2026, 10, 4)]),
)  # fmt: skip


@given(zone=st.sampled_from(ZONES), handover=HANDOVERS, day=DAYS, every=st.integers(1, 15))
def test_duties_follow_each_other_without_gap_or_overlap(zone: str, handover: str, day: date, every: int) -> None:
    made = roster([Person(SAM), Person(KIM)], around_the_clock(zone, handover, f"[[{SAM}, {KIM}]]", every))
    spans = [made.hours(day + n * DAY) for n in (-1, 0, 1)]
    assert all(len(span) == 1 for span in spans)
    assert spans[0][0][1] == spans[1][0][0]
    assert spans[1][0][1] == spans[2][0][0]
    wanted = time.fromisoformat(handover)
    assert spans[1][0][0].astimezone(ZoneInfo(zone)).replace(tzinfo=None) == datetime.combine(day, wanted)


@given(
    zone=st.sampled_from(ZONES), handover=HANDOVERS, day=DAYS, every=st.integers(1, 15),
    second=st.integers(-90_000, 90_000), data=st.data(),
)  # fmt: skip
def test_at_every_instant_each_level_has_one_on_call_unless_all_are_off(
    zone: str, handover: str, day: date, every: int, second: int, data: st.DataObject
) -> None:
    """The oracle is `zoneinfo`: what the local clock shows says which day's duty it is."""
    at = datetime.combine(day, time(12), UTC) + timedelta(seconds=second)
    spans = st.tuples(st.integers(-72, 72), st.integers(1, 48)).map(
        lambda span: (at + timedelta(hours=span[0]), at + timedelta(hours=span[0] + span[1]))
    )
    people = [Person(who, off=data.draw(st.lists(spans, max_size=2))) for who in (SAM, KIM, LEE, ANN)]
    text = around_the_clock(zone, handover, f"[[{SAM}, {KIM}, {ANN}], [{LEE}, {ANN}, {KIM}]]", every, "2026-01-01")
    made = roster(people, text)
    local = at.astimezone(ZoneInfo(zone))
    duty_day = local.date() - (DAY if local.time() < time.fromisoformat(handover) else timedelta(0))
    duties = made.duties(duty_day)
    assert [duty.level for duty in duties] == [1, 2]
    on = [(shift.level, person.email) for person in people for shift in made.shifts(person.email) if shift.holds(at)]
    assert sorted(on) == [(duty.level, duty.rep) for duty in duties if duty.rep is not None]
    assert len({who for _, who in on}) == len(on)
    assert made.anybody.holds(at) == bool(on)
    for duty in duties:
        free = [who for who in made.rotation.levels[duty.level - 1] if not made.is_off(who, duty_day)]
        taken = {other.rep for other in duties if other.level != duty.level}
        assert (duty.rep is None) == (not set(free) - taken)


def test_a_shift_says_why_it_is_closed_and_on_which_level_it_is() -> None:
    calendars = parse_calendars(GOOD, "own.yaml")
    made = rosters(calendars, EVERYBODY)
    evening = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)  # Monday, 19:30 in New York
    shifts = {who: shifts_of(calendars, email=who, zone="UTC", weekly={}, rosters=made) for who in (SAM, KIM, LEE)}
    assert [turn_at(shifts[who], evening) for who in (SAM, KIM, LEE)] == [1, None, 2]
    assert why_not(evening, shifts[KIM][-1].rules) == ("outside_business_hours:team_hours",)
    assert why_not(evening, shifts[SAM][-1].rules) == ()


def test_the_doctor_and_the_week_know_those_who_take_turns() -> None:
    calendars = parse_calendars(GOOD, "own.yaml")
    assert calendars.strangers([SAM, KIM]) == ("lee@acme.example (on_call evenings)",)
    [(_, [monday])] = [week for week in week_of(calendars, {}, [date(2026, 11, 23)]) if "team" in week[0]]
    assert monday.on_call == "evenings 18:00-21:00: whose turn it is (speedlead oncall show)"
