"""The assistant in the life of a lead: production wiring on a virtual clock, with a scripted model."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from speedlead.composer import Composer
from speedlead.demo.moments import Happening, Moment
from speedlead.demo.world import World, open_world
from speedlead.times import clock
from tests.assistant.talking import EXAMPLE, model
from tests.gateway.test_strangers_of_the_sandbox import played
from tests.servers import local_settings
from tests.workflows.conftest import COMPANY_PHONE
from tests.workflows.leads import ADA, ended, notices, touches, tuesday_at

pytestmark = pytest.mark.timeout(90)
PRICE = {"act": "reply", "facts": ["price_basic"], "text": "The basic plan costs $49 a month and includes 5 users."}
PHONE = "+13105550148"
MAIL = "grace@example.com"
TEXTER = {name: value for name, value in ADA.items() if name != "email"} | {"phone": PHONE, "tz": "America/Los_Angeles"}
# 19:15 in Los Angeles: our people have gone home, and a text is lawful
EVENING = 3

Open = Callable[..., Any]


@pytest.fixture
def opened(temporal_env: WorkflowEnvironment, database_url: str, tmp_path: Path, composer: Composer) -> Open:
    @asynccontextmanager
    async def with_model(*answers: Any, voice: bool = False) -> AsyncIterator[World]:
        settings = local_settings(
            tmp_path, callbacks="before", virtual_clock=True, company_phone=COMPANY_PHONE,
            assistant_model="openai:scripted", assistant_facts_file=EXAMPLE, assistant_prices="1,2",
            assistant_voice=voice,
        )  # fmt: skip
        async with open_world(
            settings, database_url, temporal_env.client, composer=composer, assistant=model(*answers)
        ) as world:
            world.reps_accept = False
            # of the demo's reps somebody around the world is always at work
            await world.pool.execute("update rep set active = false where zone !~ 'America'")
            yield world

    return with_model


def writes(world: World, body: str, channel: str = "sms", to: str = PHONE) -> Happening:
    async def happens(_: str) -> None:
        found = await world.messages(channel=channel, to=to)
        newest = next(message for message in found if message["direction"] != "inbound")
        await world.call("POST", f"{world.sandbox_url}/api/messages/{newest['id']}/reply", {"text": body})

    return happens


async def said(world: World, lead: str, channel: str = "sms") -> list[str]:
    found = await world.messages(channel=channel)
    ours = [m for m in found if (m.get("touch_id") or "").startswith(f"{lead}.answer-")]
    return [m["body"] for m in reversed(ours) if m["direction"] != "inbound"]


async def test_a_text_a_mail_and_a_turn_that_fails(opened: Open) -> None:
    offer = {"act": "offer_slots", "text": ""}
    async with opened(PRICE, offer, PRICE, RuntimeError("no kind of answer that is known")) as world:
        asks = Moment("ack-1", writes(world, "How much is the basic plan?"))
        wants = Moment("answer-1", writes(world, "Good. Can I see it?"))
        chooses = Moment("answer-2", writes(world, "2"))
        lead = await world.submit(tuesday_at(EVENING, 15), moments=[asks, wants, chooses], **TEXTER)
        await ended(world, lead)
        assert await touches(world, lead) == ["ack-1 sent", *(f"answer-{n} sent" for n in (1, 2, 3))]
        first, second, third = await said(world, lead)
        assert "a computer, not a person" in first
        assert first.endswith(PRICE["text"])
        assert "2) Tue" in second
        booking = await world.pool.fetchrow("select starts_at, zone from booking where lead_id = $1", lead)
        assert (
            third
            == f"Booked: {clock(booking['starts_at'], booking['zone'])} (Los Angeles time). You get an invitation."
        )
        assert "rep: meeting_new" in await notices(world, lead)
        purposes = await world.pool.fetch("select distinct purpose from touch where lead_id = $1 order by 1", lead)
        assert [row["purpose"] for row in purposes] == ["acknowledgement", "assistant"]

        # by mail; then the model's library fails twice, and it is silent from then on, whatever the lead writes
        again = [
            Moment("ack-1", writes(world, "How much is the basic plan?", "email", MAIL)),
            Moment("answer-1", writes(world, "And the plus plan?", "email", MAIL)),
        ]
        mailer = {name: value for name, value in ADA.items() if name != "phone"} | {"email": MAIL}
        lead = await world.submit(tuesday_at(EVENING, 15), moments=again, **(mailer | {"tz": "America/Los_Angeles"}))
        await ended(world, lead)
        (words,) = await said(world, lead, "email")
        assert "a computer, not a person" in words
        assert PRICE["text"] in words
        # it has answered nothing and reached nobody: that is left to a person
        assert [row["answered_by"] for row in await world.pool.fetch(
            "select answered_by from reply where lead_id = $1", lead)] == [None, None]  # fmt: skip
        assert await world.pool.fetchval("select accepted_at from lead where id = $1", lead) is None
        handed = "select reason from story where lead_id = $1 and kind = 'assistant_handed_over'"
        assert [row["reason"] for row in await world.pool.fetch(handed, lead)] == ["assistant_failed"]
        assert "manager: assistant_handed_over" in await notices(world, lead)


async def test_a_call_through_the_whole_house_is_one_notice(opened: Open) -> None:
    async with opened(PRICE, PRICE, voice=True) as world:
        heard: list[str] = []

        async def calls(_: str) -> None:
            says = "How much is the basic plan?\nHow much is it again?\nA person, please!"
            stranger = {"address": PHONE, "by": "call", "keys": "1", "says": says}
            call = await world.call("POST", f"{world.sandbox_url}/api/strangers", stranger)
            heard.extend(await played(world.sandbox_url, call["id"]))

        lead = await world.submit(tuesday_at(EVENING, 15), moments=[Moment("ack-1", calls)], **TEXTER)
        await ended(world, lead)
        assert heard[2].startswith("assistant: This is the automatic assistant")
        assert [line for line in heard if PRICE["text"] in line] == [f"assistant: {PRICE['text']}"] * 2
        assert "handing this to a person" in heard[8]
        told = await notices(world, lead)
        assert told.count("manager: assistant_call") == 1
        # what nobody has answered since is reminded of; nothing was told of each sentence
        assert "manager: assistant_handed_over" not in told
        first = "select at from notice where lead_id = $1 and kind = 'reply_received' order by at limit 1"
        call = "select ended_at from inbound_call where lead_id = $1"
        reminded, over = await world.pool.fetchval(first, lead), await world.pool.fetchval(call, lead)
        assert reminded - over > timedelta(minutes=10)
