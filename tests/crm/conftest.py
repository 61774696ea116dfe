"""CRMs on a real database, with the courier of the webhooks, and stand-ins for both systems on this machine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from speedlead.crm.desk import bring_in
from speedlead.crm.model import CrmFile
from speedlead.domain.crm import Record
from speedlead.store import crm as rows
from tests.crm import hubspot, salesforce
from tests.crm.hubspot import HubSpotStandIn
from tests.crm.salesforce import SalesforceStandIn
from tests.hooks.conftest import KEYS, House, house

__all__ = ["house"]


@asynccontextmanager
async def serving(stand_in: Any) -> AsyncIterator[None]:
    runner = web.AppRunner(stand_in.app(), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stand_in.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


@pytest_asyncio.fixture
async def hub() -> AsyncIterator[HubSpotStandIn]:
    async with serving(stand_in := HubSpotStandIn()):
        yield stand_in


@pytest_asyncio.fixture
async def force() -> AsyncIterator[SalesforceStandIn]:
    async with serving(stand_in := SalesforceStandIn()):
        yield stand_in


class Crm:
    """One of the two, brought in as by its file."""

    def __init__(self, house: House, endpoint_id: str) -> None:
        self.house, self.endpoint_id = house, endpoint_id

    async def send(self) -> str | None:
        return await self.house.courier.run()

    async def look(self) -> str | None:
        self.house.clock.now += timedelta(seconds=1)
        return await self.house.courier.look.run()

    async def anew(self, **chosen: Any) -> int:
        asked: dict[str, Any] = {"since": None, "lead_id": None, "open_only": False} | chosen
        return await rows.tell_anew(self.house.pool, self.endpoint_id, **asked)

    async def record(self, about: str) -> Record:
        found = await rows.record(self.house.pool, self.endpoint_id, about)
        assert found is not None
        return found

    async def handed_in(self) -> list[dict[str, Any]]:
        """What was handed to the gateway's door, without its id."""
        found = await self.house.pool.fetch(
            """select convert_from(body, 'utf8')::jsonb - 'id' as said from webhook where path = 'crm-status'
               order by received_wall"""
        )
        return [row["said"] for row in found]

    async def log(self) -> list[tuple[int | None, str | None, str | None]]:
        found = await self.house.pool.fetch("select status, error, excerpt from hook_try order by id")
        return [tuple(row) for row in found]


async def brought_in(house: House, folder: Path, kind: str, url: str, secret: str, **asked: Any) -> Crm:
    (folder / "secret").write_text(secret)
    one = {"name": kind, "kind": kind, "url": url, "secret_file": str(folder / "secret")} | asked
    read = CrmFile.model_validate({"crm": [one]}, context=house.allowed)
    async with house.pool.acquire() as conn, conn.transaction():
        (change,) = await bring_in(conn, KEYS, house.clock, read.crm, dry_run=False)
    return Crm(house, change.endpoint_id)


@pytest_asyncio.fixture
async def in_hubspot(house: House, hub: HubSpotStandIn, tmp_path: Path, request: pytest.FixtureRequest) -> Crm:
    asked = getattr(request, "param", {})
    return await brought_in(house, tmp_path, "hubspot", hub.url, hubspot.TOKEN, **asked)


@pytest_asyncio.fixture
async def in_salesforce(house: House, force: SalesforceStandIn, tmp_path: Path) -> Crm:
    return await brought_in(
        house, tmp_path, "salesforce", force.url, salesforce.SECRET, client_id=salesforce.CLIENT,
        constants={"LeadSource": "Web"},
    )  # fmt: skip
