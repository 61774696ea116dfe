"""One transaction, bounded in time, repeated when it lost a race; whatever means "no database" is one error."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg

T = TypeVar("T")

ACQUIRE_S = 7.0
WHOLE_S = 8.0  # under Twilio's 15 s for a webhook, and what a person waits for a form
ATTEMPTS = 8


class PersonGone(Exception):
    """Between the look and the lock the person has become part of another entry: whoever looks again finds that one."""


# two transactions met: one of them goes again and finds what the other has written
_RACES = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError, PersonGone)
_DOWN = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver, when the server is killed between two of its answers
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,  # a fail-over: we are still connected to the old primary
)


class StoreUnavailable(Exception):
    """Postgres does not answer; nothing is known to be written, and asking again is safe."""


async def transact(pool: "asyncpg.Pool[Any]", work: Callable[[Any], Awaitable[T]], *, within_s: float = WHOLE_S) -> T:
    """Runs `work(connection)` in a transaction and returns its result after the commit. Raises StoreUnavailable."""
    try:
        async with asyncio.timeout(within_s):
            for attempt in range(ATTEMPTS):
                try:
                    async with pool.acquire(timeout=ACQUIRE_S) as connection, connection.transaction():
                        return await work(connection)
                except _RACES:
                    if attempt == ATTEMPTS - 1:
                        raise
                await asyncio.sleep(random.uniform(0, 0.005 * 2**attempt))  # noqa: S311
    except _DOWN as error:
        raise StoreUnavailable(type(error).__name__) from error
    raise AssertionError("the last attempt returns or raises")
