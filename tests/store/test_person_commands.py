"""`speedlead lead erase` and `lead export`, and what the chore `retention` does by itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from speedlead.chores.retention import retention_chore
from speedlead.commands import lead as lead_commands
from speedlead.store import audit
from speedlead.store.plans import PlanStore
from speedlead.store.pool import open_pool
from speedlead.whoami import whoami
from tests.gateway.house import MONDAY, StepClock
from tests.store.test_erasure import PLAN, SECRET, post


@pytest_asyncio.fixture
async def pool(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator["asyncpg.Pool[Any]"]:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SPEEDLEAD_TEMPORAL_ADDRESS", "127.0.0.1:1")
    opened = await open_pool(database_url)
    await PlanStore(opened).publish(PLAN)
    yield opened
    await opened.close()


async def run(*arguments: str) -> Result:
    # the command runs a loop of its own
    return await asyncio.to_thread(CliRunner().invoke, lead_commands.app, list(arguments))


@pytest.mark.parametrize(
    "arguments", [("--email", "adalind@quux.example"), ("--phone", "+13105550148"), ("--email", "ADALIND@quux.example")]
)
async def test_a_dry_run_says_what_would_go(pool: Any, arguments: tuple[str, ...]) -> None:
    await post(pool)
    answer = await run("erase", *arguments, "--dry-run")
    assert answer.exit_code == 0, answer.output
    assert "1 person(s), 1 leads, 1 of them open" in answer.output
    assert "What you asked us" in answer.output
    assert await pool.fetchval("select count(*) from person where name is not null") == 1


async def test_without_temporal_nothing_is_erased(pool: Any) -> None:
    taken = await post(pool)
    answer = await run("erase", taken.lead_id[:8], "--yes")
    assert answer.exit_code == 1
    assert "SPEEDLEAD_TEMPORAL_ADDRESS: no Temporal at 127.0.0.1:1" in answer.output
    assert await pool.fetchval("select name from person") == "Adalind Quux"


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        ((), "exactly one of", 2),
        (("00000000", "--email", "a@b.example"), "exactly one of", 2),
        (("--email", "nobody"), "--email: expected an e-mail address, got 'nobody'", 2),
        (("--phone", "0155"), "--phone: expected a number in E.164 form", 2),
        (("--email", "nobody@quux.example"), "we hold nothing of such a person", 1),
        (("ffffffff",), "no such lead", 1),
    ],
)
async def test_nobody_is_named_clearly(pool: Any, arguments: tuple[str, ...], said: str, code: int) -> None:
    for command in ("erase", "export"):
        answer = await run(command, *arguments)
        assert (answer.exit_code, said in answer.output) == (code, True), answer.output


async def test_the_export_is_written_for_its_owner_alone(pool: Any, tmp_path: Path) -> None:
    taken = await post(pool)
    printed = await run("export", taken.lead_id)
    assert json.loads(printed.stdout)["tables"]["person"]["rows"][0]["name"] == "Adalind Quux"
    for name in ("all.zip", "all.json", "all.html"):
        answer = await run("export", taken.lead_id, "--out", str(tmp_path / name))
        assert answer.exit_code == 0, answer.output
        assert (tmp_path / name).stat().st_mode & 0o077 == 0
    assert "zebra crossing" in (tmp_path / "all.html").read_text()
    assert (await run("export", taken.lead_id, "--out", "all.doc")).exit_code == 2
    assert "cannot be written" in (await run("export", taken.lead_id, "--out", "/nowhere/all.zip")).output
    lines = await audit.lines(pool, object_id=taken.lead_id)
    assert {(line.who, line.role, line.action) for line in lines} == {(whoami(), "command line", "lead export")}


async def close(pool: Any, lead_id: str, days_ago: int) -> None:
    at = MONDAY - timedelta(days=days_ago)
    await pool.execute("update lead set closed_at = $2, close_reason = 'plan_completed' where id = $1", lead_id, at)


async def test_retention_takes_what_is_old_and_closed_and_nothing_else(pool: Any) -> None:
    chore = retention_chore(pool, StepClock(), SECRET, leads_days=1000, story_days=100)
    leads = {name: (await post(pool, email=f"{name}@quux.example", phone=None)).lead_id for name in "abcd"}
    await close(pool, leads["a"], 1001)
    await close(pool, leads["b"], 999)
    await close(pool, leads["c"], 99)
    # somebody who came back: the old lead stays with the new one
    await close(pool, leads["d"], 2000)
    again = (await post(pool, email="d@quux.example", phone=None)).lead_id
    assert again != leads["d"]
    done = await chore.run()
    assert done is not None
    assert done.startswith("1 people erased, ")
    people = await pool.fetch("select l.id, p.name from lead l join person p on p.id = l.person_id")
    assert {row["id"] for row in people if row["name"] is None} == {leads["a"]}
    told = {row["lead_id"] for row in await pool.fetch("select distinct lead_id from story")}
    assert told == {leads["c"], again}
    assert await chore.run() is None


async def test_nobody_is_kept_for_a_program_in_which_nobody_was_heard_of(pool: Any) -> None:
    chore = retention_chore(pool, StepClock(), SECRET, leads_days=1000, story_days=10_000)
    for name in ("silent", "bought", "running"):
        before = (await post(pool, email=f"{name}@quux.example", phone=None)).lead_id
        await close(pool, before, 1001)
        slow = (await post(pool, email=f"{name}@quux.example", phone=None)).lead_id
        await pool.execute("update lead set program = 'nurture', follows = $2 where id = $1", slow, before)
        if name != "running":
            await close(pool, slow, 10)
        if name == "bought":
            await pool.execute("insert into outcome (id, lead_id, outcome, at) values (gen_random_uuid(), $1, "
                               "'converted', $2)", slow, MONDAY)  # fmt: skip
    answer = "insert into company_answer (domain, answer, asked_wall, expires_wall) values ($1, '{}', $2, $2)"
    for domain, days in (("old.example", -1), ("good.example", 1)):
        await pool.execute(answer, domain, MONDAY + timedelta(days=days))
    done = await chore.run()
    assert done is not None
    assert "1 people erased" in done
    assert "1 old answers about companies" in done
    kept = await pool.fetch("select address from person_email order by 1")
    assert [row["address"] for row in kept] == ["bought@quux.example", "running@quux.example"]
    assert await pool.fetchval("select array_agg(domain) from company_answer") == ["good.example"]


async def test_nobody_is_given_what_is_anothers(pool: Any, tmp_path: Path) -> None:
    mine = (await post(pool)).lead_id
    other = (await post(pool, email="b@other.example", name="Berta Bo")).lead_id
    answer = await run("export", "--phone", "+13105550148", "--out", str(tmp_path / "all.zip"))
    assert (answer.exit_code, "2 people share it" in answer.output) == (1, True), answer.output
    assert mine in answer.output
    assert other in answer.output
    assert not (tmp_path / "all.zip").exists()
    printed = await run("export", mine)
    assert printed.exit_code == 0
    assert "Berta" not in printed.output
    assert other not in printed.output


async def test_who_may_be_the_same_is_named_before_one_of_them_goes(pool: Any) -> None:
    mine = (await post(pool)).lead_id
    other = (await post(pool, email="b@other.example", name="Berta Bo")).lead_id
    answer = await run("erase", mine, "--dry-run")
    assert f"Perhaps the same, and not erased with this: {other}" in answer.output
    assert "Perhaps the same" not in (await run("erase", "--phone", "+13105550148", "--dry-run")).output
