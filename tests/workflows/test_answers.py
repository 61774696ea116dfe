"""A lead writes, a person of ours answers: by hand, once, in the thread, and by a target of its own (REQ 37)."""

from datetime import timedelta
from typing import Any

import pytest

from speedlead.chat_links import chat_url
from speedlead.demo.moments import Happening, Moment
from speedlead.demo.people import answers_mail
from speedlead.demo.world import World
from tests.workflows.leads import ADA, ended, instant_of, notices, touches, tuesday_at

pytestmark = pytest.mark.timeout(90)
NEAR = timedelta(seconds=30)


def writes(world: World, **body: str) -> Happening:
    """A rep answers; the button is pressed twice."""

    async def happens(lead_id: str) -> None:
        headers = {"Authorization": f"Bearer {world.credentials.api_key.get_secret_value()}", "Idempotency-Key": "once"}
        for _ in range(2):
            url = f"{world.url}/api/leads/{lead_id}/messages"
            async with world.http.post(url, json=body, headers=headers) as answer:
                assert answer.status == 202, await answer.text()

    return happens


async def question(world: World, lead_id: str) -> Any:
    return await world.pool.fetchrow(
        "select received_at, due_at, answered_at, answered_by from reply where lead_id = $1", lead_id
    )


async def sent_by_hand(world: World, lead_id: str, channel: str) -> list[dict[str, Any]]:
    found = await world.messages(channel=channel)
    return [
        m for m in found if (m.get("touch_id") or "").startswith(f"{lead_id}.answer-") and m["direction"] != "inbound"
    ]


async def test_an_answer_goes_out_once_in_the_thread_and_settles_the_question(world: World) -> None:
    asks = Moment("call-1", answers_mail(world, ADA["email"], "How much is it?"))
    answers = Moment("reply_received", writes(world, channel="email", body="10 a month.\n\nBest, Anna <b>"))
    lead = await world.submit(tuesday_at(15), moments=[asks, answers], **ADA)
    assert (await ended(world, lead))["reason"] == "no_outcome"
    assert await touches(world, lead) == ["ack-1 sent", "call-1 sent no_answer", "answer-1 sent"]
    (mail,) = await sent_by_hand(world, lead, "email")
    asked = await world.pool.fetchval("select provider_id from reply where lead_id = $1", lead)
    headers = mail["extra"]["headers"]
    assert (headers["In-Reply-To"], headers["References"].split()[1]) == (asked, asked)
    assert headers["Message-ID"].startswith("<answer-1.")
    assert mail["subject"].startswith("Re: ")
    assert mail["body"].startswith("10 a month.")
    row = await question(world, lead)
    assert row["due_at"] - row["received_at"] == timedelta(hours=1)
    assert row["received_at"] <= row["answered_at"] < row["due_at"]
    assert row["answered_by"] == f"{lead}.answer-1"
    # answered in time: nobody is told that it is overdue, the owner is asked what came of it
    told = await notices(world, lead)
    assert "rep: reply_received" in told
    assert not [line for line in told if line.endswith("reply_overdue")]
    assert "rep: answer_sent" in told


async def test_a_question_that_nobody_answers_in_time_goes_to_a_manager(world: World) -> None:
    asks = Moment("call-1", answers_mail(world, ADA["email"], "How much is it?"))
    lead = await world.submit(tuesday_at(15), moments=[asks], **ADA)
    await ended(world, lead)
    row = await question(world, lead)
    overdue = await world.pool.fetch(
        "select audience, at, due_at from notice where lead_id = $1 and kind = 'reply_overdue' order by at, audience",
        lead,
    )
    assert [r["audience"] for r in overdue] == ["manager", "rep", "manager", "manager"]
    assert abs(overdue[0]["at"] - row["due_at"]) < NEAR
    assert {r["due_at"] for r in overdue} == {row["due_at"]}
    assert row["answered_at"] is None


async def test_what_the_gate_refuses_is_told_to_whoever_wrote_it(world: World) -> None:
    asks = Moment("call-1", answers_mail(world, ADA["email"], "How much is it?"))

    async def opts_out_and_is_answered(lead_id: str) -> None:
        person = await world.pool.fetchval("select person_id from lead where id = $1", lead_id)
        await world.pool.execute(
            """insert into suppression (person_id, channel, reason, source, at)
               values ($1, 'email', 'opted_out', 'test', now())""",
            person,
        )
        await writes(world, channel="email", body="10 a month.")(lead_id)

    lead = await world.submit(tuesday_at(15), moments=[asks, Moment("reply_received", opts_out_and_is_answered)], **ADA)
    await ended(world, lead)
    assert "answer-1 skipped opted_out" in await touches(world, lead)
    assert await sent_by_hand(world, lead, "email") == []
    assert "rep: answer_not_sent" in await notices(world, lead)
    assert (await question(world, lead))["answered_at"] is None


