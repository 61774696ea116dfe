"""`speedlead crm` on a real database, against the stand-in of HubSpot."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from speedlead.commands import crm, hook
from speedlead.store.pool import open_pool
from tests.crm.hubspot import TOKEN, HubSpotStandIn
from tests.store.hand_made import AVA, BEN, put_lead


@pytest_asyncio.fixture
async def pool(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SPEEDLEAD_HOOK_HOSTS", "127.0.0.1")
    async with await open_pool(database_url) as opened:
        yield opened


async def run(*arguments: str, app: Any = crm.app) -> Result:
    # the command runs a loop of its own
    return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))


async def test_a_crm_is_brought_in_checked_and_told_of_the_leads_that_were_there(
    pool: Any, hub: HubSpotStandIn, tmp_path: Path
) -> None:
    file, secret = tmp_path / "crm.yaml", tmp_path / "token"
    file.write_text(f"crm:\n  - name: hub\n    kind: hubspot\n    url: {hub.url}\n    secret_file: {secret}\n")
    assert "hub.secret_file: expected a file that can be read" in (await run("add", str(file))).stderr
    secret.write_text(TOKEN + "\n")
    assert (await run("add", "--dry-run", str(file))).stdout.endswith(
        "1 new, 0 changed, 0 as before. Nothing was written.\n"
    )
    assert (await run("add", str(file))).stdout == "+ hub\n1 new, 0 changed, 0 as before.\n"
    assert (await run("add", str(file))).stdout == "0 new, 0 changed, 1 as before.\n"
    file.write_text(file.read_text() + "    erase: blank\n")
    assert (await run("add", str(file))).stdout.startswith("~ hub: erase\n")
    assert TOKEN not in str(await pool.fetch("select * from hook_endpoint")) + str(
        await pool.fetch("select * from audit")
    )

    hub.unique["notes"].clear()
    checked = await run("check", "hub")
    assert checked.exit_code == 1
    assert "WRONG  notes.speedlead_event_id: there is no such property" in checked.stdout
    assert (await run("check", "hub", "--make")).exit_code == 0
    assert hub.unique["notes"] == {"speedlead_event_id"}
    assert (await run("test", "hub", app=hook.app)).exit_code == 0
    assert "a CRM has made its own" in (await run("rotate", "hub", app=hook.app)).stderr

    await put_lead(pool, AVA, name="Ava", email="ava@northwind.example")
    await put_lead(pool, BEN, name="Ben", email="ben@carter.example")
    assert (await run("sync", "hub")).exit_code == 2
    assert (await run("sync", "hub", "--lead", AVA)).stdout == "1 leads are told\n"
    assert (await run("sync", "hub", "--open")).stdout == "2 leads are told\n"
    assert await pool.fetchval("select count(*) from hook_delivery where state = 'waiting'") == 3
    assert "hub                   hubspot     on           0        0  never" in (await run("list")).stdout
    assert "expected the name of a CRM" in (await run("check", "nobody")).stderr
