"""Facts that arrive while the workflow waits for something of ours."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from speedlead.demo.world import World
from tests.workflows.leads import touches


class Held:
    """A method of ours that is done, and whose answer waits until it is let go; or, `undone`, that waits itself.

    `about`: only where its arguments name this.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, about: str = "", *, undone: bool = False
    ) -> None:
        self._stands, self._goes = asyncio.Event(), asyncio.Event()
        method: Callable[..., Awaitable[Any]] = getattr(owner, name)

        async def held(*args: Any, **options: Any) -> Any:
            result = None if undone else await method(*args, **options)
            if about in f"{args} {options}":
                self._stands.set()
                await self._goes.wait()
            return await method(*args, **options) if undone else result

        monkeypatch.setattr(owner, name, held)

    async def __aenter__(self) -> None:
        async with asyncio.timeout(30):
            await self._stands.wait()

    async def __aexit__(self, *_: object) -> None:
        self._goes.set()


async def until(found: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(30):
        while not await found():
            await asyncio.sleep(0.05)


async def acknowledged(world: World, lead: str, number: int) -> None:
    """The workflow has heard this inquiry: it has answered it."""

    async def answered() -> bool:
        return f"ack-{number} sent" in await touches(world, lead)

    await until(answered)
