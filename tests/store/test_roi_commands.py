"""`speedlead revenue`, `roi` and `whatif` on a real database: a season of leads, and the bookkeeping's file."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from speedlead.commands import revenue, roi, whatif
from speedlead.demo.season.fill import fill
from speedlead.planbook import load_plan, packaged_plan
from speedlead.store import plans
from speedlead.store.pool import open_pool
from speedlead.whoami import command_line


@pytest.fixture(autouse=True)
def configured(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path))


async def run(command: Any, *arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, command.app, list(arguments))


async def test_from_the_file_of_the_bookkeeping_to_the_return(database_url: str, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    await fill(database_url, 60, until=now, days=20)
    async with await open_pool(database_url, size=2) as pool:
        lead = await pool.fetchval("select id::text from lead where source <> 'flow_check' order by id limit 1")
    file = tmp_path / "money.csv"
    day = (now - timedelta(days=1)).date()
    file.write_text(f"reference,kind,date,amount,currency,lead\nR-1,revenue,{day},1200.50,EUR,{lead}\n")
    tried = await run(revenue, "import", str(file), "--dry-run")
    assert (tried.exit_code, "1 new, 0 changed, 0 as before. Nothing was written." in tried.output) == (0, True)
    done = await run(revenue, "import", str(file))
    assert done.exit_code == 0, done.output
    async with await open_pool(database_url, size=2) as pool:
        [row] = await pool.fetch("select action, role, asked, status from audit")
        assert tuple(row) == ("revenue import", command_line(), {"new": 1, "changed": 0}, 0)
    refused = await run(roi)
    assert refused.exit_code == 2
    assert "--tools: expected an amount in EUR, or rate_usd" in refused.output
    answer = await run(roi, "--rate-usd", "0.9", "--json")
    found = json.loads(answer.output)
    assert (found["currency"], found["measured"]["leads"]) == ("EUR", 60)
    assert [found["inputs"]["deal_value"][name] for name in ("value", "whose")] == ["1200.50", "measured"]
    played = await run(whatif, "--plan", "minimum", "--most", "3", "--json")
    assert played.exit_code == 0, played.output
    moved = json.loads(played.output)
    assert (moved["leads"], moved["played"], len(moved["hours"])) == (60, 3, 168)
    assert moved["then"]["calls"] < moved["now"]["calls"]
    # all 60 leads came within 20 days, so a week of theirs is a third of them, and not a quarter
    a_week = sum(hour["calls"] for hour in moved["hours"]) / (moved["then"]["calls"] * 60 / 3)
    assert a_week > 7 / 22
    # what was published and is in use is what the leads have now, whatever the file says
    async with await open_pool(database_url, size=2) as pool, pool.acquire() as conn:
        plan = await plans.publish_next(conn, load_plan(packaged_plan("minimum")), who="mo", note="less")
        await conn.execute("update plan set used_wall = clock_timestamp() where id = 'minimum'")
    again = json.loads((await run(whatif, "--plan", f"minimum:{plan.version}", "--most", "3", "--json")).output)
    assert again["now"] == again["then"] == moved["then"]


async def test_without_leads_and_with_what_is_not_there_the_option_is_named() -> None:
    for arguments, said in (
        ((), "--days: expected leads to play"),
        (("--zone", "Mars/Base"), "--zone: "),
        (("--plan", "nope"), "plan 'nope': expected a file"),
        (("--plan", "inbound:99"), "--plan: plan inbound version 99: there is no such plan"),
        (("--cover", "{zone: UTC}"), "--cover: expected such as"),
    ):
        answer = await run(whatif, *arguments)
        assert (answer.exit_code, said in answer.output) == (2, True), answer.output


async def test_today_is_the_day_of_the_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "money.csv"
    file.write_text("reference,kind,date,amount,currency\nC-1,support_cost,2026-11-24,5,EUR\n")
    monkeypatch.setattr("speedlead.clock.SystemClock.wall", lambda self: datetime(2026, 11, 23, 18, 0, tzinfo=UTC))
    for zone, code in (("UTC", 1), ("Asia/Tokyo", 0)):
        monkeypatch.setenv("SPEEDLEAD_HOUSE_ZONE", zone)
        assert (await run(revenue, "import", str(file), "--dry-run")).exit_code == code, zone
