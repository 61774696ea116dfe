"""`speedlead rep import`: all bad rows are told and nothing is written; else a diff, and one transaction."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from speedlead.commands import rep as command
from speedlead.domain.business import Calendars
from speedlead.repbook import RepFileError, load_reps
from speedlead.store.capacity import By, Share, changes
from speedlead.store.pool import open_pool
from speedlead.store.rep_import import import_reps
from speedlead.store.reps import read_reps
from speedlead.store.transactions import transact

BY = By(None, "a file", datetime(2026, 11, 23, 15, tzinfo=UTC))
GOOD = """
reps:
  - email: Anna@acme.example
    name: Anna
    zone: America/New_York
    hours: {mon: [09:00-12:00, 13:00-17:00], tue: 09:00-17:00}
    time_off: [{from: 2026-12-24, to: 2026-12-26}]
    territories: [US-NY, "US:100", CA]
    languages: [EN, fr]
    capacity: 30
  - {email: ben@acme.example, name: Ben, zone: Europe/Berlin, hours: {mon: 09:00-17:00}, lane: low}
"""
CSV = """email,name,zone,hours,territories,languages,capacity,time_off,lane
Anna@acme.example,Anna,America/New_York,mon 09:00-12:00 13:00-17:00;tue 09:00-17:00,US-NY;US:100;CA,en;fr,30,\
2026-12-24..2026-12-26,
ben@acme.example,Ben,Europe/Berlin,mon-mon 09:00-17:00,,,,,low
"""


def written(tmp_path: Path, text: str, name: str = "reps.yaml") -> Path:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return file


def test_both_formats_say_the_same(tmp_path: Path) -> None:
    assert load_reps(written(tmp_path, GOOD)) == load_reps(written(tmp_path, CSV, "reps.csv"))


ROWS = [
    ("hours: {mon: [09:00-13:00, 12:00-17:00]}", "hours", "mon: hours overlap"),
    ("hours: {mon: 17:00-09:00}", "hours", "start before its end"),
    ("hours: {mon: 09:00-25:00}", "hours", "start before its end"),
    ("hours: {}", "hours", "hours on one weekday at least"), ("hours: {mon: []}", "hours", "got none"),
    ("zone: Mars/Base", "zone", "unknown time zone 'Mars/Base'"), ("email: anna", "email", "an e-mail address"),
    ("territories: [XX]", "territories", "not a country"), ("territories: [ny]", "territories", "such as US"),
    ("languages: [english]", "languages", "such as en"), ("channels: []", "channels", "at least 1"),
    ("phone: '030 123'", "phone", "match pattern"), ("capacity: 0", "capacity", "greater than or equal to 1"),
    ("lane: fast", "lane", "'all', 'main'"),
    ("time_off: [{from: 2026-12-26, to: 2026-12-24}]", "time_off", "before its start"),
    ("time_off: [{from: 2026-12-01, to: 2026-12-05}, {from: 2026-12-05, to: 2026-12-06}]", "time_off", "overlaps"),
    ("shoes: 42", "shoes", "Extra inputs"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "field", "fault"), ROWS)
def test_a_bad_field_is_named_with_its_line(tmp_path: Path, line: str, field: str, fault: str) -> None:
    base = {"email": "a@acme.example", "name": "A", "zone": "UTC", "hours": "{mon: 09:00-17:00}"}
    base[field] = line.partition(": ")[2]
    text = "reps:\n  -\n" + "".join(f"    {name}: {value}\n" for name, value in base.items())
    with pytest.raises(RepFileError) as error:
        load_reps(written(tmp_path, text))
    number = 3 + list(base).index(field)
    assert str(error.value).startswith(f"{tmp_path}/reps.yaml:{number}: reps.0.{field}")
    assert fault in str(error.value)
    assert "\n" not in str(error.value)


def test_every_bad_row_of_a_table_is_told(tmp_path: Path) -> None:
    text = CSV + (
        "carl@acme.example,Carl,Nowhere/At_All,mon 17:00-09:00,,,,,\n"
        "dora@acme.example,Dora,UTC\n"
        "anna@acme.example,Anna,UTC,every day,,,,,\n"
        "ben@acme.example,Ben,UTC,mon 09:00-17:00,,,,,\n"
    )
    with pytest.raises(RepFileError) as error:
        load_reps(written(tmp_path, text, "reps.csv"))
    lines = [line.removeprefix(f"{tmp_path}/reps.csv:") for line in str(error.value).splitlines()]
    assert [line.split(": ")[:2] for line in lines] == [
        ["4", "zone"], ["4", "hours"], ["5", "expected 9 cells, as in the first line"], ["6", "hours"],
        ["7", "email"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("a.csv", "email,shoes\n", "unknown column 'shoes'"), ("a.csv", "", "expected one rep"),
        ("a.csv", "email,email\n", "stands twice"), ("a.csv", 'email,name\n"a', "not readable as CSV"),
        ("a.yaml", "reps: []", "one rep at least"), ("a.yaml", "- a", "reps"), ("a.txt", "", "ends with .yaml"),
        ("a.yaml", GOOD.replace("ben@", "ANNA@"), "anna@acme.example: stands twice"),
    ],
)  # fmt: skip
def test_files_that_are_no_list_of_reps(tmp_path: Path, name: str, text: str, fault: str) -> None:
    with pytest.raises(RepFileError, match=fault):
        load_reps(written(tmp_path, text, name))


async def test_a_dry_run_tells_what_the_import_then_does(database_url: str, tmp_path: Path) -> None:
    pool = await open_pool(database_url, size=2)

    async def bring(text: str, *, dry_run: bool = False) -> Any:
        reps = load_reps(written(tmp_path, text))
        return await transact(pool, lambda conn: import_reps(conn, reps, BY, dry_run=dry_run))

    try:
        before = await bring(GOOD, dry_run=True)
        assert [(change.email, change.new) for change in before] == [
            ("anna@acme.example", True),
            ("ben@acme.example", True),
        ]
        assert await pool.fetchval("select count(*) from rep") == 0
        assert await bring(GOOD) == before
        assert await bring(GOOD) == []
        anna = next(rep for rep in await read_reps(pool, Calendars()) if rep.name == "Anna")
        assert (anna.territories, anna.languages, anna.capacity) == (("US-NY", "US:100", "CA"), ("en", "fr"), 30)
        assert [f"{span[0]:%d %H}-{span[1]:%d %H}" for span in anna.not_there] == ["24 05-27 05"]
        changed = GOOD.replace("capacity: 30", "capacity: 31").replace(", lane: low", ", active: false")
        changed = changed.replace("to: 2026-12-26", "to: 2026-12-27")
        diff = await bring(changed, dry_run=True)
        assert [change.fields for change in diff] == [
            (("capacity", "30", "31"), ("time_off", "2026-12-24..2026-12-26", "2026-12-24..2026-12-27")),
            (("active", "true", "false"),),
        ]
        assert await pool.fetchval("select count(*) from capacity_change") == 0
        assert await bring(changed) == diff
        [row] = await changes(pool)
        assert (row.rep_name, row.old, row.new, row.who, row.reason, row.stands) == (
            "Anna", Share(30, 1), Share(31, 1), "command line", "a file", True,
        )  # fmt: skip
        ben = await pool.fetchrow("select active, lane from rep where name = 'Ben'")
        assert tuple(ben) == (False, "low")  # what the file leaves out stays
    finally:
        await pool.close()


def test_the_command_writes_nothing_when_half_the_rows_are_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", "postgresql://nobody.invalid/x")
    file = written(tmp_path, GOOD.replace("Europe/Berlin", "Europe/Berlim"))
    answer = CliRunner().invoke(command.app, ["import", str(file)])
    assert answer.exit_code == 1
    assert "reps.1.zone" in answer.output
    assert answer.output.endswith("Nothing was written.\n")
