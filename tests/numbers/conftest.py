"""A database with three reps for each test, and `numbers` over it.

Whatever a test asks is answered twice: from the view, as everything that has just happened is, and from the facts that
are kept of it; and that with what was counted before, and in columns. All must say the same.
"""

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from speedlead.numbers import columns as columns_module
from speedlead.numbers import queries
from speedlead.numbers.change_values import ChangeValueNumbers
from speedlead.numbers.columns import Columns
from speedlead.numbers.filters import NO_TEAM, NOBODYS, Filter
from speedlead.numbers.kept import Kept, Row, everything
from speedlead.numbers.questions import Question
from speedlead.numbers.tally import Keys
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


def same(one: dict[Keys, Row], other: dict[Keys, Row]) -> bool:
    """Sums of seconds in another order differ in the last digit; groups of nobody may be there or not."""
    empty = Row({}, {})
    return all(
        list(a.sums.values() or [0] * len(b.sums)) == pytest.approx(list(b.sums.values() or [0] * len(a.sums)))
        and all(_parts(a, name) == pytest.approx(_parts(b, name)) for name in {**a.times, **b.times})
        for a, b in ((one.get(keys, empty), other.get(keys, empty)) for keys in one.keys() | other.keys())
    )


def _parts(row: Row, name: str) -> list[float]:
    found = row.times.get(name)
    return [value or 0 for value in dataclasses.astuple(found)] if found is not None else [0] * 6


def close(one: Any, other: Any) -> bool:
    """Equal, but for the last digits of sums."""
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-9, abs=1e-6)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(close, one, other))
    if hasattr(one, "__dataclass_fields__"):
        return all(close(getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)
    return bool(one == other)


class Both(ChangeValueNumbers):
    async def _rows(self, query: str, wanted: Filter, *more: Any) -> list[Any]:
        from_the_view = await super()._rows(query, wanted, *more)
        async with self._pool.acquire() as conn:
            async for _ in rollup.write_all(conn):
                pass
            assert await rollup.waiting(conn) == 0
        kept = await super()._rows(query, wanted, *more)
        assert kept == from_the_view
        return kept

    async def _answer(self, question: Question, values: dict[str, Any]) -> dict[Keys, Row]:
        """Also from what was counted before the test did what it did, with the changes since, and in columns."""
        known: Kept = self.__dict__.setdefault("known", Kept())
        columns: Columns = self.__dict__.setdefault("columns", Columns(self._pool))
        found: list[dict[Keys, Row]] = []
        for written in (False, True):
            found += [await everything(self._pool, question, values), await known.ask(self._pool, question, values)]
            await columns.refresh()
            if written and await self._pool.fetchval("select exists (select from lead_fact)"):
                assert await columns.tally(question, queries.PERIOD, "1", values) is not None
            found.append(await Kept(columns).ask(self._pool, question, values))
            async with self._pool.acquire() as conn:
                async for _ in rollup.write_all(conn):
                    pass
        for one in found[1:]:
            assert same(one, found[0])
        return found[0]


@pytest_asyncio.fixture
async def numbers(database_url: str, conn: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ChangeValueNumbers]:
    monkeypatch.setattr(columns_module, "MANY", 0)

    def team_of(email: str | None) -> str:
        return NOBODYS if email is None else "north" if email.startswith("sam") else NO_TEAM

    pool = await open_pool(database_url, size=2)
    yield Both(pool, team_of, FixedClock(LATER))
    await pool.close()
