from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.gateway.house import House, open_house


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    """The gateway on a fresh database; nothing behind it answers but recorders."""
    async with open_house(database_url, tmp_path) as opened:
        yield opened
