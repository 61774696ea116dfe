"""What goes wrong in a call: the lead goes on without the assistant, and somebody is told."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from speedlead.assistant.desk import AssistantDesk
from speedlead.domain.assistant import Limits
from speedlead.gateway import voice_relay
from speedlead.gateway.inbound_calls import end_forgotten
from tests.assistant.talking import model
from tests.gateway.house import OFFERS, PHONE
from tests.gateway.house import House as Gateway
from tests.gateway.test_strangers_of_the_sandbox import come, played, sandbox
from tests.gateway.voice import (
    ADA,
    AGREES,
    HOUSE,
    PRICE,
    SID,
    VOICE,
    Held,
    Worker,
    goes_on,
    opened,
    rings,
    story,
    voice_house,
    works,
)


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with voice_house(database_url, tmp_path) as opened_house:
        yield opened_house


async def test_the_budgets_are_those_of_every_channel(house: Gateway) -> None:
    await house.lead(**AGREES)
    works(house, PRICE, limits=Limits(turns=2))
    document = await rings(house)
    async with opened(house, document) as telephone:
        await telephone.says("How much is the basic plan?")
        assert "$49" in await telephone.hears_words()
        await telephone.says("And the plus plan?")
        assert await telephone.hears_the_end() == "turns_used"


async def test_no_words_in_time_are_a_person_s_task(house: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is gone between what was said and the answer."""
    monkeypatch.setattr(voice_relay, "_SLACK_S", -6.5)
    lead = await house.lead(**AGREES)
    Worker(house, None)
    document = await rings(house)
    async with opened(house, document) as telephone:
        await telephone.says("How much is the basic plan?")
        assert await telephone.hears_the_end() == "answer_too_late"
    assert "<Say" in await goes_on(house, document, "Connect")
    assert await story(house, "assistant_handed_over") == [("assistant_handed_over", "answer_too_late")]
    # another worker takes it up too late: it finds that the turn is over, and asks no model
    (reply,) = [message["reply_id"] for message in await house.messages(lead, "reply") if message.get("reply_id")]
    desk = AssistantDesk(house.pool, HOUSE, model(RuntimeError("asked")), house.clock, OFFERS)
    ended = await desk.take(lead, reply, house.clock.now, house.clock.now)
    assert (ended.act, ended.reason) == ("hand_over", "answer_too_late")
    assert await house.count("answer") == 0


async def test_words_that_come_too_late_are_not_said(house: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_relay, "_SLACK_S", -6.0)
    await house.lead(**AGREES)
    worker = works(house, held := Held())
    document = await rings(house)
    async with opened(house, document) as telephone:
        await telephone.says("How much is the basic plan?")
        assert await telephone.hears_the_end() == "answer_too_late"
    held.released.set()
    await worker.done()
    assert await house.count("answer") == 0
    turn = await house.pool.fetchrow("select act, reason from assistant_turn")
    assert tuple(turn) == ("hand_over", "answer_too_late")
    assert await story(house, "assistant_handed_over") == [("assistant_handed_over", "answer_too_late")]


