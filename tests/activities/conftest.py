from collections.abc import AsyncIterator

import pytest_asyncio

from tests.activities.house import House, open_house


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with open_house(database_url) as made:
        yield made
