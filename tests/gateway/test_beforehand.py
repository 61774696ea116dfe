"""The usual periods are counted before anybody asks: by one gateway, for all, and never in somebody's way."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from speedlead.app import serve_gateway
from speedlead.calendarbook import load_calendars
from speedlead.demo.season.fill import fill
from speedlead.embedded.ports import free_ports
from speedlead.gateway.numbers import beforehand, page
from speedlead.gateway.numbers.beforehand import Beforehand
from speedlead.gateway.numbers.shelf import Shelf
from speedlead.numbers import kept
from tests.gateway.house import House
from tests.gateway.test_access import ask

PANEL = next(panel for panel in page.PANELS if panel.name == "sources")


class Pages:
    """`seen`: how much was counted each time that it was waited for them."""

    def __init__(self, counted: list[str]) -> None:
        self._counted = counted
        self.seen: list[int] = []

    async def idle(self) -> None:
        self.seen.append(len(self._counted))


@pytest.fixture
async def season(house: House, database_url: str, monkeypatch: pytest.MonkeyPatch) -> House:
    await fill(database_url, 60, until=house.clock.now, days=30)
    for module, name, value in ((beforehand, "MANY", 50), (beforehand, "FIRST_AFTER_S", 0.0), (kept, "SHARED_S", 0.0)):
        monkeypatch.setattr(module, name, value)
    return house


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The means of each count of a whole period."""
    found: list[str] = []
    original = kept._counted

    async def count(*given: Any) -> Any:
        found.append(given[-1])
        return await original(*given)

    monkeypatch.setattr(kept, "_counted", count)
    return found


def counts_for(house: House, pages: Any) -> Beforehand:
    calendars, _ = load_calendars(None)
    return Beforehand(house.deps, calendars, [PANEL], ["30d"], pages)


async def test_a_page_finds_what_was_counted_with_one_core_while_no_page_was_asked(
    season: House, counted: list[str]
) -> None:
    pages = Pages(counted)
    assert await counts_for(season, pages).once()
    assert pages.seen == list(range(len(counted))) != [], "pages come before each count"
    assert all("max_parallel_workers_per_gather = 0" in means for means in counted)
    counted.clear()
    assert (await ask(season, "GET", "/ops/csv/sources?period=30d", season.staff))[0] == 200
    assert counted == []
    assert (await ask(season, "GET", "/ops/csv/sources?period=7d", season.staff))[0] == 200
    assert counted
    assert not any("parallel" in means for means in counted)


async def test_a_small_house_is_not_counted(season: House, counted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beforehand, "MANY", 60)
    assert not await counts_for(season, Pages(counted)).once()
    assert counted == []


async def hangs(begun: asyncio.Event) -> None:
    begun.set()
    await asyncio.Event().wait()


def in_use(house: House) -> int:
    return house.pool.get_size() - house.pool.get_idle_size()


async def test_of_two_gateways_one_counts_and_when_it_stops_the_other_may(
    season: House, counted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, count = asyncio.Event(), kept._counted
    monkeypatch.setattr(kept, "_counted", lambda *_: hangs(begun))
    first = asyncio.create_task(counts_for(season, Pages(counted)).keep())
    await begun.wait()
    monkeypatch.setattr(kept, "_counted", count)
    second = counts_for(season, Pages(counted))
    try:
        assert not await asyncio.wait_for(second.once(), 20)
    finally:
        first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert in_use(season) == 0
    locks = "select count(*) from pg_locks where locktype = 'advisory' and database = (select oid from pg_database"
    assert await season.pool.fetchval(f"{locks} where datname = current_database())") == 0
    assert await second.once()
    assert counted


async def test_a_gateway_begins_it_and_ends_it_before_it_waits_for_requests(
    season: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()
    monkeypatch.setattr(kept, "_counted", lambda *_: hangs(begun))
    settings = season.deps.settings.model_copy(update={"http_port": free_ports(1)[0]})
    gateway = asyncio.create_task(serve_gateway(replace(season.deps, settings=settings)))
    await begun.wait()
    gateway.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gateway
    assert in_use(season) == 0


async def test_it_waits_as_long_as_a_page_is_asked(house: House) -> None:
    shelf, begun, there = Shelf(house.deps), asyncio.Event(), asyncio.Event()

    async def read() -> bool:
        begun.set()
        return await there.wait()

    asked = asyncio.create_task(shelf.ask(("x",), read))
    await begun.wait()
    waits = asyncio.create_task(shelf.idle())
    await shelf.line()
    assert not waits.done()
    there.set()
    await asyncio.wait_for(waits, 20)
    assert (await asked).value


async def test_a_round_that_fails_is_not_the_last(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []
    monkeypatch.setattr(beforehand, "EVERY_S", 0.0)
    monkeypatch.setattr(beforehand, "FIRST_AFTER_S", 0.0)

    async def once(_: Beforehand) -> bool:
        rounds.append(1)
        if len(rounds) < 3:
            raise OSError("no database")
        raise asyncio.CancelledError

    monkeypatch.setattr(Beforehand, "once", once)
    with pytest.raises(asyncio.CancelledError):
        await counts_for(house, Pages([])).keep()
    assert len(rounds) == 3
