"""Acknowledgements go first, and hold nobody up for long."""

import asyncio

import pytest

from activities.headstart import Headstart


async def test_the_rest_waits_until_the_last_acknowledgement_is_out() -> None:
    headstart, order = Headstart(at_most_s=5), list[str]()

    async def acknowledge(name: str, steps: int) -> None:
        with headstart.first():
            for _ in range(steps):
                await asyncio.sleep(0)
            order.append(name)

    async def route() -> None:
        await asyncio.sleep(0)
        await headstart.after()
        order.append("route")

    await asyncio.gather(acknowledge("one", 3), route(), acknowledge("two", 9))
    assert order == ["one", "two", "route"]


async def test_one_that_fails_lets_the_rest_go_on() -> None:
    headstart = Headstart(at_most_s=5)
    with pytest.raises(RuntimeError), headstart.first():
        raise RuntimeError
    async with asyncio.timeout(1):
        await headstart.after()


async def test_a_slow_provider_holds_nobody_up() -> None:
    headstart = Headstart(at_most_s=0.01)
    with headstart.first():
        async with asyncio.timeout(1):
            await headstart.after()
