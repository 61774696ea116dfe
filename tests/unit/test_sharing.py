"""One read for all who ask at the same time, and nobody gets what was read before they asked."""

import asyncio

import pytest

from activities.sharing import Shared


class Source:
    def __init__(self) -> None:
        self.reads = 0
        self.goes = asyncio.Event()
        self.fails = False

    async def read(self) -> int:
        self.reads += 1
        mine = self.reads
        await self.goes.wait()
        if self.fails:
            raise OSError("no database")
        return mine


async def test_a_hundred_at_once_cost_one_read() -> None:
    source = Source()
    source.goes.set()
    shared = Shared(source.read)
    assert await asyncio.gather(*(shared() for _ in range(100))) == [1] * 100
    assert await shared() == 2


async def test_who_asks_during_a_read_gets_the_next_one() -> None:
    source = Source()
    shared = Shared(source.read)
    early = asyncio.create_task(shared())
    while source.reads == 0:
        await asyncio.sleep(0)
    late = [asyncio.create_task(shared()) for _ in range(9)]
    await asyncio.sleep(0)
    source.goes.set()
    assert await early == 1
    assert await asyncio.gather(*late) == [2] * 9


async def test_an_error_reaches_everybody_and_the_next_read_is_a_new_one() -> None:
    source = Source()
    source.fails = True
    source.goes.set()
    shared = Shared(source.read)
    answers = await asyncio.gather(shared(), shared(), return_exceptions=True)
    assert [str(answer) for answer in answers] == ["no database"] * 2
    source.fails = False
    assert await shared() == 2


async def test_one_who_is_cancelled_takes_nothing_from_the_others() -> None:
    source = Source()
    shared = Shared(source.read)
    first, second = asyncio.create_task(shared()), asyncio.create_task(shared())
    while source.reads == 0:
        await asyncio.sleep(0)
    first.cancel()
    source.goes.set()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first
