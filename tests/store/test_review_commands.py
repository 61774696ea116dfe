"""`speedlead review` and `speedlead goals` on a real database."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from speedlead.commands import goals, review
from speedlead.demo.season.fill import fill
from speedlead.domain.review_week import week_of
from speedlead.store.pool import open_pool
from speedlead.whoami import command_line


@pytest.fixture(autouse=True)
def configured(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path))


async def run(command: Any, *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, command.app, list(arguments))


async def test_a_week_is_shown_written_and_kept_only_when_asked_for(database_url: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    await fill(database_url, 60, until=now, days=20)
    last = week_of(now, "UTC").before
    shown = await run(review, "--week", last.name)
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith(f"Week {int(last.name[-2:])}, ")
    assert "LEADS WORTH READING" in shown.output
    file = tmp_path / "review.html"
    written = await run(review, "--week", last.name, "--html", str(file))
    assert (written.exit_code, "<!doctype html>" in file.read_text()) == (0, True)
    async with await open_pool(database_url, size=2) as pool:
        assert await pool.fetchval("select count(*) from review") == 0
        assert (await run(review, "--week", last.name, "--anew")).exit_code == 0
        assert await pool.fetchval("select array_agg(week) from review") == [last.name]
    for week, said in (("W47", "expected a week such as"), (week_of(now, "UTC").name, "is not over yet")):
        refused = await run(review, "--week", week, "--send")
        assert (refused.exit_code, said in refused.output) == (2, True)


async def test_goals_are_set_shown_and_ended(database_url: str) -> None:
    assert "No goal is set" in (await run(goals, "show")).output
    start = (datetime.now(UTC) - timedelta(days=30)).date().isoformat()
    done = await run(goals, "set", "in_time", "95%", "--start", start, "--days", "60")
    assert done.exit_code == 0, done.output
    shown = (await run(goals, "show")).output
    assert "in_time: Answered within target: – before, – now, goal 95\N{NO-BREAK SPACE}% in 60 days" in shown
    assert "week 4: –. Too few leads to say anything: 0, and 20 are needed on both sides." in shown
    for words in (("set", "in_time", "fast"), ("set", "speed", "95%"), ("end", "cycle")):
        refused = await run(goals, *words)
        assert (refused.exit_code, "expected" in refused.output) == (2, True)
    assert (await run(goals, "end", "in_time")).exit_code == 0
    async with await open_pool(database_url, size=2) as pool:
        lines = await pool.fetch("select action, role, object from audit order by id")
    assert [tuple(line) for line in lines] == [
        ("goal set", command_line(), "in_time"), ("goal end", command_line(), "in_time")]  # fmt: skip
