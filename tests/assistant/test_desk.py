"""One turn for a lead, with its rows: what is said, booked, handed over, and who ends it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest_asyncio
from pydantic_ai.exceptions import ModelHTTPError
from temporalio.testing import ActivityEnvironment

from activities.assisting import Assisting
from activities.clock import ActivityClock
from activities.planning import Planning
from speedlead.assistant.desk import AssistantDesk, House, Prices, slots_of
from speedlead.assistant.turn import Proposed, Usage
from speedlead.contracts import TurnRequest, TurnResult
from speedlead.domain.assistant import Limits, Proposal
from speedlead.planbook import load_plan
from speedlead.store.assistant import Ended
from speedlead.store.leads import LeadStore
from speedlead.store.touches import TouchStore
from tests.assistant.talking import FACTS, SCRIPT, model
from tests.desks import CALENDARS, PLACER, PLACES
from tests.gateway.house import MONDAY, OFFERS, OTHER_PHONE, open_house
from tests.gateway.house import House as Gateway

PRICE = {"act": "reply", "facts": ["price_basic"], "text": "The basic plan costs $49 a month and includes 5 users."}
ADA = {"email": "ada@example.com", "phone": OTHER_PHONE, "consent_sms": True, "tz": "America/New_York"}
HOUSE = House("Acme", FACTS, SCRIPT, Limits(), Prices(Decimal(1), Decimal(2)))
SAM = """insert into rep (id, name, email, zone, weekly, capacity)
values (gen_random_uuid(), 'Sam', 'sam@acme.example', 'America/New_York', $1::text::jsonb, 20)"""
WEEK = '{"0": [[540, 1020]], "1": [[540, 1020]], "2": [[540, 1020]], "3": [[540, 1020]], "4": [[540, 1020]]}'


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with open_house(database_url, tmp_path) as opened:
        yield opened


async def texts(house: Gateway, body: str) -> str:
    """A text of the lead; the id of its row."""
    count = await house.count("reply")
    house.clock.now += timedelta(minutes=1)
    await house.twilio("/webhooks/twilio/sms/inbound", MessageSid=f"SM{count}", From=OTHER_PHONE, Body=body)
    found = await house.pool.fetchval("select id::text from reply order by received_at desc limit 1")
    assert await house.count("reply") == count + 1
    return str(found)


async def turn(house: Gateway, said: Any, lead: str, reply: str, **changes: Any) -> Ended:
    asked = said if hasattr(said, "propose") else model(*said if isinstance(said, tuple) else (said,))
    desk = AssistantDesk(house.pool, replace(HOUSE, **changes), asked, house.clock, OFFERS)
    return await desk.take(lead, reply, house.clock.now, house.clock.now)


async def rows(house: Gateway, sql: str, *of: Any) -> list[Any]:
    return [tuple(row) for row in await house.pool.fetch(sql, *of)]


async def test_every_word_its_cost_and_what_was_learned_stand_in_the_story_once(house: Gateway) -> None:
    lead = await house.lead(**ADA)
    reply = await texts(house, "How much? I have a problem that costs me money")
    learned = PRICE | {"learned": [{"question": "need", "answer": "problem"}, {"question": "need", "answer": "x"}]}
    assert await turn(house, learned, lead, reply) == Ended("reply", None, 1, "sms")
    assert await turn(house, RuntimeError("asked twice"), lead, reply) == Ended("reply", None, 1, "sms")
    (line,) = await house.pool.fetch("select step, data from story where kind = 'assistant_said'")
    spent = await house.pool.fetchrow("select tokens_in, tokens_out, cost, model, number from assistant_turn")
    assert spent["cost"] == Decimal(spent["tokens_in"] + 2 * spent["tokens_out"]) / 1_000_000
    assert (line["step"], line["data"]["tokens"]) == ("answer-1", spent["tokens_in"] + spent["tokens_out"])
    assert await rows(house, "select question_id, answer_id, rep_id from script_answer") == [("need", "problem", None)]
    status, conversation = await house.call("GET", f"/api/leads/{lead}/timeline")
    assert status == 200
    (told,) = [entry for entry in conversation["timeline"] if entry["kind"] == "assistant_said"]
    assert PRICE["text"] in told["body"]
    assert "scripted" in told["reason_text"]
    # the question stays the owner's, and nobody has taken the lead
    assert await rows(house, "select answered_at from reply") == [(None,)]
    assert await rows(house, "select accepted_at, first_attempt_at from lead") == [(None, None)]


async def test_it_books_only_a_time_that_was_offered_and_then_keeps_quiet(house: Gateway) -> None:
    await house.pool.execute(SAM, WEEK)
    lead = await house.lead(**ADA)
    first = await texts(house, "Can I see it?")
    assert (await turn(house, {"act": "offer_slots"}, lead, first)).act == "offer_slots"
    offered = await house.pool.fetchval("select offered from assistant_turn")
    assert len(offered) == 3
    shown = await house.pool.fetchval("select body from answer")
    assert all(f"{n}) " in shown for n in (1, 2, 3))
    second = await texts(house, "2")
    assert (await turn(house, RuntimeError("no model for a number"), lead, second)).act == "book"
    assert await rows(house, "select starts_at, source from booking") == [(offered[1], "page")]
    assert await rows(house, "select outcome, reason from outcome") == [("meeting_booked", "booked_by_lead")]
    third = await texts(house, "And how much is it?")
    assert await turn(house, PRICE, lead, third) == Ended("kept_out", "with_person")
    assert await house.count("answer") == 2


async def test_it_keeps_out_while_somebody_is_at_work_and_when_no_text_is_lawful(house: Gateway) -> None:
    await house.pool.execute(SAM, WEEK)
    lead = await house.lead(**ADA)
    plan, leads = load_plan(), LeadStore(house.pool, CALENDARS)
    touches = TouchStore(house.pool, PLACER, PLACES)
    assisting = Assisting(
        leads=leads, planning=Planning(leads=leads, touches=touches, placer=PLACER, places=PLACES, plan=plan),
        clock=ActivityClock(house.clock, virtual=False), plan=plan,
        desk=AssistantDesk(house.pool, HOUSE, model(PRICE), house.clock, OFFERS),
    )  # fmt: skip

    async def answered_at(hour: int) -> TurnResult:
        """On that Monday, by the clock of New York."""
        house.clock.now = MONDAY + timedelta(hours=hour - 10)
        request = TurnRequest(lead_id=lead, reply_id=await texts(house, "How much is it?"))
        done: TurnResult = await ActivityEnvironment().run(assisting.assistant_turn, request)
        return done

    assert (await answered_at(11)).reason == "person_at_work"
    assert (await answered_at(16)).reason == "person_at_work"
    assert await answered_at(19) == TurnResult(act="reply", answer=1, channel="sms")
    assert (await answered_at(23)).reason == "quiet_hours"
    kept_out = "select reason from story where kind = 'assistant_kept_out'"
    assert await rows(house, kept_out) == [("quiet_hours",)]
    assert await house.count("assistant_turn") == 1


async def test_a_time_that_went_meanwhile_is_handed_over(house: Gateway) -> None:
    await house.pool.execute(SAM, WEEK)
    lead = await house.lead(**ADA)
    await turn(house, {"act": "offer_slots"}, lead, await texts(house, "Can I see it?"))
    offered = await house.pool.fetchval("select offered from assistant_turn")

    class Slow:
        name = "slow"

        async def propose(self, *_: Any) -> Proposed:
            await house.pool.execute(
                """insert into rep_busy (rep_id, starts_at, ends_at, source)
                   select id, $1, $2, 'time_off' from rep""", offered[0], offered[0] + timedelta(hours=1),
            )  # fmt: skip
            return Proposed(Proposal(act="book", slot=1), Usage("slow"))

    ended = await turn(house, Slow(), lead, await texts(house, "The first one please"))
    assert (ended.act, ended.reason) == ("hand_over", "slot_taken")
    assert await house.count("booking") == 0


async def test_a_person_who_writes_while_the_model_thinks_has_the_last_word(house: Gateway) -> None:
    lead = await house.lead(**ADA)
    reply = await texts(house, "How much?")

    class Slow:
        name = "slow"

        async def propose(self, *_: Any) -> Proposed:
            body = {"channel": "email", "body": "I am here: $49."}
            assert (await house.call("POST", f"/api/leads/{lead}/messages", body))[0] == 202
            return Proposed(Proposal.model_validate(PRICE), Usage("slow", 100, 20, 1))

    assert await turn(house, Slow(), lead, reply) == Ended("dropped", "with_person")
    assert await rows(house, "select act, tokens_in from assistant_turn") == [("dropped", 100)]
    assert await rows(house, "select body from answer") == [("I am here: $49.",)]
    later = await texts(house, "Thanks. And the plus plan?")
    assert await turn(house, PRICE, lead, later) == Ended("kept_out", "with_person")


async def test_a_model_that_is_down_leaves_the_lead_to_a_person_and_says_why(house: Gateway) -> None:
    lead = await house.lead(**ADA)
    down = ModelHTTPError(503, "scripted")
    ended = await turn(house, down, lead, await texts(house, "How much?"))
    # it has never spoken here: the lead hears nothing of it
    assert ended == Ended("hand_over", "model_down", None, "sms")
    assert await rows(house, "select kind, reason from notice where kind like 'assistant%'") == [
        ("assistant_handed_over", "model_down")
    ]
    (line,) = await house.pool.fetch("select reason, data from story where kind = 'assistant_handed_over'")
    assert line["reason"] == "model_down"
    # from now on it is silent for this lead
    assert await turn(house, PRICE, lead, await texts(house, "Hello?")) == Ended("kept_out", "handed_over")


async def test_a_hanging_model_and_a_used_budget_end_in_time(house: Gateway) -> None:
    class Hangs:
        name = "hangs"

        async def propose(self, *_: Any) -> Proposed:
            await asyncio.Event().wait()
            raise AssertionError

    lead = await house.lead(**ADA)
    reply = await texts(house, "How much?")
    assert (await turn(house, Hangs(), lead, reply, limits=Limits(seconds=0.05))).reason == "model_slow"
    other = await house.lead(**(ADA | {"email": "bob@example.com", "phone": "+12125550199"}))
    await house.pool.execute("update assistant_turn set tokens_in = 5000, cost = 1")
    await house.twilio("/webhooks/twilio/sms/inbound", MessageSid="SMb", From="+12125550199", Body="How much?")
    theirs = str(await house.pool.fetchval("select id from reply where lead_id = $1", other))
    ended = await turn(house, RuntimeError("no money"), other, theirs, limits=Limits(day_cost=1))
    assert ended.reason == "day_budget_used"
    assert await rows(house, "select tokens_in from assistant_turn where lead_id = $1", other) == [(0,)]


async def test_another_visitor_with_the_same_address_reads_nothing_of_the_first(house: Gateway) -> None:
    """Anybody may type an address into a form: the assistant sees the conversation of that page alone."""
    lead = await house.lead(**ADA, message="My secret plan is to buy Acme")
    await turn(house, PRICE, lead, await texts(house, "My other secret: $1 million"))
    await house.post_form(email="ada@example.com", message="Hi there", idempotency_key="k2")
    inquiry = await house.pool.fetchval("select id from inquiry order by submitted_at desc, number desc limit 1")
    await house.pool.execute(
        """insert into reply (id, lead_id, person_id, channel, body, provider_id, received_at, inquiry_id)
           select gen_random_uuid(), l.id, l.person_id, 'chat', 'What did I write before?', 'c1', $2, $3
           from lead l where l.id = $1""", lead, house.clock.now + timedelta(minutes=5), inquiry,
    )  # fmt: skip
    reply = str(await house.pool.fetchval("select id from reply where channel = 'chat'"))
    seen: list[str] = []

    class Looks:
        name = "looks"

        async def propose(self, instructions: str, conversation: str, _: Any) -> Proposed:
            seen.append(instructions + conversation)
            return Proposed(Proposal.model_validate(PRICE), Usage("looks"))

    ended = await turn(house, Looks(), lead, reply)
    assert (ended.act, ended.channel) == ("reply", "chat")
    assert "What did I write before?" in seen[0]
    assert "secret" not in seen[0]
    told = await house.pool.fetchval("select body from answer where channel = 'chat'")
    assert "a computer, not a person" in told  # this visitor has not been told yet


def test_offered_times_keep_their_numbers_and_new_ones_lie_apart() -> None:
    free = [MONDAY + timedelta(minutes=30 * n) for n in range(20)]
    new = slots_of(free, (), "America/New_York", "en")
    assert [slot.at for slot in new] == [free[0], free[4], free[8]]
    assert not any(slot.offered for slot in new)
    again = slots_of([at for at in free if at != free[0]], [slot.at for slot in new], "America/New_York", "en")
    assert [(slot.number, slot.at, slot.offered) for slot in again] == [(2, free[4], True), (3, free[8], True)]
