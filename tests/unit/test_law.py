"""The law tables that ship, and what the loader says about wrong ones."""

from datetime import date
from pathlib import Path

import pytest

from speedlead.domain.law import HOUSE, LawBook, LawRow
from speedlead.domain.quiet_dates import HolidayRule, dates_of, easter_sunday
from speedlead.lawbook import LawError, load

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
    **dict.fromkeys(("us-pa-old", "us-va", "gb"), (((480, 1260),),) * 3),
    "de": (((480, 1200),),) * 3,
}


@pytest.fixture(scope="module")
def book() -> LawBook:
    return load()


def row(book: LawBook, row_id: str) -> LawRow:
    return next(row for row in book.rows if row.id == row_id)


def test_all_rows_ship_with_their_hours(book: LawBook) -> None:
    assert {row.id for row in book.rows} == {*HOURS, "ca-sms-email"}
    assert row(book, "ca-sms-email").hours is None
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
    assert {each.id for each in book.rows if each.call_requested_satisfies} == {"fr", "de", "sg"}
    assert row(book, "house").jurisdiction == HOUSE
    assert row(book, "house").certainty == "D"


def test_caps_say_what_they_count(book: LawBook) -> None:
    caps = {each.id: [(c.cap.max, c.cap.window_s, c.counts, c.after_silent) for c in each.caps] for each in book.rows}
    assert {row_id: cap for row_id, cap in caps.items() if cap} == {
        "us-fl": [(3, 86_400, ("call",), False)],
        "us-ok": [(3, 86_400, ("call",), False)],
        "us-md": [(3, 86_400, ("call", "sms"), False)],
        "us-me": [(1, 28_800, ("call_automated",), False)],
        "gb": [(1, 86_400, ("call",), True)],
        "fr": [(4, 30 * 86_400, ("call",), False)],
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


def test_an_area_code_alone_brings_only_rows_that_presume_from_it(book: LawBook) -> None:
    def rows(presumed: str) -> list[str]:
        return [each.id for each in book.rows_for(("US", "US-CA"), "call", None, (presumed,))]

    assert rows("US-FL") == ["us-fed", "us-fl"]
    assert rows("US-PA") == ["us-fed"]


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
    for key in ("US-AL:legal", "US-LA:psc", "US-MS:legal", "US-RI:legal"):
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
    ):
        with pytest.raises(ValueError, match=r"x:|day is out of range"):
            HolidayRule("x", **wrong)  # type: ignore[arg-type]


ROW = """
rows:
  - id: test
    jurisdiction: XX
    channels: [call]
    hours: {mon-fri: ["09:00-18:00"]}
    consent_needed: none
    certainty: D
    source: "none"
"""


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    file = tmp_path / "law.yaml"
    file.write_text("as_of: 2026-11-21" + ROW, "utf-8")
    first = load(file).version
    assert first.startswith("2026-11-21+")
    file.write_text("as_of: 2026-11-21" + ROW.replace("18:00", "18:30"), "utf-8")
    assert load(tmp_path).version != first


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("09:00-18:00", "9-18", r"law.yaml: row test: field hours: '9-18' is not a span"),
        ("09:00-18:00", "18:00-09:00", r"row test: field hours: interval"),
        ("mon-fri", "mo-fri", r"field hours: 'mo-fri' is not a day"),
        ("mon-fri", "fri-mon", r"field hours: 'fri-mon' is not a day"),
        ("[call]", "[phone]", r"row test: field channels: \['phone'\]"),
        ("[call]", "call", r"field channels: 'call' has the wrong type"),
        ("consent_needed: none", "consent_needed: maybe", r"field consent_needed: 'maybe' is not one of"),
        ("    certainty: D\n", "", r"field certainty: is missing"),
        ("certainty: D", "certainty: E", r"field certainty: 'E'"),
        (
            "    source",
            "    effective_from: 2026-02-01\n    effective_to: 2026-02-01\n    source",
            r"field effective_to",
        ),
        ("    source", "    effective_from: soon\n    source", r"field effective_from: 'soon' has the wrong type"),
        ("    source", "    also_zones: [Mars/Base]\n    source", r"field also_zones: unknown time zone 'Mars/Base'"),
        (
            "    source",
            "    quiet_dates: [XX:none]\n    source",
            r"field quiet_dates: no list is called 'XX:none'",
        ),
        ("    source", "    caps: [{max: 3, counts: [call]}]\n    source", r"row test: caps: field max"),
        ("    source", "    caps: [{max: true, window_s: 1, counts: [call]}]\n    source", r"caps: field max: True"),
        ("    source", "    hour: 9\n    source", r"row test: field hour: unknown field"),
        ("rows:", "rows:\n  - nonsense\nx:", r"expected a mapping with as_of"),
        ("rows:", "rows:\n  - nonsense", r"row 1: expected a mapping, not str"),
        ("rows:", "rows: [", r"cannot be read"),
    ],
)
def test_a_wrong_file_is_refused_by_file_row_and_field(tmp_path: Path, old: str, new: str, match: str) -> None:
    assert old in ROW
    (tmp_path / "law.yaml").write_text(ROW.replace(old, new), "utf-8")
    with pytest.raises(LawError, match=match):
        load(tmp_path)


def test_two_rows_with_one_id_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LawError, match="no law rows"):
        load(tmp_path)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(ROW, "utf-8")
    with pytest.raises(LawError, match=r"b.yaml: row test: field id"):
        load(tmp_path)
