"""Acknowledgements first: what else a new lead needs here waits until its answer is out, a moment at most."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# long enough for an acknowledgement on a busy machine, and nothing beside routing's own target of ten seconds
AT_MOST_S = 0.05


class Headstart:
    """One per process. Without it, routing's work falls between the steps of the acknowledgement."""

    def __init__(self, at_most_s: float = AT_MOST_S) -> None:
        self._at_most_s = at_most_s
        self._under_way = 0
        self._clear = asyncio.Event()
        self._clear.set()

    @contextmanager
    def first(self) -> Iterator[None]:
        self._under_way += 1
        self._clear.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._clear.set()

    async def after(self) -> None:
        """Returns when nothing is first, and anyway before long: a slow provider holds nobody up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._at_most_s):
                await self._clear.wait()
