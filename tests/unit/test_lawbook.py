"""Law files of the operators' own: laid over the packaged rows, and refused by file, line, row and field."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from speedlead.domain.law import LawBook, LawRow
from speedlead.domain.law_overlay import overlaid
from speedlead.lawbook import LawError, load

ADDED = """as_of: 2026-12-01
rows:
  - id: nz
    jurisdiction: NZ
    channels: [call]
    hours: {mon-fri: ["09:00-18:00"]}
    consent_needed: none
    certainty: D
    source: "none"
"""
FLORIDA = """as_of: 2026-12-01
rows:
  - id: us-fl
    jurisdiction: US-FL
    channels: [call, sms]
    hours: {mon-sat: ["09:00-19:00"]}
    effective_from: 2027-01-01
    consent_needed: express
    certainty: A
    source: "the statute as amended"
    reason: "counsel read the amended statute"
    by: jane@acme.example
"""
OFF = """as_of: 2026-12-01
off:
  - {id: us-sd, jurisdiction: US-SD, reason: "counsel: no such rule", by: jane@acme.example}
"""


def book_of(folder: Path, **files: str) -> LawBook:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, "utf-8")
    return load(folder)


def rows(book: LawBook, *names: str, day: date | None = None) -> list[tuple[str, date | None, date | None]]:
    return [(row.id, row.effective_from, row.effective_to) for row in book.rows_for(names, "call", day)]


def test_a_row_is_added_and_the_packaged_ones_stay(tmp_path: Path) -> None:
    book, packaged = book_of(tmp_path, nz=ADDED), load()
    assert [row.id for row in book.rows] == [*(row.id for row in packaged.rows), "nz"]
    assert rows(book, "NZ") == [("nz", None, None)]
    assert rows(packaged, "NZ") == [("house", None, None)]


def test_a_replacement_rules_on_its_dates_and_the_packaged_row_before_them(tmp_path: Path) -> None:
    book = book_of(tmp_path, florida=FLORIDA)
    new_year = date(2027, 1, 1)
    assert rows(book, "US", "US-FL") == [("us-fed", None, None), ("us-fl", None, new_year), ("us-fl", new_year, None)]
    before, after = (book.rows_for(("US-FL",), "call", day)[0] for day in (date(2026, 12, 31), new_year))
    assert (before.change, before.caps[0].cap.max) == (None, 3)
    assert after.change is not None
    assert (after.change.by, after.change.reason) == ("jane@acme.example", "counsel read the amended statute")
    assert (after.hours or {}).get(6) is None


def test_a_row_is_switched_off_by_somebody_for_a_reason(tmp_path: Path) -> None:
    book = book_of(tmp_path, off=OFF)
    assert rows(book, "US", "US-SD") == [("us-fed", None, None)]
    assert [(off.id, off.change.by) for off in book.off] == [("us-sd", "jane@acme.example")]


def test_a_row_may_be_off_for_a_while(tmp_path: Path) -> None:
    off = OFF.replace("reason", "effective_from: 2027-01-01, effective_to: 2027-02-01, reason")
    book = book_of(tmp_path, off=off)
    days = [date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 31), date(2027, 2, 1)]
    assert [len(rows(book, "US", "US-SD", day=day)) for day in days] == [2, 1, 1, 2]


def test_a_country_whose_rows_leave_days_open_keeps_the_house_rows(tmp_path: Path) -> None:
    dated = ADDED.replace("    source", "    effective_from: 2027-01-01\n    source")
    assert rows(book_of(tmp_path, nz=dated), "NZ") == [("nz", date(2027, 1, 1), None), ("house", None, None)]
    # a replacement from some day on, with the packaged row before it, leaves none
    malaysia = FLORIDA.replace("us-fl", "my").replace("US-FL", "MY")
    book = book_of(tmp_path, nz=dated, my=malaysia)
    assert [row[0] for row in rows(book, "MY")] == ["my", "my"]


def test_the_version_follows_every_change(tmp_path: Path) -> None:
    packaged, first = load().version, book_of(tmp_path, nz=ADDED).version
    assert first.startswith("2026-12-01+")
    assert packaged.partition("+")[2] in first
    changed = book_of(tmp_path, nz=ADDED.replace("18:00", "18:30")).version
    assert len({packaged, first, changed, book_of(tmp_path, florida=FLORIDA).version}) == 4


def test_several_files_are_one_overlay_and_one_file_is_one(tmp_path: Path) -> None:
    book = book_of(tmp_path, nz=ADDED, florida=FLORIDA)
    assert {"nz", "us-fl"} <= {row.id for row in book.rows}
    assert [row.id for row in load(tmp_path / "nz.yaml").rows][-1] == "nz"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("09:00-18:00", "9-18", "law.yaml:6: row nz: field hours: '9-18' is not a span"),
        ("09:00-18:00", "09:00-17:75", "law.yaml:6: row nz: field hours: '09:00-17:75' is not a span"),
        ("09:00-18:00", "18:00-09:00", "field hours: '18:00-09:00' ends before it starts"),
        ("09:00-18:00", "09:00-09:00", "field hours: '09:00-09:00' ends before it starts"),
        ("09:00-18:00", "09:00-24:30", "field hours: '09:00-24:30' ends before it starts or after midnight"),
        ('["09:00-18:00"]', '["09:00-13:00", "12:00-18:00"]', "field hours: mon-fri: 09:00-13:00, 12:00-18:00 overlap"),
        ('["09:00-18:00"]', "[]", "field hours: mon-fri: expected a list such as [09:00-20:00]; leave out"),
        ('{mon-fri: ["09:00-18:00"]}', "{}", "field hours: no day is given"),
        ('{mon-fri: ["09:00-18:00"]}', '{mon-fri: ["09:00-18:00"], fri: ["09:00-10:00"]}', "fri is given twice"),
        ("mon-fri", "mo-fri", "field hours: 'mo-fri' is not a day"),
        ("mon-fri", "fri-mon", "field hours: 'fri-mon' is not a day"),
        ("[call]", "[phone]", "law.yaml:5: row nz: field channels: ['phone'] must be a list of call, sms"),
        ("[call]", "[call, call]", "each once"),
        ("[call]", "call", "field channels: 'call' is not a list"),
        ("jurisdiction: NZ", "jurisdiction: XX", "law.yaml:4: row nz: field jurisdiction: 'XX' is not a country"),
        ("jurisdiction: NZ", "jurisdiction: US-XX", "'US-XX' is not a part of US"),
        ("jurisdiction: NZ", "jurisdiction: PR", "'PR' is a territory of the United States here: write 'US-PR'"),
        ("jurisdiction: NZ", "jurisdiction: JE", "'JE' follows the rules of 'GB' here"),
        ("jurisdiction: NZ", "jurisdiction: nz", "'nz' is not a country"),
        ("consent_needed: none", "consent_needed: maybe", "field consent_needed: 'maybe' is not one of"),
        (
            "consent_needed: none",
            "consent_needed: none\n    call_requested_satisfies: false",
            "law.yaml:8: row nz: field call_requested_satisfies: false contradicts consent_needed: none",
        ),
        (
            "consent_needed: none",
            "consent_needed: unknown\n    call_requested_satisfies: true",
            "true contradicts consent_needed: unknown",
        ),
        ("    certainty: D\n", "", "law.yaml:3: row nz: field certainty: is missing"),
        ("certainty: D", "certainty: E", "law.yaml:8: row nz: field certainty: 'E'"),
        ('source: "none"', 'source: " "', "field source: is empty"),
        (
            "    source",
            "    effective_from: 2026-02-01\n    effective_to: 2026-02-01\n    source",
            "law.yaml:10: row nz: field effective_to: 2026-02-01 is not after effective_from 2026-02-01",
        ),
        ("    source", "    effective_from: soon\n    source", "field effective_from: 'soon' is not a date"),
        ("    source", "    effective_from: 2026-02-30\n    source", "cannot be read: day is out of range"),
        ("    source", "    also_zones: [Mars/Base]\n    source", "field also_zones: unknown time zone 'Mars/Base'"),
        ("    source", "    quiet_dates: [XX:none]\n    source", "field quiet_dates: no list is called 'XX:none'"),
        ("    source", "    caps: [{max: 3, counts: [call]}]\n    source", "row nz: caps: field max"),
        ("    source", "    caps: [{max: true, window_s: 1, counts: [call]}]\n    source", "field max: True is not"),
        ("    source", "    caps: [{max: 0, window_s: 1, counts: [call]}]\n    source", "field max: 0 is less than 1"),
        (
            "    source",
            "    caps: [{max: 1, window_s: 9999999, counts: [call]}]\n    source",
            "field window_s: 9999999 is more than 5184000",
        ),
        ("    source", "    inquiry_days: 0\n    source", "field inquiry_days: 0 is less than 1"),
        ("    source", "    hours_lifted_by: magic\n    source", "field hours_lifted_by: 'magic' is not one of"),
        ("    source", "    hour: 9\n    source", "law.yaml:9: row nz: field hour: unknown field"),
        ("    source", "    certainty: A\n    source", "the key 'certainty' stands twice"),
        ("    source", "    by: me\n    source", "field reason: is missing"),
        ("as_of: 2026-12-01\n", "", "field as_of: expected a date"),
        ("rows:", "row:", "law.yaml:2: field row: unknown field; there are as_of, off, quiet_dates, rows"),
        ("rows:", "rows:\n  - nonsense", "law.yaml:2: row 1: expected a mapping, not str"),
        ("rows:", "rows: [", "cannot be read"),
        ("rows:", "off: 3\nrows:", "law.yaml:2: field off: expected a list"),
        ("rows:", "quiet_dates: []\nrows: []\nx:", "field x: unknown field"),
        (
            "rows:",
            'quiet_dates:\n  "NZ:x":\n    {source: s, certainty: D, days: [{name: x, month: 13, day: 1}]}\nrows:',
            "law.yaml:4: quiet_dates NZ:x: field days:",
        ),
        (
            "rows:",
            'quiet_dates:\n  "US-PA:legal": {source: s, certainty: D, days: []}\nrows:',
            "law.yaml:3: quiet_dates US-PA:legal: there is a packaged list of this name",
        ),
    ],
)
def test_a_wrong_file_is_refused_by_line_row_and_field(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in ADDED
    (tmp_path / "law.yaml").write_text(ADDED.replace(old, new, 1), "utf-8")
    with pytest.raises(LawError) as error:
        load(tmp_path)
    assert expected in str(error.value)
    assert str(tmp_path / "law.yaml") in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FLORIDA.replace("US-FL", "US-GA"), "row us-fl: field jurisdiction: the packaged row us-fl is for 'US-FL'"),
        (FLORIDA.replace("    by: jane@acme.example\n", ""), "row us-fl: field by: is missing"),
        (FLORIDA.partition("    reason")[0], "row us-fl: field reason: is missing, as is by"),
        (FLORIDA.replace('"counsel read the amended statute"', '""'), "field reason: is empty"),
        (FLORIDA.replace("[call, sms]", "[call]"), "field channels: the packaged row is for sms too"),
        (OFF.replace("us-sd", "us-xx"), "off us-xx: field id: no packaged row is called 'us-xx'"),
        (OFF.replace("US-SD", "US-ND"), "off us-sd: field jurisdiction: the packaged row us-sd is for 'US-SD'"),
        (OFF.replace("by: jane@acme.example", "by: ''"), "off us-sd: field by: is empty"),
        (OFF.replace("by:", "who:"), "off us-sd: field who: unknown field"),
        (OFF.replace("us-sd", "house").replace("US-SD", '"*"'), "off house: field id: this row holds where no law"),
        (FLORIDA + OFF.partition("\n")[2].replace("us-sd", "us-fl").replace("US-SD", "US-FL"), "for the same dates"),
    ],
)
def test_an_override_that_could_be_a_mistake_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(LawError) as error:
        book_of(tmp_path, law=text)
    assert expected in str(error.value)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    two = ADDED.replace("certainty: D", "certainty: E") + ADDED.partition("rows:\n")[2].replace("NZ", "XX")
    with pytest.raises(LawError) as error:
        book_of(tmp_path, law=two)
    assert len(str(error.value).splitlines()) == 2


def test_the_same_dates_twice_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LawError, match=r"no \*.yaml in this folder"):
        load(tmp_path)
    with pytest.raises(LawError, match="no-such"):
        load(tmp_path / "no-such.yaml")
    with pytest.raises(LawError, match=r"b.yaml:3: row nz: field id: another entry with this id is for the same dates"):
        book_of(tmp_path, a=ADDED, b=ADDED)


@pytest.mark.parametrize(("start", "end"), [(None, None), (-5, None), (None, 5), (-5, 5), (0, 3), (20, 30), (-30, -20)])
def test_on_every_day_exactly_the_right_row_is_in_force(start: int | None, end: int | None) -> None:
    """A packaged row in force for ten days, an override for some others: never both, never neither that should be."""
    day = date(2027, 6, 1)
    base = replace(load().rows[0], effective_from=day - timedelta(10), effective_to=day + timedelta(10))
    first, end_of = (None if offset is None else day + timedelta(offset) for offset in (start, end))
    mine = replace(base, source="mine", effective_from=first, effective_to=end_of)
    both = overlaid([base], [mine], [])
    for offset in range(-40, 40):
        at = day + timedelta(offset)
        found = [row.source for row in both if row.in_force(at)]
        assert found == (["mine"] if mine.in_force(at) else [base.source] if base.in_force(at) else []), offset
    assert len({row.key for row in both}) == len(both)


def test_a_replaced_row_keeps_its_place_in_the_book() -> None:
    packaged = load().rows
    first: LawRow = replace(packaged[0], note="changed")
    assert [row.id for row in overlaid(packaged, [first], [])] == [row.id for row in packaged]
