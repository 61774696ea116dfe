"""`speedlead hygiene` and its chore on a real database of a small season."""

import asyncio
import csv
import io
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from speedlead.chores.hygiene import hygiene_chore
from speedlead.chores.runner import run_once
from speedlead.commands import hygiene
from speedlead.credentials import load_or_create
from speedlead.demo.season.fill import fill
from speedlead.doctor_data import lines
from speedlead.domain.hygiene import TITLES
from speedlead.settings import Settings
from speedlead.store.pool import open_pool
from tests.servers import local_settings
from tests.store.hand_made import HandClock


@pytest.fixture(autouse=True)
def configured(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path))


async def run(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, hygiene.app, list(arguments))


async def test_a_look_is_asked_for_shown_and_written(database_url: str, tmp_path: Path) -> None:
    refused = await run()
    assert (refused.exit_code, "Nobody has looked at the base yet" in refused.output) == (1, True)
    await fill(database_url, 60, until=datetime.now(UTC), days=20)
    async with await open_pool(database_url, size=2) as pool:
        await pool.execute("update person_email set bad_reason = 'bounced:550'")
        await pool.execute("update person set name = name || '  ' where name is not null")
    looked = await run("--now")
    assert looked.exit_code == 0, looked.output
    assert "repaired.\n" in looked.output
    assert "the mail came back (550)" in looked.output
    assert "→ Ask for the right address" in looked.output
    shown = await run()
    assert shown.output == looked.output
    written = await run("--csv", str(tmp_path / "files"))
    assert written.exit_code == 0, written.output
    files = {file.stem: file for file in (tmp_path / "files").iterdir()}
    assert set(files) == {*TITLES, "repairs", "valid"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
    rows = list(csv.DictReader(io.StringIO(files["mail_bad"].read_text("utf-8"))))
    assert f"Mail addresses that do not work: {len(rows)}\n" in looked.output
    assert rows
    assert {row["Open lead"] for row in rows} <= {"yes", "no"}


async def test_the_chore_looks_once_a_week_and_not_in_an_empty_house(database_url: str, tmp_path: Path) -> None:
    clock, settings = HandClock(datetime.now(UTC)), local_settings(tmp_path)
    async with await open_pool(database_url, size=3) as pool:
        chore = hygiene_chore(pool, settings, load_or_create(tmp_path), clock)
        assert await run_once(pool, chore) is None
        await fill(database_url, 20, until=clock.now, days=20)
        said = await run_once(pool, chore)
        assert said is not None
        assert "people: " in said
        assert await run_once(pool, chore) is None
        assert await pool.fetchval("select count(*) from hygiene_run where week is not null") == 1


async def test_the_doctor_says_what_is_wrong_with_what_we_know(database_url: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    settings = local_settings(tmp_path)
    broken = tmp_path / "lanes.yaml"
    broken.write_text("version: none\n", "utf-8")
    wrong = settings.model_copy(update={
        "lanes_file": broken, "company_source_url": "https://api.example/{domain}"})  # fmt: skip
    async with await open_pool(database_url, size=2) as pool:

        async def said(by: Settings = settings) -> dict[str, tuple[bool | None, str]]:
            return {what: (ok, detail) for what, ok, detail in await lines(pool, by, now)}

        assert {what: ok for what, (ok, _) in (await said()).items()} == {
            "lanes": True, "company source": None, "hygiene": None}  # fmt: skip
        await pool.execute(
            """insert into company_answer values ('a.example', null, 'source_forbidden', $1, $1),
                   ('old.example', '{}', null, $2, $2)""",
            now, now - timedelta(days=2),
        )  # fmt: skip
        found = await said(wrong)
        assert found["lanes"][0] is False
        assert found["lanes"][1].startswith(f"{broken}:1: version: ")
        assert found["company source"] == (
            False, "0 of 1 answers of a day can be used; the outside source refused us: 1")  # fmt: skip
        await pool.execute("insert into company_answer values ('b.example', null, null, $1, $1)", now)
        assert (await said(wrong))["company source"][0] is True
        await fill(database_url, 20, until=now - timedelta(days=9), days=20)
        assert (await said())["hygiene"] == (False, "nobody has looked at the base yet; does a worker run?")
        for ended, ago, ok in (("$1", 9, False), ("$1", 1, True), ("null", 0.5, False)):
            await pool.execute(
                f"insert into hygiene_run (started_wall, ended_wall) values ($1, {ended})",
                now - timedelta(days=ago),
            )
            assert (await said())["hygiene"][0] is ok
