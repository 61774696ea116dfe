"""Runs what recurs by itself, each chore in one process at a time, and says in the table `chore` what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import structlog

log = structlog.get_logger(__name__)

# keeps these locks apart from the other advisory locks
_CHORES = 7
# how soon after a start, a lost connection or an error a chore is looked at again
_AGAIN_S = 5.0

_ROW = "insert into chore (name) values ($1) on conflict do nothing"
# the row itself says whether its time has come: hosts may differ in their clocks
_BEGIN = """
update chore set started_wall = clock_timestamp(), next_wall = clock_timestamp() + $3, ended_wall = null, done = null,
    error = null
where name = $1 and ($2 or next_wall is null or next_wall <= clock_timestamp()) returning true
"""
# whoever runs it after all begins it at once
_NOT_OURS = "update chore set next_wall = null where next_wall is not null and name <> all($1)"
_DONE = """
update chore set ended_wall = clock_timestamp(), succeeded_wall = clock_timestamp(), failures_in_a_row = 0, done = $2
where name = $1
"""
_FAILED = """
update chore set ended_wall = clock_timestamp(), failures_in_a_row = failures_in_a_row + 1, error = $2 where name = $1
"""


@dataclass(frozen=True)
class Chore:
    """`every`: the time between two starts, over all processes. `wake`: a NOTIFY channel that starts it at once.

    `run` does one round and answers what it did in a few words, None where there was nothing to do. A round that fails
    is logged, stands in the table, and is tried again at its next time: it must be harmless to run twice.
    """

    name: str
    every: timedelta
    run: Callable[[], Awaitable[str | None]]
    wake: str | None = None


async def run_chores(pool: "asyncpg.Pool[Any]", chores: Sequence[Chore]) -> None:
    """All chores of this house, until cancelled. What is not among them is due no more."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_drop_others(pool, [chore.name for chore in chores]))
        wakes = {chore.name: asyncio.Event() for chore in chores}
        channels: dict[str, list[asyncio.Event]] = {}
        for chore in chores:
            if chore.wake is not None:
                channels.setdefault(chore.wake, []).append(wakes[chore.name])
        if channels:
            group.create_task(_listen(pool, channels))
        for chore in chores:
            group.create_task(_keep(pool, chore, wakes[chore.name]))


async def _drop_others(pool: "asyncpg.Pool[Any]", names: Sequence[str]) -> None:
    while True:
        try:
            await pool.execute(_NOT_OURS, list(names))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(_AGAIN_S)
        else:
            return


async def run_once(pool: "asyncpg.Pool[Any]", chore: Chore, *, due_only: bool = False) -> str | None:
    """One round, unless another process is at it; `due_only`: only when its time has come. Raises what it does."""
    # the lock is the session's, so the connection is ours alone for the round
    async with pool.acquire() as conn:
        if not await conn.fetchval("select pg_try_advisory_lock($1, hashtext($2))", _CHORES, chore.name):
            return None
        try:
            await conn.execute(_ROW, chore.name)
            if not await conn.fetchval(_BEGIN, chore.name, not due_only, chore.every):
                return None
            try:
                done = await chore.run()
            except Exception as error:
                await conn.execute(_FAILED, chore.name, f"{type(error).__name__}: {error}"[:500])
                raise
            await conn.execute(_DONE, chore.name, done)
            return done
        finally:
            await conn.execute("select pg_advisory_unlock($1, hashtext($2))", _CHORES, chore.name)


async def _keep(pool: "asyncpg.Pool[Any]", chore: Chore, wake: asyncio.Event) -> None:
    pause = min(_AGAIN_S, chore.every.total_seconds())
    woken = False
    while True:
        try:
            await run_once(pool, chore, due_only=not woken)
        except Exception as error:
            log.error("chore failed", chore=chore.name, error=type(error).__name__)
        try:
            await asyncio.wait_for(wake.wait(), pause)
        except TimeoutError:
            woken = False
        else:
            wake.clear()
            woken = True


async def _listen(pool: "asyncpg.Pool[Any]", channels: dict[str, list[asyncio.Event]]) -> None:
    """A notice that is missed costs `every` at most: this is for speed alone."""

    def hear(_conn: object, _pid: int, channel: str, _payload: object) -> None:
        for wake in channels[channel]:
            wake.set()

    while True:
        try:
            async with pool.acquire() as conn:
                try:
                    for channel in channels:
                        await conn.add_listener(channel, hear)
                    while not conn.is_closed():
                        await asyncio.sleep(_AGAIN_S)
                        await conn.execute("select 1")
                finally:
                    for channel in channels:
                        await conn.remove_listener(channel, hear)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(_AGAIN_S)
