"""Who refuses one channel and asks something has done both; and what comes from messengers."""

import pytest

from tests.gateway.house import OTHER_PHONE, PHONE, House
from tests.gateway.test_strangers import mail
from tests.gateway.test_two_way import reply_to, text

ASKS = "Please don't call me. Could you email me the price list for 40 seats?"


async def suppressed(house: House) -> list[str]:
    return [row["channel"] for row in await house.pool.fetch("select channel from suppression order by 1")]


async def test_a_question_beside_a_refusal_is_a_reply(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    await house.mail(to=reply_to(house, lead_id), text=ASKS)
    assert await suppressed(house) == ["call"]
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start", "opt_out", "reply"]
    assert await house.pool.fetchval("select plan_stopped from lead") == "replied"
    assert await house.pool.fetchval("select due_at from reply") is not None


async def test_a_closed_lead_that_refuses_calls_and_asks_is_open_again(house: House) -> None:
    old = await house.lead(phone=PHONE)
    await house.close_lead(old)
    said = "Please don't call me any more, but we now do want the 40 seats. Can you email me a contract?"
    await house.mail(to=reply_to(house, old), text=said)
    assert await suppressed(house) == ["call"]
    new = await house.pool.fetchrow("select id, source from lead where closed_at is null")
    assert (new["id"] != old, new["source"]) == (True, "reply")


async def test_who_refuses_all_is_not_answered(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    await house.mail(to=reply_to(house, lead_id), text="Never contact me again. Who gave you my address?")
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start", "opt_out"]


async def test_a_doubtful_mail_with_a_question_stops_no_plan_and_is_looked_at(house: House) -> None:
    lead_id = await house.lead(phone=PHONE, email="eve@customer.example")
    await mail(house, "Stop emailing me. What did the others pay?", SPF="fail", dkim="none")
    assert await suppressed(house) == ["email"]
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start", "opt_out"]
    assert await house.pool.fetchval("select array_agg(kind) from notice") == ["reply_from_unknown"]


@pytest.mark.parametrize(
    ("said", "scope", "kinds"),
    [(ASKS, "call", []), ("Take me off your list! Who sold you my address?", "all", ["opt_out_from_unknown"])],
)
async def test_a_stranger_who_refuses_and_asks_is_a_lead(house: House, said: str, scope: str, kinds: list[str]) -> None:
    await mail(house, said)
    assert await house.count("lead") == 1
    assert await suppressed(house) == [scope]
    lead_id = str(await house.pool.fetchval("select id from lead"))
    assert [m["kind"] for m in await house.messages(lead_id)] == ["start", "opt_out"]
    assert [row["kind"] for row in await house.pool.fetch("select kind from notice")] == kinds


async def test_a_messenger_is_heard_and_its_number_is_known(house: House) -> None:
    sender = f"whatsapp:{OTHER_PHONE}"
    await text(house, "hello", "SM1", sender=sender)
    await text(house, "are you there?", "SM2", sender=sender)
    inquiry = await house.pool.fetchrow("select lead_id, channel, phone, source from inquiry")
    assert tuple(inquiry)[1:] == ("messenger", OTHER_PHONE, "inbound_whatsapp")
    assert await house.pool.fetchval("select array_agg(kind) from notice") == ["wrote_by_messenger"] * 2
    assert "<Message" in await text(house, "STOP", "SM3", sender=sender)  # nobody else confirms it there
    assert await suppressed(house) == ["sms"]
    assert (await house.count("inquiry"), await house.count("reply")) == (1, 3)
    assert [m["kind"] for m in await house.messages(str(inquiry["lead_id"]))] == ["start", "reply", "opt_out"]
