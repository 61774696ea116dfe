"""Is this process fit for its work? Asked by load balancers, by `speedlead up`, and for `/metrics`."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any

import asyncpg
from temporalio.client import Client

from speedlead.ports import Clock
from speedlead.store.fitness import missing_migrations, off, write_and_ask_time
from speedlead.watch.queues import Queue, read_queues
from speedlead.watch.ready import Ready

# whoever polls harder gets the last good answer; a bad one is never kept
_KEEP_S = 5.0
_WITHIN_S = 2.0
# a poll is held for a minute; one that is older was the last
POLLED_WITHIN = timedelta(seconds=90)


class Readiness:
    """`works`: the task queues that a worker in this process must be polling."""

    def __init__(self, pool: "asyncpg.Pool[Any]", client: Client, clock: Clock, *, works: Collection[str] = ()) -> None:
        self._pool, self._client, self._clock, self._works = pool, client, clock, works
        self._lock = asyncio.Lock()
        self._asking: set[asyncio.Future[str | None]] = set()
        self._until = 0.0
        self._last = Ready({})
        self.skew_s: float | None = None
        self.queues: tuple[Queue, ...] = ()

    async def ask(self) -> Ready:
        """Never raises."""
        async with self._lock:
            if time.monotonic() >= self._until:
                self._last = await self._look()
                if self._last.ok:
                    self._until = time.monotonic() + _KEEP_S
            return self._last

    async def _look(self) -> Ready:
        parts: dict[str, bool] = {}
        why: dict[str, str] = {}

        async def part(name: str, question: Callable[[], Awaitable[str | None]], bad: str) -> None:
            try:
                said = await self._soon(question)
                parts[name] = said is None
            except Exception as error:
                # the type alone: the page is open, and a message may name hosts
                said, parts[name] = f"{bad} ({type(error).__name__})", False
            if said is not None:
                why[name] = said

        await asyncio.gather(part("postgres", self._database, "does not take writes"),
                             part("temporal", self._temporal, "does not answer"))  # fmt: skip
        if parts["postgres"]:
            await part("migrations", self._migrations, "cannot be read")
        if self._works and parts["temporal"]:
            await part("worker", self._worker, "cannot be seen")
        if self.skew_s is not None and (said := off(self.skew_s)) is not None:
            why["clock"] = said
        order = ("postgres", "temporal", "migrations", "worker")
        return Ready({name: parts[name] for name in order if name in parts}, why)

    async def _soon(self, question: Callable[[], Awaitable[str | None]]) -> str | None:
        """Raises TimeoutError without waiting for what hangs to be taken down: that hangs too."""
        task = asyncio.ensure_future(question())
        self._asking.add(task)
        task.add_done_callback(self._done)
        await asyncio.wait({task}, timeout=_WITHIN_S)
        if not task.done():
            task.cancel()
            raise TimeoutError
        return task.result()

    def _done(self, task: "asyncio.Future[str | None]") -> None:
        self._asking.discard(task)
        if not task.cancelled():
            task.exception()

    async def _database(self) -> str | None:
        self.skew_s = None
        async with self._pool.acquire() as conn:
            asked = await write_and_ask_time(conn, self._clock.wall)
        self.skew_s = asked.skew_s
        return "is read-only" if asked.read_only else None

    async def _temporal(self) -> str | None:
        self.queues = ()
        self.queues = await read_queues(self._client)
        return None

    async def _migrations(self) -> str | None:
        missing = await missing_migrations(self._pool)
        return f"not applied: {', '.join(missing)}" if missing else None

    async def _worker(self) -> str | None:
        since = self._clock.wall() - POLLED_WITHIN
        silent = [
            queue.name
            for queue in self.queues
            if queue.name in self._works and self._client.identity not in queue.polled_since(since)
        ]
        return f"does not poll {', '.join(silent)}" if silent else None
