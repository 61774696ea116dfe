"""One turn for a lead, with its rows: what is said, booked, handed over, and who ends it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic_ai.exceptions import ModelHTTPError
from temporalio.testing import ActivityEnvironment

from activities.assisting import Assisting
from activities.clock import ActivityClock
from activities.planning import Planning
from speedlead import ids
from speedlead.assistant.desk import AssistantDesk, House, Prices, slots_of
from speedlead.assistant.turn import Proposed, Usage
from speedlead.contracts import TurnRequest, TurnResult
from speedlead.domain.assistant import Limits, Proposal
from speedlead.planbook import load_plan
from speedlead.records import Claim, Deferred, Skipped
from speedlead.store.assistant import Ended
from speedlead.store.chat import mail_the_untaken
from speedlead.store.leads import LeadStore
from speedlead.store.touches import TouchStore
from speedlead.store.transactions import transact
from speedlead.times import clock
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


async def test_words_that_wait_for_the_gate_are_not_sent_once_a_person_is_there(house: Gateway) -> None:
    lead = await house.lead(**ADA)
    assert (await turn(house, PRICE, lead, await texts(house, "How much?"))).answer == 1
    gate = TouchStore(house.pool, PLACER, PLACES)

    async def asked(hour: int) -> object:
        at = MONDAY + timedelta(hours=hour)
        claim = Claim(
            lead_id=lead, touch_id=ids.touch_id(lead, "answer-1"), step="answer-1", channel="sms",
            purpose="assistant", planned_at=at, now=at, wall=at, lease_s=60, offset_us=0, hours=None, body="$49",
        )  # fmt: skip
        return await gate.claim(claim)

    assert isinstance(await asked(13), Deferred)
    await house.call("POST", f"/api/leads/{lead}/messages", {"channel": "email", "body": "I am here: $49."})
    assert await asked(2) == Skipped("with_person")


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
    assert 500 < await house.pool.fetchval("select tokens_in from assistant_turn") < 3000
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
    await house.pool.execute("insert into chat (inquiry_id, seen_wall) values ($1, $2)", inquiry, house.clock.wall())
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
    # the page is left: the words go by mail, and the question stays a person's
    house.clock.now += timedelta(minutes=2)
    assert await transact(house.pool, lambda conn: mail_the_untaken(conn, house.clock)) == [lead]
    left = "select payload ->> 'assistant', payload ->> 'channel' from message where kind = 'answer'"
    assert await rows(house, left) == [("true", "email")]
    assert await rows(house, "select answered_at from reply where channel = 'chat'") == [(None,)]


async def test_a_mail_is_answered_in_its_thread_and_a_page_that_was_left_by_mail(house: Gateway) -> None:
    lead = await house.lead(**ADA)
    await house.pool.execute(
        """insert into reply (id, lead_id, person_id, channel, subject, body, sender, provider_id, received_at)
           select gen_random_uuid(), id, person_id, 'email', 'Prices', 'How much?

> 99 for you', $2, 'm1', $3
           from lead where id = $1""", lead, ADA["email"], house.clock.now,
    )  # fmt: skip
    reply = str(await house.pool.fetchval("select id from reply"))
    assert await turn(house, PRICE, lead, reply) == Ended("reply", None, 1, "email")
    assert await rows(house, "select channel, subject from answer") == [("email", "Re: Prices")]
    page = await house.pool.fetchval("select id from inquiry")
    await house.pool.execute(
        """insert into reply (id, lead_id, person_id, channel, body, provider_id, received_at, inquiry_id)
           select gen_random_uuid(), id, person_id, 'chat', 'How much?', 'c1', $2, $3 from lead where id = $1""",
        lead, house.clock.now + timedelta(minutes=1), page,
    )  # fmt: skip
    reply = str(await house.pool.fetchval("select id from reply where channel = 'chat'"))
    assert await turn(house, PRICE, lead, reply) == Ended("reply", None, 2, "email")


async def test_who_it_is_is_said_until_a_message_has_gone(house: Gateway) -> None:
    lead = await house.lead(**ADA)
    for number in (1, 2):  # the gate let the first one not go
        await turn(house, PRICE, lead, await texts(house, "How much?"))
        assert "a computer, not a person" in await house.pool.fetchval(
            "select body from answer where number = $1", number
        )


async def test_two_tries_of_one_turn_say_one_thing(house: Gateway) -> None:
    lead = await house.lead(**ADA)
    reply = await texts(house, "How much?")
    both = asyncio.Barrier(2)

    class Meets:
        name = "meets"

        async def propose(self, *_: Any) -> Proposed:
            await both.wait()
            return Proposed(Proposal.model_validate(PRICE), Usage("meets", 10, 1))

    first, second = await asyncio.gather(*(turn(house, Meets(), lead, reply) for _ in range(2)))
    assert first == second == Ended("reply", None, 1, "sms")
    assert await house.count("answer") == 1


async def test_a_turn_that_was_lost_is_a_hand_over_and_counts_as_the_most_it_may_take(house: Gateway) -> None:
    lead = await house.lead(**ADA)

    class Dies:
        name = "dies"

        async def propose(self, *_: Any) -> Proposed:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await turn(house, Dies(), lead, await texts(house, "How much?"))
    assert await rows(house, "select act, tokens_in from assistant_turn") == [("thinking", Limits().turn_tokens)]
    later = await texts(house, "Hello?")
    assert await turn(house, PRICE, lead, later) == Ended("kept_out", "handed_over")
    # its second try finds that the lead has written on: then the turn was dropped, and did not fail
    first = str(await house.pool.fetchval("select reply_id from assistant_turn"))
    assert await turn(house, PRICE, lead, first) == Ended("kept_out", "superseded")
    assert await turn(house, PRICE, lead, later) == Ended("reply", None, 1, "sms")


def test_offered_times_keep_their_numbers_and_new_ones_lie_apart() -> None:
    free = [MONDAY + timedelta(minutes=30 * n) for n in range(20)]
    new = slots_of(free, (), "America/New_York", clock)
    assert [slot.at for slot in new] == [free[0], free[4], free[8]]
    assert not any(slot.offered for slot in new)
    again = slots_of([at for at in free if at != free[0]], [slot.at for slot in new], "America/New_York", clock)
    assert [(slot.number, slot.at, slot.offered) for slot in again] == [(2, free[4], True), (3, free[8], True)]
