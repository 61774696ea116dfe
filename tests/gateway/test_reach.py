"""Which number and which address are used, what was agreed to for them, and that every place says the same."""

from datetime import timedelta
from typing import Any

from speedlead.store import views, webhooks
from speedlead.store.reach import consents_of
from tests.gateway.house import OTHER_PHONE, PHONE, House
from tests.gateway.test_two_way import ADA, reach

ASKED = {"consent_call": True, "consent_text": "Call me about this."}


async def twice(house: House, first: dict[str, Any], second: dict[str, Any]) -> str:
    lead_id = await house.lead(phone=PHONE, **first)
    house.clock.now += timedelta(minutes=1)
    assert await house.lead(phone=OTHER_PHONE, message="me too", **second) == lead_id
    return lead_id


async def test_consent_to_calls_stays_with_the_number_that_it_was_given_for(house: House) -> None:
    lead_id = await twice(house, {}, ASKED)
    found = await reach(house, lead_id)
    consents = consents_of(found)  # type: ignore[arg-type]
    assert (found["phone"], consents.call, consents.call_requested) == (PHONE, False, False)
    await house.pool.execute("update person_phone set verified = true where number = $1", OTHER_PHONE)
    found = await reach(house, lead_id)
    consents = consents_of(found)  # type: ignore[arg-type]
    assert (found["phone"], consents.call, consents.call_requested) == (OTHER_PHONE, True, True)


async def test_a_further_form_without_a_tick_takes_no_consent_back(house: House) -> None:
    consents = consents_of(await reach(house, await twice(house, ASKED, {})))  # type: ignore[arg-type]
    assert (consents.call, consents.call_requested) == (True, True)


async def test_the_card_shows_what_is_used(house: House) -> None:
    lead_id = await twice(house, {}, {})
    await house.pool.execute("update inquiry set email = null")
    person = await house.pool.fetchval("select person_id from lead")
    await house.pool.execute(
        "insert into person_email (address, person_id, verified, created_at) values ('good@example.com', $1, true, $2)",
        person, house.clock.now,
    )  # fmt: skip

    async def both() -> list[tuple[str, str]]:
        found = await reach(house, lead_id)
        async with house.pool.acquire() as conn:
            view = await views.lead_view(conn, lead_id)
        assert view is not None
        return [(found["phone"], found["email"]), (view.card.phone or "", view.card.email or "")]

    assert await both() == [(PHONE, "good@example.com")] * 2
    await house.pool.execute("update person_phone set bad_reason = 'disconnected' where number = $1", PHONE)
    await house.pool.execute("update person_email set bad_reason = 'bounced' where address = 'good@example.com'")
    assert await both() == [(OTHER_PHONE, ADA)] * 2
    # nothing can be used: the card still says what there was
    await house.pool.execute("update person_phone set bad_reason = 'disconnected'")
    assert (await both())[1][0] == PHONE


async def test_the_form_asks_for_recorded_messages_and_keeps_what_it_showed(house: House) -> None:
    async with house.http.get("/form") as answer:
        page = await answer.text()
    assert 'name="consent_recorded"' in page
    assert "checked" not in page
    async with house.http.get("/form?consent_recorded=true") as answer:
        assert "checked" not in await answer.text()
    await house.post_form(name="Ada", email=ADA, phone=PHONE, consent_recorded="true", consent_text="What was shown")
    row = await house.pool.fetchrow("select consent_recorded, consent_call, consent_text from inquiry")
    assert tuple(row) == (True, False, "What was shown")
    async with house.pool.acquire() as conn:
        view = await views.lead_view(conn, str(await house.pool.fetchval("select id from lead")))
    assert view is not None
    assert view.written[0].consents == ("recorded",)


async def test_a_form_that_is_wrong_keeps_the_tick(house: House) -> None:
    _, page, _ = await house.post_form(name="Ada", phone="123", consent_recorded="true")
    assert page.count("checked") == 1


async def test_erasure_reaches_calls_to_us_and_what_strangers_wrote(house: House) -> None:
    await house.twilio("/webhooks/twilio/voice/inbound", CallSid=f"CA{'1' * 32}", From=PHONE, CallStatus="ringing")
    await house.twilio("/webhooks/twilio/voice/inbound", CallSid=f"CA{'2' * 32}", From=OTHER_PHONE,
                       CallStatus="ringing")  # fmt: skip
    await house.twilio("/webhooks/twilio/sms/inbound", MessageSid="SM1", From=PHONE, Body="HELP")
    await house.mail(to="hello@acme.example", text="Undeliverable", sender="mailer-daemon@eve.example")
    assert await house.pool.fetchval("select sender from reply where lead_id is null") == "mailer-daemon@eve.example"
    await house.pool.execute("update inbound_call set state = 'ringing' where number = $1", PHONE)
    about = [PHONE, "mailer-daemon@eve.example"]
    async with house.pool.acquire() as conn:
        _, left = await webhooks.forget(conn, about)
        assert left == 1  # a call that rings is still needed
        await conn.execute("update inbound_call set state = 'missed'")
        assert await webhooks.forget(conn, about) == (1, 0)
    assert await house.pool.fetch("select number from inbound_call") == [(OTHER_PHONE,)]
    assert (await house.count("help_told"), await house.count("reply")) == (0, 0)
