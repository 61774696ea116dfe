"""A database with three reps for each test, and `numbers` over it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from speedlead.numbers.read import NO_TEAM, NOBODYS, Numbers
from speedlead.store.pool import open_pool
from tests.numbers.cases import LATER
from tests.store.hand_made import FixedClock, put_reps


@pytest_asyncio.fixture
async def conn(database_url: str) -> AsyncIterator[Any]:
    pool = await open_pool(database_url, size=3)
    async with pool.acquire() as connection:
        await put_reps(connection)
        yield connection
    await pool.close()


@pytest_asyncio.fixture
async def numbers(database_url: str, conn: Any) -> AsyncIterator[Numbers]:
    def team_of(email: str | None) -> str:
        return NOBODYS if email is None else "north" if email.startswith("sam") else NO_TEAM

    pool = await open_pool(database_url, size=2)
    yield Numbers(pool, team_of, FixedClock(LATER))
    await pool.close()
