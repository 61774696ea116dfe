"""`late` and `before`: a world in each callback mode."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.sandbox.world import World, world


@pytest_asyncio.fixture
async def late(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, "late") as made:
        yield made


@pytest_asyncio.fixture
async def before(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, "before") as made:
        yield made
