"""The table `chore` keeps why a round failed, and it is never erased: no error quotes a row there."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from speedlead.chores.assemble import Means, build_chores
from speedlead.chores.runner import Chore, run_once
from speedlead.chores.stuck import GoingOn
from speedlead.clock import SystemClock
from speedlead.credentials import load_or_create
from speedlead.providers.assemble import Senders
from speedlead.store.pool import open_pool
from tests.servers import local_settings


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    opened = await open_pool(database_url)
    yield opened
    await opened.close()


def chores_of(pool: Any, folder: Any) -> dict[str, Chore]:
    """As the worker runs them; what they would talk to is not there."""
    nobody: Any = object()
    means = Means(
        pool, local_settings(folder), load_or_create(folder), Senders(nobody, nobody, nobody), SystemClock(), nobody,
        nobody, nobody, GoingOn(nobody, nobody, ""),
    )  # fmt: skip
    return {chore.name: chore for chore in build_chores(means)}


async def test_a_chores_error_quotes_no_row(pool: Any, tmp_path: Any) -> None:
    chore = chores_of(pool, tmp_path)["retention"]
    await pool.execute(
        """create function refuse() returns trigger language plpgsql as $$ begin
               raise unique_violation using message = 'no', detail = 'Key (address)=(zeb@zebra.example) exists.';
           end $$;
           create trigger refuse before delete on story for each statement execute function refuse()"""
    )
    with pytest.raises(asyncpg.UniqueViolationError) as failed:
        await run_once(pool, chore)
    assert "zeb" not in str(failed.value)
    error = await pool.fetchval("select error from chore where name = 'retention'")
    assert error == "UniqueViolationError: what Postgres said is left out: it may quote a row"