async def test_a_text_waits_for_the_lawful_hour(world: World) -> None:
    """22:30 in New York: the lead writes late, the answer by text goes in the morning."""
    begins = tuesday_at(15)
    late = begins + timedelta(hours=12, minutes=30)
    lead = await world.submit(
        late, moments=[Moment("ack-1", writes(world, channel="sms", body="Call you at ten."))], **ADA
    )
    await ended(world, lead)
    assert "answer-1 sent" in await touches(world, lead)
    assert timedelta(hours=9) < await instant_of(world, lead, "answer-1") < timedelta(hours=12)
    assert len(await sent_by_hand(world, lead, "sms")) == 1


async def test_a_reply_after_the_end_begins_a_new_lead_that_a_person_answers(world: World) -> None:
    async def not_a_fit(lead_id: str) -> None:
        await world.call("POST", f"{world.url}/api/leads/{lead_id}/outcomes", {"outcome": "unqualified"})

    old = await world.submit(tuesday_at(15), moments=[Moment("call-1", not_a_fit)], **ADA)
    await ended(world, old)
    await answers_mail(world, ADA["email"], "Actually, may I ask once more?")(old)
    new = await world.pool.fetchval("select id from lead where closed_at is null")
    assert new not in (None, old)
    assert (await ended(world, new))["reason"] == "no_outcome"
    # no receipt and no plan: a person is told, and again
    assert await touches(world, new) == ["ack-1 skipped person_answers"]
    told = await notices(world, new)
    assert "rep: reply_received" in told
    assert "manager: reply_overdue" in told
    owners = await world.pool.fetch("select distinct owner_id from lead")
    assert len(owners) == 1


async def test_a_refusal_of_calls_beside_a_question_is_kept_and_the_question_is_answered(world: World) -> None:
    words = "Please don't call me. Could you email me the price list for 40 seats?"
    asks = Moment("call-1", answers_mail(world, ADA["email"], words))
    answers = Moment("reply_received", writes(world, channel="email", body="40 seats are 400 a month."))
    lead = await world.submit(tuesday_at(15), moments=[asks, answers], **ADA)
    await ended(world, lead)
    assert await touches(world, lead) == ["ack-1 sent", "call-1 sent no_answer", "answer-1 sent"]
    assert await world.pool.fetchval("select array_agg(distinct channel) from suppression") == ["call"]
    assert await world.pool.fetchval("select plan_stopped from lead where id = $1", lead) == "replied"
    row = await question(world, lead)
    assert row["received_at"] <= row["answered_at"] < row["due_at"]
    assert "rep: reply_received" in await notices(world, lead)


async def test_an_answer_in_the_visitors_page_settles_the_question_and_sends_nothing(world: World) -> None:
    async def asks_in_the_page(lead_id: str) -> None:
        inquiry = await world.pool.fetchval("select id from inquiry where lead_id = $1", lead_id)
        url, headers = chat_url(world.url, world.credentials.secret_bytes, inquiry), {"Idempotency-Key": "one"}
        async with world.http.post(url, data={"text": "How much is it?"}, headers=headers) as answer:
            assert answer.status == 202, await answer.text()
        async with world.http.get(url) as answer:  # they look
            assert answer.status == 200

    asks = Moment("call-1", asks_in_the_page)
    answers = Moment("reply_received", writes(world, channel="chat", body="10 a month."))
    lead = await world.submit(tuesday_at(15), moments=[asks, answers], **ADA)
    assert (await ended(world, lead))["reason"] == "no_outcome"
    assert await touches(world, lead) == ["ack-1 sent", "call-1 sent no_answer"]
    row = await question(world, lead)
    assert row["due_at"] - row["received_at"] == timedelta(minutes=15)
    assert row["received_at"] <= row["answered_at"] < row["due_at"]
    told = await notices(world, lead)
    assert "rep: answer_sent" in told
    assert not [line for line in told if line.endswith("reply_overdue")]
