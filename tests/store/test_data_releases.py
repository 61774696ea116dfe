"""Zone data never goes backwards: the newest release is remembered, and older data is refused."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from speedlead.store.data_releases import newest_tzdata, use_tzdata
from speedlead.store.pool import open_pool
from speedlead.tzdata_version import OlderData, release
from tests.servers import local_settings


async def test_the_newest_release_is_remembered_and_an_older_one_refused(database_url: str) -> None:
    async with await open_pool(database_url) as pool:
        assert await newest_tzdata(pool) is None
        for installed in ("2026d", "2026d", "2026.5", "2026f"):
            await use_tzdata(pool, installed)
        for older in ("2026e", "2026.5", "2025z"):
            with pytest.raises(OlderData, match=rf"tzdata {older} is older than 2026f.*install tzdata 2026.6 or newer"):
                await use_tzdata(pool, older)
        assert await newest_tzdata(pool) == "2026f"


async def test_a_start_waits_for_another_one_that_is_just_noting_its_release(database_url: str) -> None:
    async with await open_pool(database_url) as pool:
        await use_tzdata(pool, "2026a")
        async with pool.acquire() as other:
            async with other.transaction():
                await other.execute("update data_release set release = '2026h'")
                start = asyncio.create_task(use_tzdata(pool, "2026e"))
                await asyncio.wait({start}, timeout=0.3)
                assert not start.done()
            with pytest.raises(OlderData):
                await start
        assert await newest_tzdata(pool) == "2026h"


async def test_processes_that_start_at_once_agree(database_url: str) -> None:
    async with await open_pool(database_url) as pool:
        starts = [use_tzdata(pool, f"2026{letter}") for letter in "abcdefgh" * 3]
        answers = await asyncio.gather(*starts, return_exceptions=True)
        assert [answer for answer in answers if answer is not None and not isinstance(answer, OlderData)] == []
        assert await newest_tzdata(pool) == "2026h"


@pytest.mark.parametrize("process", ["worker", "app"])
async def test_a_process_with_older_data_does_not_start(database_url: str, tmp_path: Path, process: str) -> None:
    async with await open_pool(database_url) as pool:
        await use_tzdata(pool, "2099b")
    settings = local_settings(tmp_path, database_url=database_url)
    environment = os.environ | settings.to_environment()
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "speedlead", process], env=environment, cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip().splitlines() == [str(OlderData(release(), "2099b"))]


async def test_the_doctor_reads_the_record(database_url: str, tmp_path: Path) -> None:
    async with await open_pool(database_url) as pool:
        await use_tzdata(pool, "2099b")
    environment = os.environ | local_settings(tmp_path, database_url=database_url).to_environment()
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "speedlead", "doctor"], env=environment, cwd=tmp_path,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if "zone data" in line]
    assert lines == [f"WRONG zone data          {OlderData(release(), '2099b')}"]
    assert done.returncode == 1
