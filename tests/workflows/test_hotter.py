"""A lead that becomes hotter, or writes, while something of the colder track is still under way."""

import asyncio
from datetime import UTC, datetime

import pytest

from activities.routing import Routing
from speedlead.demo.world import World
from speedlead.ids import workflow_id
from speedlead.store.touches import TouchStore
from tests.workflows.held import Held, acknowledged, until
from tests.workflows.leads import ADA, ended, notices, touches
from tests.workflows.test_tasks import offered, world

__all__ = ["world"]

COLD = ADA | {"intent": "newsletter"}
HOT = ADA | {"intent": "demo_request", "message": "now!"}


async def takes_the_call(world: World, lead: str, times: int) -> None:
    rep = (await offered(world, lead, times))[times - 1]
    await world.leads.update(lead, "accept", {"rep_id": rep})
    await world.leads.update(lead, "log_outcome", {"call_result": "connected", "outcome": "qualified"})
    assert (await ended(world, lead))["reason"] == "qualified"


async def test_a_lead_that_became_hotter_is_offered_and_accepted_anew(world: World) -> None:
    lead = await world.submit(datetime.now(UTC), **COLD)
    rep = (await offered(world, lead, 1))[0]
    await world.leads.update(lead, "accept", {"rep_id": rep})
    await world.leads.update(lead, "log_outcome", {"call_result": "no_answer"})
    assert await world.submit(datetime.now(UTC), **HOT) == lead
    await takes_the_call(world, lead, 2)
    assert "call-1-r2 sent connected" in await touches(world, lead)


async def test_who_is_asked_when_the_lead_becomes_hotter_is_asked_once_with_the_new_deadline(world: World) -> None:
    lead = await world.submit(datetime.now(UTC), **COLD)
    rep = (await offered(world, lead, 1))[0]
    assert await world.submit(datetime.now(UTC), **HOT) == lead

    async def asked_for_the_hot_call() -> bool:
        found = "select exists (select from touch where lead_id = $1 and step = 'call-1-r2' and state = 'claimed')"
        due = "select exists (select from notice where lead_id = $1 and kind = 'call_task' and due_at is not null)"
        return bool(await world.pool.fetchval(found, lead) and await world.pool.fetchval(due, lead))

    await until(asked_for_the_hot_call)
    await takes_the_call(world, lead, 1)
    asked = await world.pool.fetch("select rep_id, kind from notice where lead_id = $1 and rep_id = $2", lead, rep)
    assert sorted(row["kind"] for row in asked) == ["call_task", "new_inquiry", "new_lead"]
    assert "call-1-r2 sent connected" in await touches(world, lead)


async def test_a_call_that_was_begun_before_is_no_call_of_the_hotter_track(world: World) -> None:
    lead = await world.submit(datetime.now(UTC), **COLD)
    rep = (await offered(world, lead, 1))[0]
    await world.leads.update(lead, "accept", {"rep_id": rep})
    assert await world.submit(datetime.now(UTC), **HOT) == lead
    await acknowledged(world, lead, 2)
    await world.leads.update(lead, "log_outcome", {"call_result": "no_answer"})
    await takes_the_call(world, lead, 2)
    assert {"call-1 sent no_answer", "call-1-r2 sent connected"} <= set(await touches(world, lead))


async def test_a_talk_that_was_begun_before_is_a_talk(world: World) -> None:
    lead = await world.submit(datetime.now(UTC), **COLD)
    rep = (await offered(world, lead, 1))[0]
    await world.leads.update(lead, "accept", {"rep_id": rep})
    assert await world.submit(datetime.now(UTC), **HOT) == lead
    await acknowledged(world, lead, 2)
    await world.leads.update(lead, "log_outcome", {"call_result": "connected"})
    await asyncio.sleep(1.5)  # a call of the hotter track would be offered at once
    assert len(await offered(world, lead, 1)) == 1
    await world.leads.update(lead, "log_outcome", {"outcome": "qualified"})
    assert (await ended(world, lead))["reason"] == "qualified"


async def test_a_lead_that_is_being_routed_is_routed_again_as_the_hotter_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    routing = Held(monkeypatch, Routing, "_route")
    lead = await world.submit(datetime.now(UTC), **COLD)
    async with routing:
        assert await world.pool.fetchval("select first_attempt_due from lead where id = $1", lead) is None
        assert await world.submit(datetime.now(UTC), **HOT) == lead
        await acknowledged(world, lead, 2)
    await offered(world, lead, 1)
    due = await world.pool.fetchval("select first_attempt_due - created_at < '3m 30s' from lead where id = $1", lead)
    assert due is True, "a target of three minutes from the second form"
    await takes_the_call(world, lead, 1)
    assert "call-1-r2 sent connected" in await touches(world, lead)


async def test_a_plan_that_ends_while_the_lead_writes_leaves_its_answer_to_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {name: text for name, text in ADA.items() if name not in ("email", "consent_text", "consent_sms", "tz")}
    skipping = Held(monkeypatch, TouchStore, "skip", "email-1")
    lead = await world.submit(
        datetime.now(UTC), **fields | {"country": "DE", "phone": "+493012345678", "consent_call": "false"}
    )
    async with skipping:
        handle = world.client.get_workflow_handle(workflow_id(lead))
        await handle.signal("reply", {"message_id": "reply:1", "channel": "sms"})

    async def told() -> bool:
        return "rep: reply_received" in await notices(world, lead)

    await until(told)
    assert "the owner, who has to answer" in await handle.query("explain")
