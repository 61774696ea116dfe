"""`speedlead hook` on a real database: a file brought in with its faults and its diff, and what steers one endpoint."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from speedlead.commands import hook
from speedlead.store.pool import open_pool
from tests.hooks.receiver import Receiver, receiving

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FILE = """
webhooks:
  - name: crm
    url: {url}?token=sesame
    events: [lead.created, lead.closed]
    only_leads: {{lead_type: [hot, warm]}}
    secret: {secret}
  - name: warehouse
    url: {url}
    events: all
    include: [owner]
"""
WRONG = """
webhooks:
  - name: crm
    url: http://crm.example/
    events: [lead.gone]
  - name: two
    url: https://10.0.0.1/
    events: []
    secret: whsec_short
    on: true
"""


@pytest_asyncio.fixture
async def pool(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SPEEDLEAD_HOOK_HOSTS", "127.0.0.1")
    opened = await open_pool(database_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def run(*arguments: str) -> Result:
    # the command runs a loop of its own
    return await asyncio.to_thread(CliRunner().invoke, hook.app, list(arguments))


async def test_a_file_is_shown_first_then_brought_in_and_then_changes_nothing(
    pool: Any, receiver: Receiver, tmp_path: Path
) -> None:
    file = tmp_path / "hooks.yaml"
    file.write_text(FILE.format(url=receiver.url, secret=SECRET), "utf-8")
    dry = await run("import", "--dry-run", str(file))
    assert dry.stdout.endswith("2 new, 0 changed, 0 as before. Nothing was written.\n")
    assert await pool.fetchval("select count(*) from hook_endpoint") == 0
    done = await run("import", str(file))
    assert done.exit_code == 0
    assert "    leads: lead_type hot warm\n" in done.stdout
    assert done.stdout.count("shown only now: whsec_") == 1, "the other's is in the file"
    assert "sesame" not in done.stdout
    assert (await run("import", str(file))).stdout == "0 new, 0 changed, 2 as before.\n"
    file.write_text(file.read_text("utf-8").replace("hot, warm", "hot").replace("sesame", "open"), "utf-8")
    changed = (await run("import", str(file))).stdout
    assert "~ crm\n    leads: lead_type hot warm → lead_type hot\n    url: as it was → with another query\n" in changed
    kept = str([row["asked"] for row in await pool.fetch("select asked from audit")])
    assert "whsec_" not in kept
    assert "sesame" not in kept


async def test_every_fault_of_a_file_is_told_with_its_line_and_nothing_is_written(pool: Any, tmp_path: Path) -> None:
    file = tmp_path / "hooks.yaml"
    file.write_text(WRONG, "utf-8")
    refused = await run("import", str(file))
    assert refused.exit_code == 1
    for line in (
        f"{file}:4: webhooks.0.url: expected https; SPEEDLEAD_HOOK_HOSTS names",
        f"{file}:5: webhooks.0.events: 'lead.gone': expected some of lead.created",
        f"{file}:7: webhooks.1.url: expected a public host",
        f"{file}:8: webhooks.1.events: expected at least one",
        f"{file}:9: webhooks.1.secret: expected whsec_ and 24 to 64 bytes in base64",
        "Nothing was written.",
    ):
        assert line in refused.stderr
    assert await pool.fetchval("select count(*) from hook_endpoint") == 0


async def test_an_endpoint_is_tested_rotated_listed_and_told_again(
    pool: Any, receiver: Receiver, tmp_path: Path
) -> None:
    file = tmp_path / "hooks.yaml"
    file.write_text(FILE.format(url=receiver.url, secret=SECRET), "utf-8")
    await run("import", str(file))
    receiver.secret = SECRET
    tested = await run("test", "crm")
    assert (tested.exit_code, tested.stdout[:4]) == (0, "204 ")
    new = (await run("rotate", "crm")).stdout.strip()
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", new)
    for receiver.secret in (SECRET, new):
        assert (await run("test", "crm")).exit_code == 0
    receiver.answer = lambda event: 503
    assert (await run("test", "crm")).exit_code == 1
    assert (await run("replay", "crm", "--since", "2026-01-01T00:00")).stdout == "0 events are sent again\n"
    assert (await run("replay", "crm")).exit_code == 2
    assert (await run("replay", "crm", "--event", "x")).exit_code == 2
    assert "expected the name of an endpoint" in (await run("rotate", "nobody")).stderr
    listed = (await run("list")).stdout
    assert "crm" in listed
    assert "sesame" not in listed
    roles = await pool.fetch("select role from audit")
    assert all(row["role"].startswith("command line") for row in roles)
