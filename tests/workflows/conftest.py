"""A world per test: production wiring on a virtual clock (`speedlead.demo.world`)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from speedlead.demo.world import World, open_world
from tests.servers import local_settings


@pytest_asyncio.fixture
async def world(temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    settings = local_settings(tmp_path, callbacks="before", virtual_clock=True, company_phone="+14155550100")
    async with open_world(settings, database_url, temporal_env.client) as made:
        yield made
