"""One running product per test file: each test brings leads of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.house import House, open_house


@pytest_asyncio.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(tmp_path_factory.mktemp("house")) as running:
        yield running
