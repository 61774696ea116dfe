"""One read for all who ask at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Whoever asks while a read is under way shares the next one with all who do: nobody gets what was read before
    they asked, and a burst of a hundred costs a few reads instead of a hundred.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    async def __call__(self) -> T:
        """Raises whatever the read raises, to each who shares it."""
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._running))
        # one who is cancelled takes nothing away from the others
        return await asyncio.shield(self._next)

    async def _after(self, before: "asyncio.Task[T] | None") -> T:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        return await self._read()
