"""`speedlead webhook` on a real database: what is listed, handed to the gateway, and deleted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from speedlead.commands import webhook
from speedlead.store import webhooks
from speedlead.store.pool import open_pool

CAME = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def ids(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Ids of kept webhooks, by path: one done, one failed, and a call's question that failed."""
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", database_url)
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(webhook, "WAIT_S", 0.0)
    pool = await open_pool(database_url)
    made: dict[str, str] = {}
    async with pool.acquire() as conn:
        for path, state in (("sms/status", "done"), ("sms/inbound", "failed"), ("voice/accept", "failed")):
            received = webhooks.Received(
                "twilio", path, "", "", b"secret words", "sandbox", CAME, about=("+14155552671",)
            ).sealed()
            found = await webhooks.keep(conn, received, state, reason=None if state == "done" else "KeyError")  # type: ignore[arg-type]
            assert found is not None
            made[path] = found
    await pool.close()
    return made


async def run(*arguments: str) -> Result:
    import asyncio

    # the command runs a loop of its own
    return await asyncio.to_thread(CliRunner().invoke, webhook.app, list(arguments))


async def states(database_url: str) -> dict[str, str]:
    pool = await open_pool(database_url)
    rows = await pool.fetch("select path, state from webhook")
    await pool.close()
    return {row["path"]: row["state"] for row in rows}


async def test_the_list_shows_states_and_reasons_and_nothing_that_was_said(ids: dict[str, str]) -> None:
    everything, failed = await run("list"), await run("list", "--failed")
    assert everything.exit_code == failed.exit_code == 0
    assert all(found[:8] in everything.output for found in ids.values())
    assert ids["sms/status"][:8] not in failed.output
    assert ids["sms/inbound"][:8] in failed.output
    for private in ("secret words", "+14155552671"):
        assert private not in everything.output


async def test_a_dry_run_only_says_which(ids: dict[str, str], database_url: str) -> None:
    answer = await run("replay", "--failed", "--dry-run")
    assert "1 would be acted on again" in answer.output
    assert "1 of them are a call's questions" in answer.output
    assert await states(database_url) == {"sms/status": "done", "sms/inbound": "failed", "voice/accept": "failed"}


@pytest.mark.parametrize(
    ("arguments", "handed"),
    [(("--failed",), {"sms/inbound"}), (("--since", "2026-11-20T12:00"), {"sms/inbound", "sms/status"}),
     (("--since", "2026-11-20T12:01"), set()), (("sms/status",), {"sms/status"})],
)  # fmt: skip
async def test_what_is_handed_to_the_gateway(
    ids: dict[str, str], database_url: str, arguments: tuple[str, ...], handed: set[str]
) -> None:
    answer = await run("replay", *(ids[text][:8] if text in ids else text for text in arguments))
    assert {path for path, state in (await states(database_url)).items() if state == "waiting"} == handed
    # nobody acts on them here
    assert answer.exit_code == (1 if handed else 0)


@pytest.mark.parametrize("arguments", [(), ("zz",), ("ab%",), ("0000ffff",)])
async def test_a_choice_that_names_nothing_is_refused(ids: dict[str, str], arguments: tuple[str, ...]) -> None:
    assert (await run("replay", *arguments)).exit_code in (1, 2)


async def test_a_person_s_webhooks_are_deleted(ids: dict[str, str], database_url: str) -> None:
    assert "3 deleted" in (await run("forget", "+14155552671")).output
    assert await states(database_url) == {}