async def test_a_database_that_goes_in_the_talk_leaves_the_lead_to_a_person(
    house: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(*_: Any) -> None:
        raise ConnectionResetError

    await house.lead(**AGREES)
    Worker(house, None)
    document = await rings(house)
    async with opened(house, document) as telephone:
        monkeypatch.setattr(voice_relay.store, "words_of", gone)
        await telephone.says("How much is the basic plan?")
        assert await telephone.hears_the_end() == "call_lost"
    assert (await goes_on(house, document, "Connect")).count("<Say") == 1
    assert await story(house, "assistant_handed_over") == [("assistant_handed_over", "call_lost")]
    assert await house.pool.fetchval("select count(*) from notice where kind like 'assistant%'") == 1


async def test_who_hangs_up_before_the_answer_is_owed_one_by_a_person(house: Gateway) -> None:
    await house.lead(**AGREES)
    worker = works(house, held := Held())
    document = await rings(house)
    async with opened(house, document) as telephone:
        await telephone.says("How much is the basic plan?")
        while not await house.count("assistant_turn"):
            await asyncio.sleep(0.02)
    held.released.set()
    await worker.done()
    await house.twilio(f"{VOICE}/inbound-over", CallSid=SID, CallStatus="completed")
    assert await story(house, "called_us") == [("called_us", "hung_up")]
    row = await house.pool.fetchrow("select answered_at, due_at from reply")
    assert row["answered_at"] is None
    assert row["due_at"] is not None
    assert await house.pool.fetchval("select shown_wall from answer") is None


async def test_who_says_nothing_has_called_and_nobody_was_there(house: Gateway) -> None:
    lead = await house.lead(**AGREES)
    works(house)
    document = await rings(house)
    async with opened(house, document):
        pass
    await house.twilio(f"{VOICE}/inbound-over", CallSid=SID, CallStatus="completed")
    assert await house.pool.fetchval("select state from inbound_call") == "missed"
    assert [m["channel"] for m in await house.messages(lead, "reply")] == ["call"]


async def test_a_talk_of_whose_end_nobody_tells_is_ended(house: Gateway) -> None:
    await house.lead(**AGREES)
    await rings(house)
    context = house.app.state.context
    house.clock.now += timedelta(minutes=5)
    await end_forgotten(context)
    assert await house.pool.fetchval("select state from inbound_call") == "assistant"
    house.clock.now += timedelta(minutes=11)
    await end_forgotten(context)
    assert await house.pool.fetchval("select state from inbound_call") == "missed"


async def test_a_consent_that_ends_in_the_talk_silences_it(house: Gateway) -> None:
    await house.lead(**AGREES)
    works(house, PRICE)
    async with opened(house, await rings(house)) as telephone:
        await house.pool.execute("update ai_voice_consent set ended_at = at, ended_by = 'withdrawn'")
        await telephone.says("How much is the basic plan?")
        assert await telephone.hears_the_end() == "no_ai_voice_consent"
    assert await house.count("answer") == 0


async def test_the_sandbox_plays_a_caller_to_the_end(house: Gateway, tmp_path: Path) -> None:
    await house.lead(**ADA)
    works(house, PRICE)
    async with sandbox(house, tmp_path) as url:
        call = {"address": PHONE, "by": "call", "keys": "1", "says": "How much is the basic plan?\nPlease, a person!"}
        heard = await played(url, (await come(url, **call))[1]["id"])
    assert heard[0].startswith("say: Nobody of Acme is free to talk now.")
    assert heard[1] == "presses: 1"
    assert heard[2].startswith("assistant: This is the automatic assistant of Acme: a computer")
    assert heard[3:6] == [
        "caller: How much is the basic plan?",
        f"assistant: {PRICE['text']}",
        "caller: Please, a person!",
    ]
    assert "handing this to a person" in heard[6]
    assert len(heard) == 8  # and by when
    assert await house.pool.fetchval("select state from inbound_call") == "spoken"


async def test_a_socket_that_breaks_in_a_turn_leaves_the_lead_to_a_person(house: Gateway) -> None:
    lead = await house.lead(**AGREES)
    Worker(house, None)  # it is killed with the turn
    document = await rings(house)
    async with opened(house, document) as telephone:
        await telephone.says("How much is the basic plan?")
        while not await house.messages(lead, "reply"):
            await asyncio.sleep(0.02)
    assert "<Say" in await goes_on(house, document, "Connect", SessionStatus="failed")
    assert await story(house, "assistant_handed_over", "called_us") == [
        ("assistant_handed_over", "hung_up"), ("called_us", "hung_up")]  # fmt: skip
    assert await house.pool.fetchval("select count(*) from notice where kind like 'assistant%'") == 1
    # the turn is taken up by another worker, and finds that it is over
    reply = (await house.messages(lead, "reply"))[0]["reply_id"]
    desk = AssistantDesk(house.pool, HOUSE, model(PRICE), house.clock, OFFERS)
    assert (await desk.take(lead, reply, house.clock.now, house.clock.now)).reason == "hung_up"
    assert await house.count("answer") == 0
