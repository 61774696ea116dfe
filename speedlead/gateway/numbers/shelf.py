"""Figures that several people look at are worked out once: what was read stays good until something has happened.

Something has happened when the newest line of all stories is another one; a deadline that passes writes no line, so
nothing is kept for longer than KEPT_S either. Who asks while it is being worked out waits for the same answer. What
takes long rests REST times as long afterwards, so that a page that is left open on a year never has more than a tenth
of a connection's time; up to half a second each it is fresh within five seconds. What a long period takes to be
counted for the first time is not of that: it does not come again.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

from speedlead.gateway.deps import GatewayDeps
from speedlead.numbers.kept import COUNTED, Kept
from speedlead.store import rep_page
from speedlead.store.transactions import transact

KEPT_S = 20.0
REST = 9
# answers that came within this time of the question are the same as asking again
_AT_ONCE_S = 0.5
_MOST = 400
# of the pool's connections: intake and webhooks have the others
_READERS = 3

Key = tuple[str, ...]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """`at`: when it was asked; `took`: seconds, without what was counted for the first time and will not be again."""

    value: T
    at: datetime
    took: float


@dataclass(slots=True)
class _Kept:
    line: int
    began: float
    task: "asyncio.Task[Answer[Any]]"


class Shelf:
    """One per process."""

    def __init__(self, deps: GatewayDeps, counted: Kept | None = None) -> None:
        self._deps = deps
        self._kept: dict[Key, _Kept] = {}
        self._past: dict[Key, tuple[float, Any]] = {}
        self.counted = counted or Kept()
        self._readers = asyncio.Semaphore(_READERS)
        self._line, self._looked = 0, -1.0

    async def line(self) -> int:
        """The newest line of all stories."""
        self._line = await transact(self._deps.pool, rep_page.newest)
        self._looked = time.monotonic()
        return self._line

    async def ask(self, key: Key, read: Callable[[], Awaitable[T]], *, quick: bool = False) -> Answer[T]:
        """What `read` answers, or what it answered for `key` if that is still good. Raises what it raises.

        `quick`: it takes milliseconds, and does not queue behind what takes longer.
        """
        line = self._line if time.monotonic() - self._looked < _AT_ONCE_S else await self.line()
        kept, now = self._kept.get(key), time.monotonic()
        if kept is None or not self._good(kept, line, now):
            kept = _Kept(line, now, asyncio.create_task(self._read(read, quick)))
            kept.task.add_done_callback(lambda task: task.cancelled() or task.exception())  # who asked may be gone
            self._kept[key] = kept
            self._tidy(now)
        return cast(Answer[T], await asyncio.shield(kept.task))

    async def of_the_past(self, key: Key, read: Callable[[], Awaitable[T]], for_s: float) -> T:
        """The same for what hardly changes any more, whatever happens; asked from within a `read`."""
        kept, now = self._past.get(key), time.monotonic()
        if kept is None or now - kept[0] > for_s:
            kept = self._past[key] = (now, await read())
            while len(self._past) > _MOST:
                del self._past[next(iter(self._past))]
        return cast(T, kept[1])

    def _good(self, kept: _Kept, line: int, now: float) -> bool:
        if not kept.task.done():
            return True
        if kept.task.cancelled() or kept.task.exception() is not None:
            return False
        age, took = now - kept.began, kept.task.result().took
        return age < took * (1 + REST) or age < (KEPT_S if kept.line == line else _AT_ONCE_S)

    async def _read(self, read: Callable[[], Awaitable[Any]], quick: bool) -> Answer[Any]:
        async with contextlib.nullcontext() if quick else self._readers:
            at, began, counted = self._deps.clock.wall(), time.monotonic(), list[float]()
            COUNTED.set(counted)
            value = await read()
            return Answer(value, at, max(0.0, time.monotonic() - began - sum(counted)))

    def _tidy(self, now: float) -> None:
        over = [key for key, kept in self._kept.items() if kept.task.done() and not self._good(kept, kept.line, now)]
        for key in over:
            del self._kept[key]
        while len(self._kept) > _MOST:
            del self._kept[next(iter(self._kept))]
