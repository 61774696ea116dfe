"""A database belongs to the secrets that it was written with: others are refused until a person accepts them."""

import asyncio
import base64
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr
from typer.testing import CliRunner

from speedlead.credentials import load_or_create
from speedlead.house_mark import HouseMark, OtherHouse
from speedlead.settings import Settings
from speedlead.store.house_marks import use_house
from speedlead.store.pool import open_pool
from speedlead.whoami import command_line
from tests.servers import local_settings


def mark_of(folder: Path, keys: str | None = None) -> HouseMark:
    settings = local_settings(folder, payload_keys=None if keys is None else SecretStr(keys))
    return HouseMark.of(settings, load_or_create(folder))


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


async def speedlead(settings: Settings, *command: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "speedlead", *command], env=os.environ | settings.to_environment(),
        cwd=settings.data_dir, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest_asyncio.fixture
async def owned_database(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    ours = tmp_path_factory.mktemp("ours")
    async with await open_pool(database_url) as pool:
        await use_house(pool, mark_of(ours), ours)
    return database_url


async def test_the_first_start_decides_and_other_secrets_are_refused(database_url: str, tmp_path: Path) -> None:
    ours, other = tmp_path / "ours", tmp_path / "other"
    async with await open_pool(database_url) as pool:
        for _ in range(2):
            await use_house(pool, mark_of(ours), ours)
        with pytest.raises(OtherHouse) as caught:
            await use_house(pool, mark_of(other), other)
        [line] = str(caught.value).splitlines()
        assert line.startswith(f"{other}/credentials.json: its secret is another")
        assert "put the credentials.json of the first host or of the backup there" in line
        assert "`speedlead credentials accept`" in line
        kept = str(dict(await pool.fetchrow("select * from house_mark")))
        credentials = load_or_create(ours)
        assert credentials.secret.get_secret_value() not in kept
        assert credentials.payload_key.get_secret_value() not in kept


@pytest.mark.parametrize("command", [
    ("lead", "erase", "--email", "ada@example.com", "--yes"), ("lead", "export", "--email", "ada@example.com"),
    ("lead", "correct", "00000000", "--name", "Bo", "--reason", "typo"), ("lead", "stop", "0000", "--reason", "spam"),
    ("steer", "pause", "--type", "cold", "--reason", "why", "--yes"), ("rep", "hand-over", "a@b.example", "--spread"),
    ("plan", "use", "inbound:1", "--note", "back"),
])  # fmt: skip
def test_a_command_of_another_house_is_refused_before_it_does_anything(
    owned_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SPEEDLEAD_DATABASE_URL", owned_database)
    monkeypatch.setenv("SPEEDLEAD_DATA_DIR", str(tmp_path))
    app = importlib.import_module(f"speedlead.commands.{command[0]}").app
    for made, says in ((False, "credentials.json: there is none"), (True, "credentials.json: its secret is another")):
        if made:
            load_or_create(tmp_path)
        answer = CliRunner().invoke(app, list(command[1:]))
        assert (answer.exit_code, answer.output.count("\n")) == (2, 1), answer.output
        assert answer.output.startswith(f"{tmp_path}/{says}")


async def test_a_payload_key_that_was_changed_under_its_id_is_refused(database_url: str, tmp_path: Path) -> None:
    async with await open_pool(database_url) as pool:
        await use_house(pool, mark_of(tmp_path, f"a:{key('a')}"), tmp_path)
        await use_house(pool, mark_of(tmp_path, f"b:{key('b')},a:{key('a')}"), tmp_path)  # keys are changed
        await use_house(pool, mark_of(tmp_path, f"a:{key('a')}"), tmp_path)  # and a host is late
        with pytest.raises(OtherHouse, match="SPEEDLEAD_PAYLOAD_KEYS: the payload key 'b' is another than"):
            await use_house(pool, mark_of(tmp_path, f"a:{key('a')},b:{key('c')}"), tmp_path)
        await use_house(pool, mark_of(tmp_path), tmp_path)
        file = tmp_path / "credentials.json"
        file.write_text(file.read_text().replace(load_or_create(tmp_path).payload_key.get_secret_value(), "0" * 64))
        with pytest.raises(OtherHouse, match=r"credentials.json: its payload_key is another"):
            await use_house(pool, mark_of(tmp_path), tmp_path)


async def test_of_two_hosts_that_start_first_at_once_one_is_refused(database_url: str, tmp_path: Path) -> None:
    marks = [mark_of(tmp_path / str(number)) for number in range(4)]
    async with await open_pool(database_url) as pool:
        answers = await asyncio.gather(*(use_house(pool, mark, tmp_path) for mark in marks), return_exceptions=True)
    assert [type(answer) for answer in answers].count(OtherHouse) == 3
    assert answers.count(None) == 1


@pytest.mark.parametrize("process", ["gateway", "worker"])
async def test_a_second_host_does_not_start_until_its_secrets_are_accepted(
    database_url: str, tmp_path: Path, process: str
) -> None:
    ours, other = tmp_path / "ours", tmp_path / "other"
    async with await open_pool(database_url) as pool:
        await use_house(pool, mark_of(ours), ours)
        settings = local_settings(other, database_url=database_url)
        other.mkdir()
        done = await speedlead(settings, process)
        assert done.returncode == 2, done.stderr
        [line] = done.stderr.strip().splitlines()
        assert line.startswith(f"{other}/credentials.json: its secret is another")
        done = await speedlead(settings, "credentials", "accept", "--yes")
        assert (done.returncode, done.stderr) == (0, "")
        await use_house(pool, mark_of(other), other)
        with pytest.raises(OtherHouse):
            await use_house(pool, mark_of(ours), ours)
        rows = await pool.fetch("select role, action, status from audit")
        assert [tuple(row) for row in rows] == [(command_line(), "credentials accept", 0)]
