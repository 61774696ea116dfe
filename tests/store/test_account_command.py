"""`speedlead account` on a real database: adding, letting in, shutting out, and what it refuses."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from speedlead.clock import SystemClock
from speedlead.commands import account
from speedlead.store.accounts import use_link
from speedlead.store.pool import open_pool
from speedlead.whoami import command_line


@pytest.fixture(autouse=True)
def configured(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("SPEEDLEAD_PUBLIC_URL", "https://leads.example")


async def run(*arguments: str) -> Result:
    # the command runs a loop of its own
    return await asyncio.to_thread(CliRunner().invoke, account.app, list(arguments))


async def opens(database_url: str, link: str) -> bool:
    prefix = "https://leads.example/sign-in/link/"
    assert link.startswith(prefix)
    async with await open_pool(database_url, size=2) as pool:
        return await use_link(pool, link.strip().removeprefix(prefix), SystemClock().wall()) is not None


async def rows(database_url: str, query: str) -> list[tuple[Any, ...]]:
    async with await open_pool(database_url, size=2) as pool:
        return [tuple(row) for row in await pool.fetch(query)]


async def test_somebody_is_added_and_let_in_by_the_newest_link_only(database_url: str) -> None:
    first = await run("add", "Mara@Acme.example", "--role", "admin", "--name", "Mara")
    assert first.exit_code == 0, first.output
    second = await run("link", "mara@acme.example")
    assert not await opens(database_url, first.output)
    assert await opens(database_url, second.output)
    assert not await opens(database_url, second.output)
    assert "mara@acme.example" in (listed := (await run("list")).output)
    assert "admin" in listed
    audit = await rows(database_url, "select action, account_id, role, asked from audit order by id")
    assert audit == [("account add", None, command_line(), {"role": "admin"}),
                     ("account link", None, command_line(), {})]  # fmt: skip


async def test_roles_and_shutting_out(database_url: str) -> None:
    await run("add", "mara@acme.example", "--role", "admin")
    added = await run("add", "sam@acme.example")
    assert "no rep has the address sam@acme.example yet" in added.stderr
    link = added.stdout
    assert (await run("role", "sam@acme.example", "analyst")).exit_code == 0
    assert (await run("disable", "sam@acme.example")).exit_code == 0
    assert not await opens(database_url, link)
    found = await rows(database_url, "select email, role, active, password_hash from account order by email")
    assert found == [("mara@acme.example", "admin", True, None), ("sam@acme.example", "analyst", False, None)]
    assert (await run("enable", "sam@acme.example")).exit_code == 0
    assert await opens(database_url, (await run("link", "sam@acme.example")).output)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", "nonsense"), "email: expected an e-mail address"),
        (("add", "mara@acme.example"), "email: expected an address that has no account yet"),
        (("add", "x@acme.example", "--role", "king"), "role: expected one of rep, manager"),
        (("role", "mara@acme.example", "king"), "role: expected one of rep, manager"),
        (("role", "mara@acme.example", "rep"), "expected another admin to be left"),
        (("disable", "mara@acme.example"), "expected another admin to be left"),
        (("link", "nobody@acme.example"), "email: expected the address of an account"),
    ],
)
async def test_what_is_wrong_is_said_and_changes_nothing(
    database_url: str, arguments: tuple[str, ...], says: str
) -> None:
    await run("add", "mara@acme.example", "--role", "admin")
    answer = await run(*arguments)
    assert (answer.exit_code, says in answer.output) == (2, True), answer.output
    assert await rows(database_url, "select email, role, active from account") == [("mara@acme.example", "admin", True)]
