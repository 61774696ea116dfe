"""What a person of ours writes goes to where the lead wrote from, and whoever wrote it hears when it did not arrive."""

from typing import Any

import pytest

from speedlead.domain.recovery import Then
from speedlead.ids import new_id
from speedlead.ports import Ruling, SendErrorKind
from speedlead.records import Claimed
from speedlead.store.deliveries import Report, take_report
from tests.activities.house import House

PRIVATE = "ada.private@home.example"


async def answered(house: House, lead: str, sender: str | None, channel: str = "email", **columns: Any) -> None:
    """The lead wrote from this address, and one of ours answers it."""
    reply = new_id()
    await house.put(
        "reply", id=reply, lead_id=lead, person_id=await house.person(lead), channel=channel, body="How much?",
        sender=sender, received_at=house.clock.now,
    )  # fmt: skip
    row = {"id": new_id(), "lead_id": lead, "number": 1, "channel": channel, "subject": "Re: Hello", "body": "10",
           "reply_id": reply, "written_at": house.clock.now}  # fmt: skip
    await house.put("answer", **(row | columns))


async def address(house: House, lead: str, step: str = "answer-1", purpose: str = "manual", **more: Any) -> str:
    found = await house.touches.claim(house.claim(lead, step, purpose=purpose, **more))
    assert isinstance(found, Claimed), found
    assert (await house.touch(lead, step) or {})["address"] == found.address
    return found.address


async def test_an_answer_goes_to_the_address_that_the_lead_wrote_from(house: House) -> None:
    lead = await house.lead()
    await house.put("person_email", address=PRIVATE, person_id=await house.person(lead), created_at=house.clock.now)
    await answered(house, lead, PRIVATE)
    assert await address(house, lead) == PRIVATE
    # what the plan sends, and what answers nothing, goes to the known one
    assert await address(house, lead, "email-1", "plan") == "ada@example.com"
    assert await address(house, lead, "answer-2") == "ada@example.com"


@pytest.mark.parametrize("whose", ["nobody", "another", "bounced", "unknown"])
async def test_an_address_that_is_not_the_leads_own_gets_nothing(house: House, whose: str) -> None:
    lead, other = await house.lead(), await house.lead(email="bob@example.com", phone=None)
    if whose != "nobody":
        person = await house.person(other if whose == "another" else lead)
        await house.put("person_email", address=PRIVATE, person_id=person, created_at=house.clock.now,
                        bad_reason="bounced" if whose == "bounced" else None)  # fmt: skip
    await answered(house, lead, None if whose == "unknown" else PRIVATE)
    assert await address(house, lead) == "ada@example.com"


async def test_a_text_goes_to_the_number(house: House) -> None:
    lead = await house.lead()
    await answered(house, lead, PRIVATE, "sms", subject=None)
    assert await address(house, lead, channel="sms") == "+12125550123"


@pytest.mark.parametrize(
    ("who", "told"), [("author", "Ben"), ("left", "Anna"), ("nobody", "Anna"), ("ownerless", None)]
)
async def test_who_wrote_hears_at_once_that_it_did_not_arrive(house: House, who: str, told: str | None) -> None:
    owner = await house.rep("Anna")
    author = await house.rep("Ben", active=who != "left")
    lead = await house.lead(owner_id=None if who == "ownerless" else owner)
    await answered(house, lead, "ada@example.com", rep_id=author if who in ("author", "left") else None)
    await address(house, lead)
    await house.touches.sent(f"{lead}.answer-1", provider_id="m1", at=house.clock.now)
    fault = Ruling(SendErrorKind.BAD_ADDRESS, Then.OTHER_CHANNEL, "")
    for key in ("1", "2"):
        report = Report("sendgrid", key, "events", f"{lead}.answer-1", "m1", "bounced", {}, fault)
        async with house.pool.acquire() as conn, conn.transaction():
            await take_report(conn, house.clock, report)
    rows = await house.pool.fetch(
        "select n.kind, n.reason, n.audience, r.name from notice n left join rep r on r.id = n.rep_id"
        " where n.kind = 'answer_not_arrived'"
    )
    assert [tuple(row) for row in rows] == [("answer_not_arrived", "bad_address", "rep" if told else "manager", told)]


@pytest.mark.parametrize("status", ["spam_report", "delivered"])
async def test_what_arrived_is_not_told_as_lost(house: House, status: str) -> None:
    lead = await house.lead()
    await answered(house, lead, "ada@example.com")
    await address(house, lead)
    fault = Ruling(SendErrorKind.OPTED_OUT, Then.PLAN, "") if status == "spam_report" else None
    report = Report("sendgrid", "1", "events", f"{lead}.answer-1", "m1", status, {}, fault)
    async with house.pool.acquire() as conn, conn.transaction():
        await take_report(conn, house.clock, report)
    assert await house.pool.fetchval("select count(*) from notice where kind = 'answer_not_arrived'") == 0


@pytest.mark.parametrize("channel", ["email", "sms"])
@pytest.mark.parametrize("another", [True, False])
async def test_a_second_address_that_bounces_leaves_the_first_one_open(
    house: House, channel: str, another: bool
) -> None:
    """The workflow closes a channel by this signal, for the whole plan."""
    lead = await house.lead()
    to, second = ("ada@example.com", PRIVATE) if channel == "email" else ("+12125550123", "+12125550199")
    if another:
        table, column = ("person_email", "address") if channel == "email" else ("person_phone", "number")
        await house.put(table, person_id=await house.person(lead), created_at=house.clock.now, **{column: second})
    # a text always goes to the number that comes first
    bad = second if another and channel == "email" else to
    await answered(house, lead, bad, channel, subject=None)
    assert await address(house, lead, channel=channel) == bad
    fault = Ruling(SendErrorKind.BAD_ADDRESS, Then.OTHER_CHANNEL, "", "email" if channel == "email" else "number")
    status = "bounced" if channel == "email" else "undelivered"
    report = Report("sendgrid", "1", "events", f"{lead}.answer-1", "m1", status, {}, fault)
    async with house.pool.acquire() as conn, conn.transaction():
        await take_report(conn, house.clock, report)
    said = await house.pool.fetchval("select payload from message where kind = 'delivery'")
    lost = None if another else {"email": "email", "sms": "call"}[channel]
    assert (said["bad_address"], said["channel"], said["then"]) == (lost is not None, lost, "other_channel")
