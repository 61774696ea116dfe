"""A database with three reps for each test, and `numbers` over it.

Whatever a test asks is answered twice: from the view, as everything that has just happened is, and from the facts that
are kept of it. Both must say the same.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from speedlead.numbers.filters import Filter
from speedlead.numbers.read import NO_TEAM, NOBODYS, Numbers
from speedlead.store import rollup
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


class Both(Numbers):
    async def _rows(self, query: str, wanted: Filter, *more: Any) -> list[Any]:
        from_the_view = await super()._rows(query, wanted, *more)
        async with self._pool.acquire() as conn:
            async for _ in rollup.write_all(conn):
                pass
            assert await rollup.waiting(conn) == 0
        kept = await super()._rows(query, wanted, *more)
        assert kept == from_the_view
        return kept


@pytest_asyncio.fixture
async def numbers(database_url: str, conn: Any) -> AsyncIterator[Numbers]:
    def team_of(email: str | None) -> str:
        return NOBODYS if email is None else "north" if email.startswith("sam") else NO_TEAM

    pool = await open_pool(database_url, size=2)
    yield Both(pool, team_of, FixedClock(LATER))
    await pool.close()
