"""`speedlead duplicates` as somebody at a terminal uses it: propose, merge, undo; and where there is nothing."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from speedlead.commands import duplicates
from tests.gateway.house import StepClock
from tests.store.test_erasure import pool
from tests.store.test_merging import two

__all__ = ["pool"]


@pytest.fixture(autouse=True)
def configured(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path))


async def run(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, duplicates.app, list(arguments))


async def test_a_pair_is_proposed_merged_and_taken_apart_again(pool: Any) -> None:
    empty = await run("list")
    assert (empty.exit_code, "no pairs are proposed" in empty.output) == (0, True)
    assert (await run("list", "--merged")).output == "Nothing was merged.\n"

    clock = StepClock()
    clock.now = datetime.now(UTC) - timedelta(hours=5)  # the commands have the clock of this machine
    (lead, _), (other, _) = await two(pool, clock)
    assert "1 may be one person, 1 of them new, 0 not any more; 0 pairs of companies" in (await run("look")).output
    listed = (await run("list")).output
    assert "(certain)" in listed
    assert (lead[:8] in listed, other[:8] in listed) == (True, True)

    merged = await run("merge", lead, other)
    assert merged.exit_code == 0, merged.output
    merge_id = merged.output.split()[1].rstrip(";")
    assert "no pairs are proposed" in (await run("list")).output
    assert (await run("list", "--merged")).output.startswith(merge_id)
    refused = await run("undo", merge_id)
    assert (refused.exit_code, "still ending: try again in a minute" in refused.output) == (1, True)
    await pool.execute("update message set delivered_wall = $1", clock.now)

    undone = await run("undo", merge_id)
    assert undone.output == f"Undone: 1 lead went back. Lead {other} goes on.\n", undone.output
    refused = await run("undo", "none")
    assert (refused.exit_code, "MERGE: expected an id" in refused.output) == (2, True)
