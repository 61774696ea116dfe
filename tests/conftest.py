"""Fixtures for all tests: `database_url` is a fresh migrated database, `temporal_env` a server that skips time."""

import gc
import os
import sys
import zoneinfo

# before anything asks for a zone: the pinned tzdata, never the machine's
os.environ["PYTHONTZPATH"] = ""
zoneinfo.reset_tzpath(to=())

# what the person at the keyboard has set must not steer tests
for _name in [
    name for name in os.environ if name.startswith(("SPEEDLEAD_", "TEMPORAL_", "TWILIO_", "SENDGRID_", "PG"))
]:
    del os.environ[_name]

# some two hundred processes are started: each would compile our modules again where a machine says that none is kept
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

from collections.abc import AsyncIterator  # noqa: E402

import hypothesis  # noqa: E402
import pytest  # noqa: E402
import pytest_asyncio  # noqa: E402
from temporalio.testing import WorkflowEnvironment  # noqa: E402

from tests import order, servers  # noqa: E402

# the same examples in every run: what is red is red because of the change at hand; `make search` looks for new ones
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.register_profile("search", print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = order.in_order(items)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    # thousands of tests and all of our modules stay to the end: to look through them again and again for what is over
    # takes a quarter of the time of tests that compute
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest_asyncio.fixture(scope="session")
async def test_databases(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[servers.TestDatabases]:
    """The embedded Postgres of this session, not durable, with a migrated template."""
    with servers.quick_folder(tmp_path_factory.mktemp("postgres")) as folder:
        async with servers.databases(folder) as made:
            yield made


@pytest_asyncio.fixture
async def database_url(test_databases: servers.TestDatabases) -> AsyncIterator[str]:
    """Address of a fresh, migrated database, dropped after the test."""
    async with test_databases.fresh() as url:
        yield url


@pytest_asyncio.fixture
async def empty_database_url(test_databases: servers.TestDatabases) -> AsyncIterator[str]:
    """Address of a database without any table of ours."""
    async with test_databases.fresh(template="template0") as url:
        yield url


@pytest_asyncio.fixture(scope="session")
async def temporal_env() -> AsyncIterator[WorkflowEnvironment]:
    """One dev server per session: each workflow has a virtual clock of its own, so tests do not disturb each other."""
    async with servers.skipping_temporal() as environment:
        yield environment
