"""What comes while the workflow waits: nothing is overwritten by it, and nothing urgent waits for its end."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.routing import Routing
from speedlead.cadence_errors import LeadRefused
from speedlead.demo.world import World
from speedlead.ids import workflow_id
from speedlead.store.acceptance import AcceptanceStore
from speedlead.store.leads import LeadStore
from speedlead.store.touches import TouchStore
from tests.workflows.held import Held, acknowledged, until
from tests.workflows.leads import ADA, notices, touches
from tests.workflows.test_tasks import offered, world

__all__ = ["world"]

BY_MAIL = {name: text for name, text in ADA.items() if name not in ("phone", "consent_sms", "consent_call")}
FURTHER = ADA | {"message": "I want to buy now"}
WHOLE = {"by": "manager", "reason": "holiday"}


async def status(world: World, lead: str) -> Any:
    return await world.client.get_workflow_handle(workflow_id(lead)).query("status")


async def taken(world: World, **fields: str) -> tuple[str, str]:
    """(lead, rep): its first call is offered, and the rep has accepted it."""
    lead = await world.submit(datetime.now(UTC), **(ADA | fields))
    rep = (await offered(world, lead, 1))[0]
    await world.leads.update(lead, "accept", {"rep_id": rep})
    return lead, rep


async def others(world: World, rep: str) -> list[str]:
    rows = await world.pool.fetch("select id from rep where active and not manager and id <> $1 order by id", rep)
    return [row["id"] for row in rows]


async def owner_in_rows(world: World, lead: str) -> str | None:
    owner: str | None = await world.pool.fetchval("select owner_id from lead where id = $1", lead)
    return owner


async def called_again(world: World, lead: str, times: int) -> bool:
    async with asyncio.timeout(30):
        return len(await offered(world, lead, times)) >= times


# ── what a person decided ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("outcome", "after", "then"),
    [
        pytest.param("callback_requested", timedelta(hours=2), ("callback-1", "scheduled"), id="a callback"),
        pytest.param("meeting_booked", timedelta(days=2), (None, "meeting_booked"), id="a meeting"),
    ],
)
async def test_what_was_agreed_on_the_phone_outlives_the_end_of_the_call(
    world: World, outcome: str, after: timedelta, then: tuple[str | None, str]
) -> None:
    lead, _ = await taken(world)
    at = (datetime.now(UTC) + after).isoformat()
    await world.leads.update(lead, "log_outcome", {"call_result": "connected", "outcome": outcome, "at": at})

    async def ended() -> bool:
        return "call-1 sent connected" in await touches(world, lead)

    await until(ended)
    await asyncio.sleep(0.5)
    now = await status(world, lead)
    assert (now["next_step"], now["why"]) == then


async def test_a_pause_is_not_written_after_its_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Held(monkeypatch, LeadStore, "pause", "'paused': True", undone=True)
    lead, _ = await taken(world)
    until_then = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    pausing = asyncio.create_task(world.leads.update(lead, "pause", {**WHOLE, "until": until_then}))
    async with slow:
        resuming = asyncio.create_task(world.leads.update(lead, "resume", {"by": "manager"}))
        await asyncio.sleep(0.5)
    await asyncio.gather(pausing, resuming)
    await world.leads.update(lead, "log_outcome", {"call_result": "no_answer"})

    async def goes_on() -> bool:
        return "email-1 sent" in await touches(world, lead)

    await until(goes_on)
    assert await world.pool.fetchval("select paused_until is null from lead where id = $1", lead)


@pytest.mark.parametrize("who", ["the one before", "a stranger"])
async def test_nobody_declines_for_somebody_else(world: World, who: str) -> None:
    lead = await world.submit(datetime.now(UTC), **ADA)
    first = (await offered(world, lead, 1))[0]
    asked = 1
    if who == "the one before":
        await world.leads.update(lead, "decline", {"rep_id": first, "reason": "in_a_meeting"})
        asked = len(await offered(world, lead, 2))
        await asyncio.sleep(0.3)  # the answer that names whom it asks
    else:
        first = (await others(world, first))[0]
        await asyncio.sleep(0.3)
    with pytest.raises(LeadRefused, match="offered to somebody else"):
        await world.leads.update(lead, "decline", {"rep_id": first, "reason": "in_a_meeting"})
    await asyncio.sleep(0.5)
    assert len(await offered(world, lead, 1)) == asked


async def test_a_decline_that_is_quicker_than_the_news_of_the_offer_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.reps_accept = False
    escalating = Held(monkeypatch, AcceptanceStore, "escalate")
    lead = await world.submit(datetime.now(UTC), **BY_MAIL)

    async def owned() -> bool:
        return await owner_in_rows(world, lead) is not None

    await until(owned)
    await asyncio.sleep(0.5)
    first = await owner_in_rows(world, lead)
    await world.leads.update(lead, "decline", {"rep_id": first, "reason": "ill"})
    async with escalating:
        second = await owner_in_rows(world, lead)
        assert second != first
        await world.leads.update(lead, "decline", {"rep_id": second, "reason": "ill"})

    async def went_on() -> bool:
        return await owner_in_rows(world, lead) not in (first, second)

    await until(went_on)


# ── who has the lead ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("held", ["accept", "route", "reassign"])
async def test_an_old_answer_does_not_bring_an_owner_back(
    world: World, monkeypatch: pytest.MonkeyPatch, held: str
) -> None:
    world.reps_accept = False
    if held == "route":
        waits = Held(monkeypatch, Routing, "_route")
        lead = await world.submit(datetime.now(UTC), **ADA)
        async with waits:
            rep = await owner_in_rows(world, lead)
            assert rep is not None
            last = (await others(world, rep))[0]
            await world.leads.update(lead, "reassign", {"rep_id": last, **WHOLE})
    else:
        lead = await world.submit(datetime.now(UTC), **ADA)
        rep = (await offered(world, lead, 1))[0]
        second, last = (await others(world, rep))[:2]
        first = (AcceptanceStore, "accept", rep) if held == "accept" else (LeadStore, "reassign", second)
        body = {"rep_id": rep} if held == "accept" else {"rep_id": second, **WHOLE}
        waits = Held(monkeypatch, *first)
        asking = asyncio.create_task(world.leads.update(lead, held, body))
        async with waits:
            await world.leads.update(lead, "reassign", {"rep_id": last, **WHOLE})
        await asking

    async def agreed() -> bool:
        return bool((await status(world, lead))["owner_id"] == last)

    await until(agreed)
    assert await owner_in_rows(world, lead) == last


# ── what the lead said ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["an answer", "the end"])
async def test_a_form_that_comes_while_the_lead_ends_is_somebodys_work(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    stands = (TouchStore, "claim", "ack-2") if what == "an answer" else (LeadStore, "close", "")
    waits = Held(monkeypatch, *stands, undone=True)
    lead, _ = await taken(world)
    number = 2
    if what == "an answer":
        assert await world.submit(datetime.now(UTC), **(ADA | {"message": "a second"})) == lead
        number = 3
    await world.leads.update(lead, "log_outcome", {"call_result": "connected", "outcome": "unqualified"})
    async with waits:
        await asyncio.sleep(0.5)
        assert await world.submit(datetime.now(UTC), **FURTHER) == lead
        await acknowledged(world, lead, number)

    async def waits_for_its_owner() -> bool:
        return bool((await status(world, lead))["why"] == "new_inquiry")

    await until(waits_for_its_owner)
    assert await world.pool.fetchval("select closed_at from lead where id = $1", lead) is None


async def test_the_owner_hears_of_a_reply_during_a_call(world: World) -> None:
    lead, _ = await taken(world)
    handle = world.client.get_workflow_handle(workflow_id(lead))
    await handle.signal("reply", {"message_id": "reply:1", "channel": "sms"})

    async def told() -> bool:
        return "rep: reply_received" in await notices(world, lead)

    await until(told)
    assert "call-1 sent" not in " ".join(await touches(world, lead)), "they are still on the phone"


@pytest.mark.parametrize("what", ["a call by hand", "a form that makes it hotter"])
async def test_a_message_that_cannot_go_at_once_keeps_nobody_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    refused = Held(monkeypatch, TouchStore, "claim", "email-1", undone=True)
    lead, rep = await taken(world, intent="newsletter")
    await world.leads.update(lead, "log_outcome", {"call_result": "no_answer"})
    async with refused:
        if what == "a call by hand":
            await world.leads.update(lead, "call_now", {"by": rep, "rep_id": rep})
        else:
            assert await world.submit(datetime.now(UTC), **FURTHER) == lead
        assert await called_again(world, lead, 2)
        await world.leads.update(lead, "accept", {"rep_id": (await offered(world, lead, 2))[-1]})
        await world.leads.update(lead, "log_outcome", {"call_result": "no_answer"})

    async def went() -> bool:
        return "email-1 sent" in await touches(world, lead)

    await until(went)
    sent = await touches(world, lead)
    assert len([touch for touch in sent if touch.startswith("email-1 ")]) == 1
