"""Chores on a real database: one process at a time, at their pace, woken at once, and failures are kept."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import pytest
import pytest_asyncio

from speedlead.chores.assemble import Means, build_chores
from speedlead.chores.right_clock import by_the_right_clock
from speedlead.chores.runner import Chore, run_chores, run_once
from speedlead.chores.stuck import GoingOn
from speedlead.clock import SystemClock
from speedlead.credentials import load_or_create
from speedlead.store.pool import open_pool
from tests.servers import local_settings

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


async def test_a_chore_that_nobody_runs_is_due_no_more(pool: Any) -> None:
    """It was switched off, or has another name by now; whoever runs it again begins at once."""
    ran = asyncio.Event()

    async def work() -> None:
        ran.set()

    for name in ("kept", "flow.check"):
        await run_once(pool, Chore(name, HOUR, work))
    ran.clear()

    async def due() -> set[str]:
        return {row["name"] for row in await pool.fetch("select name from chore where next_wall is not null")}

    assert await due() == {"kept", "flow.check"}
    runner = asyncio.create_task(run_chores(pool, [Chore("kept", HOUR, work)]))
    try:
        async with asyncio.timeout(10):
            while await due() != {"kept"}:
                await asyncio.sleep(0.05)
        assert not ran.is_set()
        await run_once(pool, Chore("flow.check", HOUR, work), due_only=True)
        assert ran.is_set()
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)


@pytest.mark.parametrize(("ahead", "said"), [
    (timedelta(days=1100), "left out: this host is 95040000.0 s ahead of the database"),
    (timedelta(seconds=-3), "left out: this host is 3.0 s behind the database"),
    (timedelta(seconds=1), "erased"),
])  # fmt: skip
async def test_who_deletes_for_good_trusts_no_clock_alone(pool: Any, ahead: timedelta, said: str) -> None:
    class Ahead(SystemClock):
        def wall(self) -> datetime:
            return super().wall() + ahead

    rounds = 0

    async def work() -> str:
        nonlocal rounds
        rounds += 1
        return "erased"

    chore = by_the_right_clock(pool, Ahead(), Chore("retention", HOUR, work))
    done = await run_once(pool, chore)
    assert done is not None
    assert re.sub(r"\d(?= s (ahead|behind))", "0", done) == said
    assert rounds == (said == "erased")


async def test_retention_is_such_a_chore(pool: Any, tmp_path: Path) -> None:
    """As this house really assembles it: with a clock that is years ahead nobody is erased."""

    class Ahead(SystemClock):
        def wall(self) -> datetime:
            return super().wall() + timedelta(days=4000)

    settings = local_settings(tmp_path)
    anything: Any = None
    means = Means(pool, settings, load_or_create(tmp_path), Mock(), Ahead(), anything, anything, anything,
                  GoingOn(anything, anything, "0"))  # fmt: skip
    with patch("speedlead.chores.assemble.build_notifier"):
        [retention] = [chore for chore in build_chores(means) if chore.name == "retention"]
    done = await run_once(pool, retention)
    assert done is not None
    assert done.startswith("left out: this host is 3456")


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
