"""A world per test: production wiring on a virtual clock (`speedlead.demo.world`)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.testing import WorkflowEnvironment

from speedlead.composer import Composer
from speedlead.composing.assemble import build_composer
from speedlead.demo.world import World, open_world
from speedlead.planbook import load_plan
from tests.servers import local_settings

COMPANY_PHONE = "+14155550100"


@pytest.fixture(scope="session")
def composer(tmp_path_factory: pytest.TempPathFactory) -> Composer:
    """The packaged texts for the company of `world`: to check them takes a second, and they are the same each time."""
    return build_composer(local_settings(tmp_path_factory.mktemp("composer"), company_phone=COMPANY_PHONE), load_plan())


@pytest_asyncio.fixture
async def world(
    temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path, composer: Composer
) -> AsyncIterator[World]:
    settings = local_settings(tmp_path, callbacks="before", virtual_clock=True, company_phone=COMPANY_PHONE)
    async with open_world(settings, database_url, temporal_env.client, composer=composer) as made:
        yield made
