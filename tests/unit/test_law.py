"""The law tables that ship, against the table of record, and the holidays they name."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from speedlead.domain.law import HOUSE, LawBook, LawRow
from speedlead.domain.placing import Consents, Question, consented
from speedlead.domain.quiet_dates import HolidayRule, dates_of, easter_sunday
from speedlead.domain.zones import UNKNOWN
from speedlead.lawbook import FOLDER, load

# id -> (opening on Monday, on Saturday, on Sunday), as the law table of record has them; minutes of the local day
HOURS: dict[str, tuple[tuple[tuple[int, int], ...], ...]] = {
    "us-fed": (((480, 1260),),) * 3,
    "us-ct": (((540, 1200),),) * 3,
    "us-tx": (((540, 1260),), ((540, 1260),), ((720, 1260),)),
    "us-ky": (((600, 1260),),) * 3,
    "us-nv": (((540, 1200),),) * 3,
    "us-ri": (((540, 1080),), ((600, 1020),), ()),
    "us-pa-new": (((540, 1140),), ((540, 1140),), ()),
    "us-me": (((540, 1020),), (), ()),
    "ca": (((540, 1290),), ((600, 1080),), ((600, 1080),)),
    "fr": (((600, 780), (840, 1200)), (), ()),
    "fr-sms": (((480, 1320),), ((480, 1320),), ()),
    "au": (((540, 1200),), ((540, 1020),), ()),
    "in": (((600, 1140),),) * 3,
    "br": (((540, 1260),), ((600, 960),), ()),
    "house": (((480, 1260),),) * 3,
    **dict.fromkeys(("us-fl", "us-ok", "us-md", "us-wa", "us-ma", "us-wy"), (((480, 1200),),) * 3),
    **dict.fromkeys(("us-al", "us-la", "us-ms"), (((480, 1200),), ((480, 1200),), ())),
    **dict.fromkeys(("us-mi", "us-mn", "us-nm", "my", "sg"), (((540, 1260),),) * 3),
    **dict.fromkeys(("us-pa-old", "us-va", "us-il", "gb"), (((480, 1260),),) * 3),
    "us-il-prerecorded": (((540, 1260),),) * 3,
    "us-sd": (((540, 1260),), ((540, 1260),), ()),
    "us-ut": (((480, 1260),), ((480, 1260),), ()),
    "de": (((480, 1200),),) * 3,
}


@pytest.fixture(scope="module")
def book() -> LawBook:
    return load()


def row(book: LawBook, row_id: str) -> LawRow:
    return next(row for row in book.rows if row.id == row_id)


def test_all_rows_ship_with_their_hours(book: LawBook) -> None:
    advertising = {"us-email-marketing", "ca-email-marketing", "house-email-marketing"}
    without_hours = {"ca-sms-email", "ca-bc", "fr-opt-in", *advertising}
    assert {row.id for row in book.rows} == {*HOURS, *without_hours}
    assert all(row(book, row_id).hours is None for row_id in without_hours)
    for row_id, (monday, saturday, sunday) in HOURS.items():
        hours = row(book, row_id).hours
        assert hours is not None
        assert (hours.get(0, ()), hours.get(5, ()), hours.get(6, ())) == (monday, saturday, sunday), row_id
        assert all(hours.get(day) == monday for day in (1, 2, 3, 4)), row_id


def test_every_row_has_a_source_a_certainty_and_a_consent(book: LawBook) -> None:
    for each in book.rows:
        assert each.source.strip(), each.id
        assert each.certainty in "ABCD", each.id
    assert {each.id for each in book.rows if each.area_code_presumption} == {"us-fl", "us-ok"}
    assert row(book, "us-ct").consent_needed == "express_written"
    assert not row(book, "us-ct").call_requested_satisfies
    assert {each.id for each in book.rows if not each.call_requested_satisfies} == {
        "us-ct", "us-me", "us-il-prerecorded", "fr-sms", "house-email-marketing"}  # fmt: skip
    assert {each.id: each.hours_lifted_by for each in book.rows if each.hours_lifted_by != "nothing"} == {
        "us-va": "consent", "au": "agreed_time"}  # fmt: skip
    assert row(book, "house").jurisdiction == HOUSE
    assert row(book, "house").certainty == "D"


def test_caps_say_what_they_count(book: LawBook) -> None:
    caps = {
        each.id: [(c.cap.max, c.cap.window_s or c.cap.min_gap_s, c.counts, c.after) for c in each.caps]
        for each in book.rows
    }
    assert {row_id: cap for row_id, cap in caps.items() if cap} == {
        "us-fl": [(3, 86_400, ("call",), "every_touch")],
        "us-ok": [(3, 86_400, ("call",), "every_touch")],
        "us-md": [(3, 86_400, ("call", "sms"), "every_touch")],
        "us-me": [(1, 28_800, ("call_automated",), "every_touch")],
        "gb": [(1, 86_400, ("call",), "silent")],
        "fr": [(4, 30 * 86_400, ("call",), "every_touch"), (None, 60 * 86_400, ("call",), "refusal")],
    }


def test_pennsylvania_changes_on_the_eighteenth_of_october(book: LawBook) -> None:
    def rows(day: date) -> list[str]:
        return [each.id for each in book.rows_for(("US", "US-PA"), "call", day)]

    assert rows(date(2026, 10, 17)) == ["us-fed", "us-pa-old"]
    assert rows(date(2026, 10, 18)) == ["us-fed", "us-pa-new"]
    assert [each.id for each in book.rows_for(("US-VA",), "call", date(2025, 12, 31))] == ["house"]
    assert [each.id for each in book.rows_for(("US-TX",), "call", date(2025, 8, 31))] == ["house"]


def test_a_country_without_hours_for_the_channel_gets_the_house_rows(book: LawBook) -> None:
    def rows(*names: str, channel: str = "call") -> list[str]:
        return [each.id for each in book.rows_for(names, channel)]  # type: ignore[arg-type]

    assert rows("JP") == ["house"]
    assert rows() == ["house"]
    assert rows("GB") == ["gb"]
    assert rows("GB", channel="sms") == ["house"]
    assert rows("CA", channel="sms") == ["ca-sms-email", "house"]
    assert rows("US", "JP") == ["us-fed", "house"]
    assert rows("JP", channel="email") == []
    assert rows("US", "US-ME") == ["us-fed"]
    assert rows("US-ME", channel="call_automated") == ["us-me"]


def test_the_law_of_a_bare_area_code_is_followed_like_any_other(book: LawBook) -> None:
    def rows(presumed: str) -> list[str]:
        return [each.id for each in book.rows_for(("US", "US-CA"), "call", None, (presumed,))]

    assert rows("US-FL") == ["us-fed", "us-fl"]
    assert rows("US-PA") == ["us-fed", "us-pa-old", "us-pa-new"]


def test_france_is_opt_in_since_august_2026(book: LawBook) -> None:
    rows = {day: [r.id for r in book.rows_for(("FR",), "call", day)] for day in (date(2026, 8, 10), date(2026, 8, 11))}
    assert list(rows.values()) == [["fr"], ["fr", "fr-opt-in"]]


def test_legal_holidays_are_the_statutes_days(book: LawBook) -> None:
    def days(key: str, year: int) -> list[str]:
        return [day.strftime("%m-%d") for day in sorted(book.dates[key]) if day.year == year]

    assert days("FR:L3133-1", 2027) == [
        "01-01", "03-29", "05-01", "05-06", "05-08", "05-17", "07-14", "08-15", "11-01", "11-11", "12-25",
    ]  # fmt: skip
    # thirteen holidays, and the Mondays after those that fall on a Sunday
    assert days("US-PA:legal", 2026) == [
        "01-01", "01-19", "02-16", "04-03", "05-25", "06-14", "06-15", "07-04", "09-07", "10-12", "11-03", "11-11",
        "11-26", "12-25",
    ]  # fmt: skip
    assert days("AU:national", 2027) == [
        "01-01",
        "01-26",
        "03-26",
        "03-29",
        "04-25",
        "12-25",
        "12-26",
        "12-27",
        "12-28",
    ]
    assert days("BR:national", 2028) == [
        "01-01", "04-14", "04-21", "05-01", "09-07", "10-12", "11-02", "11-15", "11-20", "12-25",
    ]  # fmt: skip
    assert days("CA-BC:statutory", 2026) == [
        "01-01", "02-16", "04-03", "05-18", "07-01", "08-03", "09-07", "09-30", "10-12", "11-11", "12-25",
    ]  # fmt: skip
    assert [d for d in days("CA-BC:statutory", 2027) if d.startswith("05")] == ["05-24"]  # the Monday before the 25th
    assert "07-24" in days("US-UT:legal", 2026)  # Pioneer Day
    for key in ("US-AL:legal", "US-LA:psc", "US-MS:legal", "US-RI:legal", "US-UT:legal"):
        for thanksgiving in (date(2026, 11, 26), date(2027, 11, 25), date(2028, 11, 23)):
            assert thanksgiving in book.dates[key], key
    assert date(2026, 2, 17) in book.dates["US-LA:psc"]  # Mardi Gras
    assert date(2026, 11, 3) in book.dates["US-RI:legal"]  # elections in even years only
    assert date(2027, 11, 2) not in book.dates["US-RI:legal"]


def test_easter_agrees_with_an_independent_table() -> None:
    from dateutil.easter import easter

    assert [easter_sunday(year) for year in range(1900, 2100)] == [easter(year) for year in range(1900, 2100)]


def test_holiday_rules() -> None:
    last = HolidayRule("last Monday of May", nth=-1, weekday=0, month=5)
    assert [last.on(year) for year in (2026, 2027)] == [date(2026, 5, 25), date(2027, 5, 31)]
    december = HolidayRule("last Friday of December", nth=-1, weekday=4, month=12)
    assert december.on(2027) == date(2027, 12, 31)
    new_year = HolidayRule("New Year", month=1, day=1, observed="nearest_weekday")
    assert dates_of([new_year], [2028]) == {date(2027, 12, 31), date(2028, 1, 1)}
    for wrong in (
        {},
        {"day": 1},
        {"day": 31, "month": 2},
        {"nth": 5, "weekday": 0, "month": 1},
        {"day": 1, "easter": 0},
        {"nth": -1, "weekday": 0, "month": 5, "from_day": 18},
        {"day": 1, "month": 5, "from_day": 18},
        {"nth": 1, "weekday": 0, "month": 5, "from_day": 26},
    ):
        with pytest.raises(ValueError, match=r"x:|day is out of range"):
            HolidayRule("x", **wrong)  # type: ignore[arg-type]


# ── against the shared table ─────────────────────────────────────────────────────────────────────────────────────────

TABLE = Path(__file__).parents[3] / "shared" / "data" / "contact_law.json"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def shared_rows() -> list[Any]:
    if not TABLE.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(f"the table of record is not here: {TABLE}"), id="absent")]
    return [pytest.param(each, id=each["id"]) for each in json.loads(TABLE.read_text("utf-8"))["rules"]]


def minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def certain(text: str, of: str) -> str:
    """'A consent / D hours' and 'C+' name one letter for the hours, one for the consent."""
    parts = text.split(" / ")
    return next((part for part in parts if of in part), parts[-1])[0]


@pytest.mark.parametrize("shared", shared_rows())
def test_every_row_of_the_shared_table_is_in_the_book(book: LawBook, shared: Any) -> None:
    ours = row(book, shared["id"])
    assert ours.jurisdiction == shared["jurisdiction"]
    assert list(ours.channels) == shared["channels"]
    week = shared["allowed_local"]
    hours = None if week is None else [tuple((minutes(a), minutes(b)) for a, b in week[day]) for day in DAYS]
    assert (None if ours.hours is None else [tuple(ours.hours.get(day, ())) for day in range(7)]) == hours
    assert list(ours.quiet_dates) == shared["quiet_dates"]
    for cap in shared["caps"]:
        found = [each for each in ours.caps if (each.cap.max, each.cap.window_s) == (cap["max"], cap["window_s"])]
        assert found, cap
        scope = cap.get("scope", "")
        assert ("sms" in found[0].counts) is ("texts" in scope)
        assert (found[0].after == "silent") is ("silent" in scope)
    assert str(ours.effective_from or None) == str(shared["effective_from"])
    assert str(ours.effective_to or None) == str(shared["effective_to"])
    assert ours.area_code_presumption is shared["area_code_presumption"]
    assert ours.certainty == certain(shared["certainty"], "hours")
    assert shared["source"].split(",")[0].split(";")[0] in ours.source
    if shared["consent"]:
        same_law = [each for each in book.rows if each.jurisdiction == shared["jurisdiction"]]
        needs = {each.consent_needed for each in same_law}
        assert ("inquiry" in needs) if "implied" in shared["consent"] else ("express" in needs)


@pytest.mark.parametrize("name", ["us.yaml", "world.yaml"])
def test_every_row_says_which_consent_it_needs_and_whether_a_call_request_is_enough(name: str) -> None:
    entries = (FOLDER / name).read_text("utf-8").split("  - id: ")[1:]
    assert all("\n    consent_needed: " in each for each in entries)
    assert all("\n    call_requested_satisfies: " in each for each in entries)


@pytest.mark.parametrize("each", load().rows, ids=lambda each: each.id)
def test_a_call_request_satisfies_a_row_exactly_when_it_says_so(each: LawRow) -> None:
    asked = Consents(call_requested=True, sms=False, call=False, inquiry=True)
    at = datetime(2026, 11, 24, 15, tzinfo=UTC)
    question = Question("call", at, None, UNKNOWN, None, None, asked)
    assert consented(each, question, at) is each.call_requested_satisfies
    assert consented(each, replace(question, consents=Consents(False, False, call=True)), at)
    unknown = replace(each, consent_needed="unknown", call_requested_satisfies=False)
    every = Consents(call_requested=True, sms=True, call=True, inquiry=True)
    for channel in ("call", "sms", "email"):
        assert not consented(unknown, replace(question, channel=channel, consents=every), at)


def test_the_list_of_unconfirmed_rows_in_the_manual_is_whole(book: LawBook) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "compliance.md").read_text("utf-8")
    listed = manual.partition("## Unconfirmed")[2].partition("\n## ")[0]
    assert [each.id for each in book.rows if "D" in each.certainty and f"`{each.id}`" not in listed] == []
    assert [each.id for each in book.rows if each.certainty == "C" and f"`{each.id}`" not in listed] == []
