"""Delivers message rows to workflows: at least once, in order per lead (docs/adr/0002).

A request path asks for its lead's messages at once; the loop finds what was left, after a crash or an outage. A
workflow that should be there and is not (a lost Temporal store, a restored backup) is started again from rows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

import asyncpg
import structlog
from temporalio.service import RPCError

from speedlead.contracts import LeadStart
from speedlead.ids import new_id
from speedlead.store.starts import build_start

log = structlog.get_logger(__name__)

_AT_ONCE_S = 1.0
_POLL_S = 1.0
_BATCH = 200
_AT_A_TIME = 6
_FIND_LOST_EVERY_S = 60.0


class Workflows(Protocol):
    async def start(self, start: LeadStart, *, again: bool = False) -> bool: ...

    async def signal(self, lead_id: str, name: str, payload: dict[str, Any]) -> bool: ...

    async def running(self) -> set[str]:
        """Lead ids of all running workflows."""
        ...


class Relay:
    def __init__(self, pool: "asyncpg.Pool[Any]", workflows: Workflows) -> None:
        self._pool = pool
        self._workflows = workflows
        self._limit = asyncio.Semaphore(_AT_A_TIME)
        self._urgent_limit = asyncio.Semaphore(_AT_A_TIME)
        self._urgent: set[asyncio.Task[None]] = set()

    async def deliver_now(self, lead_id: str) -> None:
        """Tries at once, waits a second at most, never raises: what is left over is the loop's.

        In a burst only a few are under way at a time: more would wait for each other's connections, and the forms that
        are still to be taken in would wait with them.
        """
        await self._at_once(lead_id, partial(self.deliver, lead_id))

    async def start_now(self, start: LeadStart) -> None:
        """`deliver_now` for a new lead whose start its intake has built: it begins without reading its rows again."""
        await self._at_once(start.lead_id, partial(self._start, start))

    async def _start(self, start: LeadStart) -> None:
        # whoever reads the message meanwhile starts the same workflow id, and one of the two finds it there
        began = await self._workflows.start(start)
        # no wait for the disk, which the acknowledgement needs now: a mark that a crash loses is made again by the loop
        await self._pool.execute(
            """with quickly as materialized (select set_config('synchronous_commit', 'off', true))
               update message set delivered_wall = clock_timestamp(), delivery = $2, attempts = attempts + 1
               from quickly where lead_id = $1 and kind = 'start' and delivered_wall is null""",
            start.lead_id, "started" if began else "was_there")  # fmt: skip

    async def _at_once(self, lead_id: str, delivery: Callable[[], Awaitable[object]]) -> None:
        task = asyncio.create_task(self._limited(lead_id, delivery, self._urgent_limit))
        self._urgent.add(task)
        task.add_done_callback(self._urgent.discard)
        await asyncio.wait({task}, timeout=_AT_ONCE_S)

    async def deliver(self, lead_id: str) -> int:
        """Delivers what is waiting for one lead; how many. Raises RPCError when Temporal does not answer."""
        async with self._pool.acquire() as connection, connection.transaction():
            # one deliverer per lead keeps the order; whoever comes second would only repeat the first
            if not await connection.fetchval("select pg_try_advisory_xact_lock(hashtextextended($1, 0))", lead_id):
                return 0
            rows = await connection.fetch(
                "select * from message where lead_id = $1 and delivered_wall is null order by seq", lead_id
            )
            for row in rows:
                how = await self._deliver(connection, row)
                await connection.execute(
                    """update message set delivered_wall = clock_timestamp(), delivery = $2, attempts = attempts + 1
                       where id = $1""",
                    row["id"], how)  # fmt: skip
            return len(rows)

    async def _deliver(self, connection: Any, row: asyncpg.Record) -> str:
        lead_id = row["lead_id"]
        if row["kind"] == "start":
            start = await build_start(connection, lead_id, again=False)
            if start is None:
                return "closed"
            return "started" if await self._workflows.start(start) else "was_there"
        if await self._workflows.signal(lead_id, row["kind"], row["payload"]):
            return "signalled"
        start = await build_start(connection, lead_id, again=True)
        if start is None:
            # the lead closed first: its owner hears of it instead
            await connection.execute(
                """insert into notice (id, lead_id, rep_id, audience, kind, reason, at, dedupe)
                   select $1, id, owner_id, case when owner_id is null then 'manager' else 'rep' end, 'after_closing',
                       $3, closed_at, $4 from lead where id = $2 and program is null
                   on conflict (dedupe) do nothing""",
                new_id(), lead_id, row["kind"], f"after_closing:{row['id']}")  # fmt: skip
            return "closed"
        await self._workflows.start(start, again=True)
        await self._workflows.signal(lead_id, row["kind"], row["payload"])
        return "restarted"

    # ── the loop ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Until cancelled. Survives the loss of Postgres and of Temporal; both come back."""
        pause, looked_for_lost = _POLL_S, -_FIND_LOST_EVERY_S
        loop = asyncio.get_running_loop()
        while True:
            try:
                await self._sweep()
                if loop.time() - looked_for_lost >= _FIND_LOST_EVERY_S:
                    await self.restart_lost()
                    looked_for_lost = loop.time()
                pause = _POLL_S
            except (RPCError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.warning("relay.waiting", error=type(error).__name__)
                pause = min(pause * 2, 15.0)
                looked_for_lost = -_FIND_LOST_EVERY_S  # what comes back may have lost some
            await asyncio.sleep(pause)

    async def _sweep(self) -> None:
        leads = await self._pool.fetch(
            """select lead_id, min(seq) as first from message where delivered_wall is null
               group by lead_id order by first limit $1""", _BATCH)  # fmt: skip
        async with asyncio.TaskGroup() as group:
            for row in leads:
                lead_id = row["lead_id"]
                group.create_task(self._limited(lead_id, partial(self.deliver, lead_id), self._limit))

    @staticmethod
    async def _limited(lead_id: str, delivery: Callable[[], Awaitable[object]], limit: asyncio.Semaphore) -> None:
        async with limit:
            try:
                await delivery()
            except (RPCError, asyncpg.PostgresError, OSError, TimeoutError) as error:
                log.info("relay.later", lead_id=lead_id, error=type(error).__name__)

    async def restart_lost(self) -> int:
        """Starts every open lead again whose workflow is gone; how many."""
        settled = await self._pool.fetch(
            """select id from lead where closed_at is null and exists (select from message m where m.lead_id = lead.id
                   and m.kind = 'start' and m.delivered_wall < clock_timestamp() - $1::interval)""",
            timedelta(seconds=10))  # fmt: skip
        if not settled:
            return 0
        running = await self._workflows.running()
        lost = [row["id"] for row in settled if row["id"] not in running]
        count = 0
        for lead_id in lost:
            async with self._pool.acquire() as connection:
                start = await build_start(connection, lead_id, again=True)
            if start is not None and await self._workflows.start(start, again=True):
                log.warning("relay.restarted", lead_id=lead_id)
                count += 1
        return count
