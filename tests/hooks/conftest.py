"""Webhooks on a real database, with a courier whose clock a test moves, and receivers on this machine."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest_asyncio

from speedlead.chores.hooks import Courier, HookRules
from speedlead.hooks.address import Allowed, parse_allowed
from speedlead.hooks.desk import HookDesk
from speedlead.hooks.endpoint import Endpoint
from speedlead.hooks.sending import opened
from speedlead.payload_keys import PayloadKeys
from speedlead.store import hooks
from speedlead.store.pool import open_pool
from speedlead.store.story import tell_story
from tests.store.hand_made import AVA, BEN, SAM, HandClock, put_lead, put_reps

KEYS = PayloadKeys({"own": b"k" * 32})
RULES = HookRules(timedelta(days=5), timedelta(days=3), timedelta(days=30))
SOURCE = "https://leads.example.com"


class House:
    def __init__(self, pool: Any, allowed: Allowed) -> None:
        self.pool, self.clock, self.allowed = pool, HandClock(datetime.now(UTC)), allowed
        self.desk = HookDesk(KEYS, self.clock, allowed, lambda: opened(allowed), SOURCE)
        self.courier = self.another()

    def another(self) -> Courier:
        """A courier of another process; chance is the middle of everything."""
        return Courier(self.pool, self.clock, KEYS, RULES, lambda: opened(self.allowed), SOURCE, SOURCE, lambda: 0.5)

    async def endpoint(self, url: str, name: str = "crm", **asked: Any) -> str:
        """Its id."""
        wanted = Endpoint.model_validate({"name": name, "url": url, "events": "all"} | asked, context=self.allowed)
        async with self.pool.acquire() as conn:
            change = await self.desk.put(conn, wanted)
        assert change is not None
        return change.endpoint_id

    async def row(self, endpoint_id: str) -> hooks.EndpointRow:
        found = await hooks.endpoint(self.pool, endpoint_id)
        assert found is not None
        return found

    async def tell(self, lead_id: str = AVA, kind: str = "accepted", **data: Any) -> None:
        await tell_story(self.pool, lead_id, kind=kind, at=self.clock.now, data=data)

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.pool.fetch("select state from hook_delivery order by seq")]


@pytest_asyncio.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """Two leads, Ava's and Ben's; this machine's own address is allowed."""
    pool = await open_pool(database_url, size=8)
    await put_reps(pool)
    await put_lead(pool, AVA, name="Ava Müller", email="ava@northwind.example", phone="+12125550142",
                   company="Northwind", owner_id=SAM, country="US")  # fmt: skip
    await put_lead(pool, BEN, name="Ben Carter", email="ben@carter.example", lead_type="warm", country="GB")
    yield House(pool, parse_allowed(["127.0.0.1"]))
    await pool.close()
