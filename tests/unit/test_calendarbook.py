"""Calendar files: what is wrong in one is named by file, line and field."""

import re
from datetime import date
from pathlib import Path

import pytest
from holidays import country_holidays, list_supported_countries

from speedlead.calendarbook import CalendarError, load_calendars, parse_calendars
from speedlead.doctor import calendar_people
from speedlead.domain.business import Calendars
from speedlead.settings import Settings

GOOD = """\
territories:
  - id: us
    where: [US, US-NY]
    zone: America/New_York
    hours:
      call: {mon: 09:00-17:00, tue: ["09:00-12:00", "13:00-17:00"]}
    holidays: {country: US, subdivision: NY}
    closures:
      - {from: 2026-12-28, to: 2026-12-30, reason: winter break}
      - {date: 2027-01-04, reason: stocktaking}
    half_days:
      - {date: 2026-12-31, hours: 09:00-13:00}
      - {holiday: Christmas Day, hours: ["09:00-10:00", "11:00-12:00"]}
  - id: rest
teams:
  - id: everybody
    zone: Europe/London
    holidays: {country: GB, subdivision: ENG, categories: [public]}
    on_call:
      - {id: weekend, when: {lead_type: hot}, hours: {sat: 10:00-16:00}, reps: [Sam@acme.example]}
"""

FAULTS = [
    # (what, text of the good file, what stands there instead, line, field, what the message says)
    ("a zone", "zone: America/New_York", "zone: Mars/Base", 4, "territories.0.zone", "unknown time zone 'Mars/Base'"),
    ("a team's zone", "zone: Europe/London", "zone: UTC+1", 17, "teams.0.zone", "unknown time zone 'UTC+1'"),
    ("no zone of a team", "    zone: Europe/London\n", "", 16, "teams.0.zone", "Field required"),
    ("a country", "[US, US-NY]", "[XX]", 3, "territories.0.where", "'XX' is not a country"),
    ("a part of a country", "[US, US-NY]", "[US-ZZ]", 3, "territories.0.where", "'US-ZZ' is not a part of US"),
    ("a holiday country", "country: US,", "country: XX,", 7, "territories.0.holidays", "for the country 'XX'"),
    ("a holiday region", "subdivision: NY", "subdivision: ZZ", 7, "territories.0.holidays", "a subdivision 'ZZ'"),
    ("a holiday category", "[public]", "[bank]", 18, "teams.0.holidays", "the category 'bank'; expected public"),
    ("no holiday word", "{country: US, subdivision: NY}", "usual", 7, "territories.0.holidays", "own, none, or a"),
    ("a lead's holidays for a team", "{country: GB, subdivision: ENG, categories: [public]}", "own", 18,
     "teams.0.holidays", "`own` holidays are the lead's"),
    ("a holiday's name", "holiday: Christmas Day", "holiday: Yule", 2, "territories.0", "is called 'Yule'"),
    ("overlapping hours", "13:00-17:00", "11:00-17:00", 6, "territories.0.hours.call", "tue: hours overlap"),
    ("hours that end before they begin", "mon: 09:00-17:00", "mon: 17:00-09:00", 6, "territories.0.hours.call",
     "a start before its end"),
    ("a day without hours", "mon: 09:00-17:00", "mon: []", 6, "territories.0.hours.call", "mon: expected hours, got"),
    ("no hours at all", "{sat: 10:00-16:00}", "{}", 20, "teams.0.on_call.0.hours", "one weekday at least, got none"),
    ("overlapping half days", "11:00-12:00", "09:30-12:00", 13, "territories.0.half_days.1.hours", "hours overlap"),
    ("an empty half day", "hours: 09:00-13:00", "hours: []", 12, "territories.0.half_days.0.hours", "got none"),
    ("a closure that ends before it starts", "to: 2026-12-30", "to: 2026-12-20", 9, "territories.0.closures.0",
     "ends on 2026-12-20, before its start on 2026-12-28"),
    ("a closure without a reason", ", reason: stocktaking", "", 10, "territories.0.closures.1.reason",
     "Field required"),
    ("a date and a span", "{date: 2027-01-04,", "{date: 2027-01-04, to: 2027-01-05,", 10, "territories.0.closures.1",
     "either date, or from and to"),
    ("a half day on a closed day", "date: 2026-12-31", "date: 2026-12-29", 2, "territories.0", "2026-12-29 is closed"),
    ("a half day of neither", "{date: 2026-12-31, hours", "{hours", 12, "territories.0.half_days.0", "date or holiday"),
    ("a territory twice", "id: rest", "id: us", 1, "calendars", "territories: 'us' stands twice"),
    ("a place twice", "id: rest", "{id: rest, where: [US]}", 1, "calendars", "where: 'US' stands twice"),
    ("a lead type", "lead_type: hot", "lead_type: tepid", 20, "teams.0.on_call.0.when.lead_type", "'hot', 'warm'"),
    ("a region of cover", "lead_type: hot", "region: [XX]", 20, "teams.0.on_call.0.when.region", "'XX' is not a"),
    ("times of cover", "lead_type: hot", "time: [weekend]", 20, "teams.0.on_call.0.when", "cover has its own hours"),
    ("a rep without an address", "Sam@acme.example", "Sam", 20, "teams.0.on_call.0.reps", "e-mail addresses of reps"),
    ("an unknown key", "id: rest", "id: rest\n    color: red", 15, "territories.1.color", "Extra inputs"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "field", "says"), [pytest.param(*f[1:], id=f[0]) for f in FAULTS])
