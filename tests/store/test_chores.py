"""Chores on a real database: one process at a time, at their pace, woken at once, and failures are kept."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from speedlead.chores.runner import Chore, run_chores, run_once
from speedlead.store.pool import open_pool

HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    opened = await open_pool(database_url, size=8)
    yield opened
    await opened.close()


async def row(pool: Any, name: str) -> tuple[str | None, str | None]:
    found = await pool.fetchrow("select done, error from chore where name = $1 and ended_wall is not null", name)
    return (found["done"], found["error"]) if found else (None, None)


async def test_one_process_at_a_time(pool: Any) -> None:
    running, most, rounds = 0, 0, 0

    async def work() -> str:
        nonlocal running, most, rounds
        running, rounds = running + 1, rounds + 1
        most = max(most, running)
        await asyncio.sleep(0.1)
        running -= 1
        return "done"

    chore = Chore("one", HOUR, work)
    await asyncio.gather(*(run_once(pool, chore) for _ in range(4)))
    assert (most, rounds) == (1, 1)
    assert await row(pool, "one") == ("done", None)
    assert await run_once(pool, chore, due_only=True) is None
    assert rounds == 1
    assert await run_once(pool, chore) == "done"


async def test_a_failure_is_kept_and_the_next_round_runs(pool: Any) -> None:
    rounds = 0

    async def work() -> str:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise ValueError("no such file")
        return "mended"

    chore = Chore("two", timedelta(0), work)
    with pytest.raises(ValueError, match="no such file"):
        await run_once(pool, chore)
    assert await row(pool, "two") == (None, "ValueError: no such file")
    assert await run_once(pool, chore, due_only=True) == "mended"


async def test_a_notice_starts_it_at_once(pool: Any) -> None:
    ran = asyncio.Event()

    async def work() -> None:
        ran.set()

    runner = asyncio.create_task(run_chores(pool, [Chore("three", HOUR, work, wake="hurry")]))
    try:
        await asyncio.wait_for(ran.wait(), 5)
        for _ in range(50):  # until it listens, a notice is heard by nobody
            ran.clear()
            await pool.execute("select pg_notify('hurry', '')")
            try:
                await asyncio.wait_for(ran.wait(), 0.2)
                break
            except TimeoutError:
                continue
        assert ran.is_set()
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)
