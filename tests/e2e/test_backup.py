"""A running house is backed up, lost and restored, from stores of one moment and of two: nothing twice, none lost."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from speedlead.credentials import load_or_create
from speedlead.embedded.backup import BackupError, back_up, read_manifest, restore
from speedlead.embedded.stack import Stack
from speedlead.erasure_list import ErasureList, write_list
from speedlead.house_mark import HouseMark
from speedlead.ids import new_id
from speedlead.restoring import Reconciled
from speedlead.sandbox.server import DATABASE
from speedlead.settings import Settings
from speedlead.store.erasures import Erasure
from tests.e2e.house import PLANS, House, open_house
from tests.servers import local_settings

pytestmark = [pytest.mark.kill, pytest.mark.timeout(240)]

PLAN = {"plan_file": PLANS / "backup.yaml", "law_file": PLANS / "no_limits.yaml"}


@dataclass
class Lost:
    """A house that is gone. `early` and `late`: its backups, before and after everybody got the first mail.

    `leads` were there in both, the last one was decided in between; `newcomer` wrote in between, and was erased after
    both: `erasures` is the list that was kept. `witness`: the provider's own file, which no restore touches.
    """

    early: Path
    late: Path
    leads: list[str]
    newcomer: str
    people: dict[str, str]
    erasures: Path
    witness: Path
    key: str


@pytest_asyncio.fixture(scope="module")
async def lost(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Lost]:
    folder, backups = tmp_path_factory.mktemp("house"), tmp_path_factory.mktemp("backups")
    async with open_house(folder, "backup.yaml") as house:
        leads = await house.submit("cold", "cold", "cold")
        await sent(house, leads, ".ack-1")
        early = backups / "early"
        await back_up(house.stack.settings, early)
        assert house_sent(house, leads, ".email-1") == []
        (newcomer,) = await house.submit("cold")
        decided = f"{house.url}/api/leads/{leads[-1]}/outcomes"
        headers = {"Authorization": f"Bearer {house.key}"}
        async with house.http.post(decided, json={"outcome": "unqualified"}, headers=headers) as answer:
            assert answer.status < 300
        await house.all_closed(leads[-1:], 20)
        await sent(house, [*leads[:-1], newcomer], ".email-1")
        late = backups / "late"
        await back_up(house.stack.settings, late)
        assert house_sent(house, leads, ".email-2") == []
        people = {str(row["id"]): str(row["person_id"]) for row in await house.fetch("select id, person_id from lead")}
        for words in (("lead", "erase", newcomer, "--yes"), ("erasures", "export", str(backups / "erasures"))):
            done = await speedlead(house.stack.settings, *words)
            assert done.returncode == 0, done.stdout + done.stderr
    yield Lost(early, late, leads, newcomer, people, backups / "erasures", folder / DATABASE, house.key)


async def speedlead(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "speedlead", *words], env=os.environ | settings.to_environment(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def house_sent(house: House, leads: Sequence[str], what: str) -> list[str]:
    return [touch for _, touch, _ in house.accepted(leads) if touch.endswith(what)]


async def sent(house: House, leads: Sequence[str], what: str) -> None:
    async def all_sent() -> bool:
        rows = await house.touches(leads)
        return {t["lead"] for t in rows if t["id"].endswith(what) and t["state"] == "sent"} == set(leads)

    await house.until(f"{what} went to {len(leads)} leads", all_sent, 60)
    await asyncio.sleep(0.5)  # the workflow hears of it


@asynccontextmanager
async def restored(
    lost: Lost, folder: Path, backup: Path, temporal_from: Path | None = None, erasures: Path | None = None
) -> AsyncIterator[tuple[House, Reconciled]]:
    settings: Settings = local_settings(folder, **PLAN)
    done = await restore(settings, backup, temporal_from=temporal_from, erasures=erasures)
    # the provider is somebody else: it has seen what it has seen
    for file in lost.witness.parent.glob(f"{DATABASE}*"):
        shutil.copy(file, folder / file.name)
    async with Stack(settings) as stack, aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http:
        assert load_or_create(folder).api_key.get_secret_value() == lost.key
        yield House(stack, http, lost.key), done


async def goes_on_to_its_end(house: House, leads: Sequence[str], told: Sequence[str]) -> None:
    """`told`: leads that get both mails of the plan; everybody got one acknowledgement."""
    await house.all_closed(leads, 150)
    counted = Counter(touch for _, touch, _ in house.accepted(leads))
    wanted = {f"{lead}.ack-1" for lead in leads} | {
        f"{lead}.{step}" for lead in told for step in ("email-1", "email-2")
    }
    assert counted == dict.fromkeys(wanted, 1), await house.picture(leads)


async def test_one_backup_brings_the_house_back(lost: Lost, tmp_path: Path) -> None:
    """Without whom it holds and the list of erasures names."""
    async with restored(lost, tmp_path, lost.late, erasures=lost.erasures) as (house, done):
        assert (done.open_leads, done.sent, done.closed, done.erased) == (2, 0, 0, 1)
        assert done.ended == 3
        [person] = await house.fetch(
            "select p.id, p.name, (select count(*) from person_email where person_id = p.id) as addresses "
            "from person p join lead l on l.person_id = p.id where l.id = $1::text::uuid", lost.newcomer
        )  # fmt: skip
        assert (str(person["id"]), person["name"], person["addresses"]) == (lost.people[lost.newcomer], None, 0)
        await goes_on_to_its_end(house, lost.leads, lost.leads[:-1])
        assert house_sent(house, [lost.newcomer], ".email-2") == []
        again = await speedlead(house.stack.settings, "erasures", "apply", str(lost.erasures), "--yes")
        assert (again.returncode, "1 erasures, 1 of them done here. Left: 0" in again.stdout) == (0, True), again.stderr


async def test_a_temporal_store_that_is_older(lost: Lost, tmp_path: Path) -> None:
    async with restored(lost, tmp_path, lost.late, lost.early) as (house, done):
        # the one that was decided meanwhile runs in the old store, and is as closed as the record says
        assert (done.open_leads, done.ended, done.sent, done.closed) == (3, 3, 0, 0)
        leads = [*lost.leads, lost.newcomer]
        await goes_on_to_its_end(house, leads, [*lost.leads[:-1], lost.newcomer])


async def test_a_temporal_store_that_is_newer(lost: Lost, tmp_path: Path) -> None:
    # somebody whose workflow goes on was erased since: it is ended before anybody works on it
    gone = lost.leads[1]
    mine = HouseMark.of(local_settings(tmp_path), load_or_create(lost.early))
    erasure = Erasure(new_id(), datetime.now(UTC), (lost.people[gone],), (gone,), ())
    write_list(tmp_path.with_name("list"), ErasureList(mine.secret, [erasure], []))
    async with restored(lost, tmp_path, lost.early, lost.late, tmp_path.with_name("list")) as (house, done):
        # two first mails and one end are learned; the newcomer is unknown to the record and cannot go on
        assert (done.open_leads, done.ended, done.sent, done.closed, done.erased) == (1, 2, 2, 1, 1)
        await goes_on_to_its_end(house, [lost.leads[0], lost.leads[2]], lost.leads[:1])
        assert house_sent(house, [gone], ".email-2") == []
        told = await house.fetch("select reason from story where reason = 'restored'")
        assert len(told) == 1  # the other story went with its person


async def test_what_cannot_be_restored_says_so_and_changes_nothing(lost: Lost, tmp_path: Path) -> None:
    settings = local_settings(tmp_path / "data")
    with pytest.raises(BackupError, match=r"expected a backup, there is no manifest\.json"):
        await restore(settings, tmp_path)
    damaged = tmp_path / "damaged"
    shutil.copytree(lost.late, damaged)
    with (damaged / "postgres.dump").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BackupError, match=r"postgres\.dump: missing or damaged"):
        await restore(settings, damaged)
    with pytest.raises(BackupError, match="nothing runs on this folder"):
        await back_up(settings, tmp_path / "new")
    assert not (tmp_path / "data" / "postgres").exists()
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    with pytest.raises(BackupError, match="it is not overwritten"):
        await restore(settings, lost.late)
    assert "credentials.json" in read_manifest(lost.late).sha256
    assert all(file.stat().st_mode & 0o077 == 0 for file in lost.late.iterdir())