def test_a_fault_is_named_by_file_line_and_field(old: str, new: str, line: int, field: str, says: str) -> None:
    text = GOOD.replace("- id: rest", "- {id: rest, where: [US]}") if new.startswith("{id: rest") else GOOD
    text = text if text != GOOD else GOOD.replace(old, new, 1)
    assert text != GOOD
    with pytest.raises(CalendarError) as refused:
        parse_calendars(text, "own.yaml")
    said = str(refused.value)
    assert re.match(rf"own\.yaml:{line}: {re.escape(field)}: ", said), said
    assert says in said


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CalendarError, match=r"none\.yaml: cannot be read"):
        load_calendars(tmp_path / "none.yaml")


def test_the_packaged_calendars_know_whose_weekend_is_not_saturday_and_sunday() -> None:
    calendars, version = load_calendars()
    assert calendars.teams == ()
    assert {day for t in calendars.territories for week in t.hours.values() for day in week} == {6, 0, 1, 2, 3}
    known = {name for territory in calendars.territories for name in territory.where}
    friday_rest = {c for c in list_supported_countries() if country_holidays(c).weekend == {4, 5}}
    assert {"SA", "EG", "IL", "BD"} <= known & friday_rest
    assert calendars.of_place(("AE",)) == (None,)  # Saturday and Sunday since 2022
    assert re.fullmatch("[0-9a-f]{8}", version)


def test_what_a_file_says_is_what_is_kept() -> None:
    calendars = parse_calendars(GOOD, "own.yaml")
    us, rest = calendars.territories
    policy = us.business("call", {}, frozenset({date(2026, 12, 1)}))
    assert policy.closures == {date(2026, 12, day) for day in (28, 29, 30)} | {date(2027, 1, 4)}
    assert date(2026, 11, 26) in policy.holidays  # Thanksgiving, and not the holidays of the lead's own place
    assert date(2026, 12, 1) not in policy.holidays
    assert policy.half_days[date(2027, 12, 25)] == ((540, 600), (660, 720))  # a holiday by its name, in every year
    assert rest.business("call", {}, frozenset({date(2026, 12, 1)})).holidays == {date(2026, 12, 1)}
    assert calendars.teams[0].on_call[0].reps == ("sam@acme.example",)


@pytest.mark.parametrize(
    ("places", "territories"),
    [
        (("US", "US-NY"), ["us"]),
        (("US", "US-TX"), ["us"]),  # of its country
        (("US",), ["us"]),
        (("FR",), ["rest"]),
        (("US", "US-TX", "FR"), ["us", "rest"]),  # it may be in either: both are kept
        ((), ["rest"]),
    ],
)
def test_the_most_exact_territory_counts(places: tuple[str, ...], territories: list[str]) -> None:
    calendars = parse_calendars(GOOD, "own.yaml")
    assert [territory.id for territory in calendars.of_place(places) if territory] == territories
    assert Calendars().of_place(places) == (None,)


def test_a_team_without_a_calendar_keeps_everybodys() -> None:
    calendars = parse_calendars(GOOD + "  - {id: paris, zone: Europe/Paris, reps: [Paul@acme.example]}\n", "own.yaml")
    teams = [calendars.team_of(email) for email in ("paul@acme.example", "PAUL@acme.example", "sam@acme.example")]
    assert [team.id for team in teams if team] == ["paris", "paris", "everybody"]
    assert Calendars().team_of("paul@acme.example") is None


@pytest.mark.parametrize(
    ("team", "said"),
    [
        ("{id: paris, zone: Europe/Paris}", "the e-mail addresses of the team's people"),
        ("{id: paris, zone: Europe/Paris, reps: [Paul]}", "expected e-mail addresses of reps, got 'Paul'"),
        ("{id: paris, zone: Europe/Paris, reps: [a@b.example, A@b.example]}", "'a@b.example' stands twice"),
    ],
)
def test_a_team_names_its_people_once(team: str, said: str) -> None:
    with pytest.raises(CalendarError, match=re.escape(said)):
        parse_calendars(GOOD + f"  - {team}\n", "own.yaml")


def test_addresses_that_belong_to_nobody_are_named_with_their_place() -> None:
    calendars = parse_calendars(GOOD + "  - {id: paris, zone: Europe/Paris, reps: [paul@acme.example]}\n", "own.yaml")
    assert calendars.strangers(["SAM@acme.example", "paul@acme.example"]) == ()
    assert calendars.strangers(["ann@acme.example"]) == (
        "paul@acme.example (team paris)", "sam@acme.example (on_call weekend)")  # fmt: skip


def test_the_example_of_the_manual_can_be_used() -> None:
    manual = (Path(__file__).parents[2] / "docs/calendars.md").read_text("utf-8")
    example = re.search(r"```yaml\n(.*?)```", manual, re.DOTALL)
    assert example
    calendars = parse_calendars(example[1], "calendars.md")
    assert [calendar.id for calendar in (*calendars.territories, *calendars.teams)] == ["us", "france", "everybody"]


def test_the_doctor_names_the_address_on_call_that_is_nobodys(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(GOOD, encoding="utf-8")
    settings = Settings(calendars_file=file)
    found = calendar_people(settings, ["ann@acme.example"])
    assert (found.ok, found.detail) == (False, "no active rep has the address of sam@acme.example (on_call weekend)")
    assert calendar_people(settings, ["sam@acme.example"]).ok
    file.write_text(GOOD.replace("zone: Europe/London", "zone: Mars/Base"), encoding="utf-8")
    assert "own.yaml:17: teams.0.zone" in calendar_people(settings, []).detail
