"""A lead is looked up before it gets its owner: what is found decides its track, and what is not costs it nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from activities import enriching
from activities.enriching import Enriching
from speedlead.demo.world import World
from speedlead.domain.knowing import Company
from speedlead.store.companies import Listed, import_companies
from tests.workflows.leads import ADA, instant_of, touches, tuesday_at

WEBINAR = ADA | {"intent": "webinar", "email": "ada@engines.example.com"}


async def owned(world: World, lead: str) -> dict[str, Any]:
    found = """select l.*, (select sent_at from touch where lead_id = l.id and step = 'ack-1') as answered
        from lead l where id = $1 and assigned_at is not null
            and exists (select from touch where lead_id = $1 and step = 'ack-1' and state = 'sent')"""
    async with asyncio.timeout(30):
        while (row := await world.pool.fetchrow(found, lead)) is None:
            await asyncio.sleep(0.05)
    return dict(row)


async def test_a_named_account_that_asks_for_a_webinar_is_called_as_a_hot_lead(world: World) -> None:
    known = Company("engines.example.com", tier="a", named=True)
    async with world.pool.acquire() as conn:
        await import_companies(conn, [Listed(known, None, 2)], "own.csv", world.clock.wall())
    lead = await world.submit(tuesday_at(15), **WEBINAR)
    row = await owned(world, lead)
    async with asyncio.timeout(30):
        while not any(line.startswith("call-1 sent") for line in await touches(world, lead)):
            await asyncio.sleep(0.05)
    assert row["lead_type"] == "hot"
    assert await instant_of(world, lead, "call-1") <= timedelta(minutes=3)
    assert row["first_attempt_due"] - row["open_at"] <= timedelta(minutes=3)


@pytest.mark.parametrize(("hangs", "reason"), [(True, "lookup_slow"), (False, "lookup_failed")])
async def test_a_lookup_that_hangs_or_fails_costs_the_lead_neither_answer_nor_owner(
    world: World, monkeypatch: pytest.MonkeyPatch, hangs: bool, reason: str
) -> None:
    tries: list[str] = []

    async def never(_: Enriching, request: Any) -> None:
        tries.append(request.lead_id)
        if not hangs:
            raise ConnectionError("no")
        await asyncio.Event().wait()

    monkeypatch.setattr(enriching, "WITHIN_S", 0.3)
    monkeypatch.setattr(Enriching, "_enrich", never)
    lead = await world.submit(tuesday_at(15), **ADA)
    row = await owned(world, lead)
    assert tries == [lead] * 2
    assert row["answered"] - row["created_at"] < timedelta(seconds=30)
    assert row["assigned_at"] - row["created_at"] < timedelta(seconds=30)
    told = "select reason from story where lead_id = $1 and kind = 'not_enriched'"
    async with asyncio.timeout(30):
        while (found := await world.pool.fetchval(told, lead)) is None:
            await asyncio.sleep(0.05)
    assert found == reason
