"""Who has agreed to an artificial voice, and what ends it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from speedlead.export import as_json
from speedlead.store import erasure
from speedlead.store.correcting import correct_rows
from speedlead.store.rows import lock_person
from speedlead.store.transactions import transact
from tests.gateway.house import OTHER_PHONE, PHONE
from tests.gateway.house import House as Gateway
from tests.gateway.voice import (
    ADA,
    AGREES,
    PRICE,
    SID,
    VOICE,
    WORDS,
    consents,
    opened,
    presses,
    rings,
    story,
    voice_house,
    works,
)


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with voice_house(database_url, tmp_path) as opened_house:
        yield opened_house


@pytest.mark.parametrize(
    ("fields", "agreed"),
    [
        (ADA, False),
        (ADA | {"consent_text": "You may call me"}, False),
        (ADA | {"consent_call": True, "consent_text": "You may call me"}, False),
        (ADA | {"consent_sms": True}, False),
        (ADA | {"consent_recorded": True, "consent_text": "You may leave a recorded message"}, False),
        (ADA | {"consent_marketing": True}, False),
        (ADA | {"consent_ai_voice": False, "consent_ai_voice_text": WORDS}, False),
        (AGREES, True),
    ],
)  # fmt: skip
async def test_nothing_but_its_own_box_is_a_consent(house: Gateway, fields: dict[str, Any], agreed: bool) -> None:
    await house.lead(**fields)
    document = await rings(house)
    assert ("<ConversationRelay" in document) is agreed
    assert ("<Gather" in document) is not agreed
    assert await consents(house) == ([(PHONE, "form", WORDS, None)] if agreed else [])


async def test_a_box_without_its_words_is_refused_or_counts_for_nothing(house: Gateway) -> None:
    status, body = await house.post_lead(**ADA, consent_ai_voice=True)
    assert (status, body["errors"][0]["field"]) == (422, "consent_ai_voice_text")
    await house.post_form(name="Ada", **ADA, consent_ai_voice="true")
    assert await house.count("inquiry") == 1
    assert await consents(house) == []


async def test_the_form_shows_the_box_with_the_words_that_are_kept(house: Gateway) -> None:
    async with house.http.get("/form?consent_ai_voice=true") as answer:
        page = await answer.text()
    assert 'name="consent_ai_voice"' in page
    assert "checked" not in page
    words = page.partition('name="consent_ai_voice_text" value="')[2].partition('"')[0]
    assert "artificial voice" in words


async def test_the_consent_is_the_number_s_own_and_no_other_person_s(house: Gateway) -> None:
    await house.lead(**AGREES)
    await house.lead(email="bob@example.com", phone=OTHER_PHONE)
    assert "<Gather" in await rings(house, OTHER_PHONE)


async def test_it_is_no_consent_for_another_number_of_the_same_person(house: Gateway) -> None:
    lead = await house.lead(**AGREES)
    assert await house.lead(**ADA | {"phone": OTHER_PHONE}) == lead
    assert "<Gather" in await rings(house, OTHER_PHONE)
    assert "<ConversationRelay" in await rings(house, PHONE, "CA" + "2" * 32)


@pytest.mark.parametrize("first", [AGREES, AGREES | {"email": "bob@example.com"}])
async def test_of_two_with_one_number_nobody_knows_who_calls(house: Gateway, first: dict[str, Any]) -> None:
    await house.lead(**first)
    other = {"email": "bob@example.com"} if first is AGREES else {}
    await house.lead(**ADA | other | {"consent_ai_voice": True, "consent_ai_voice_text": WORDS})
    assert await house.pool.fetchval("select count(*) from person_phone where number = $1", PHONE) == 2
    assert "<ConversationRelay" in await presses(house, await rings(house))
    assert "<ConversationRelay" in await rings(house, sid="CA" + "2" * 32)


async def test_a_key_after_the_question_is_one_with_the_very_words(house: Gateway) -> None:
    await house.lead(**ADA)
    question = await rings(house)
    assert "a machine with an artificial voice" in question
    assert await consents(house) == []
    document = await presses(house, question)
    assert "a computer with an artificial voice, not a person" in document
    ((number, source, wording, ended),) = await consents(house)
    assert (number, source, ended) == (PHONE, "key", None)
    assert wording in question
    assert await story(house, "ai_voice_agreed") == [("ai_voice_agreed", None)]


@pytest.mark.parametrize("digits", ["", "2", "*"])
async def test_no_key_is_no_consent(house: Gateway, digits: str) -> None:
    await house.lead(**ADA)
    document = await presses(house, await rings(house), digits)
    assert "ConversationRelay" not in document
    assert "<Say" in document
    assert await consents(house) == []
    assert await house.pool.fetchval("select state from inbound_call") == "missed"


@pytest.mark.parametrize("scope", ["all", "call", "sms"])
async def test_any_opt_out_ends_it(house: Gateway, scope: str) -> None:
    lead = await house.lead(**AGREES)
    if scope == "sms":
        await house.twilio("/webhooks/twilio/sms/inbound", MessageSid="SM1", From=PHONE, Body="STOP")
        await house.lead(**AGREES, message="typed by whomever")
        await house.twilio("/webhooks/twilio/sms/inbound", MessageSid="SM2", From=PHONE, Body="START")
    else:
        status, _ = await house.call("POST", f"/api/leads/{lead}/opt-out", {"scope": scope})
        if status == 404:
            await house.twilio("/webhooks/twilio/sms/inbound", MessageSid="SM1", From=PHONE,
                               Body="do not call me" if scope == "call" else "leave me alone")  # fmt: skip
    assert [row[3] for row in await consents(house)] == ["opt_out"]
    assert "<ConversationRelay" not in await rings(house)


async def test_a_number_that_somebody_else_stopped_is_not_spoken_to(house: Gateway) -> None:
    """The consent row of before is ended, and a new one does not beat what is still barred."""
    lead = await house.lead(**AGREES)
    await house.pool.execute(
        "insert into suppression (person_id, channel, reason, source, at) select person_id, 'sms', 'opted_out', "
        "'rep', $2 from lead where id = $1", lead, house.clock.now,
    )  # fmt: skip
    document = await rings(house)
    assert "<ConversationRelay" not in document
    assert "<Gather" not in document


async def test_a_number_that_was_corrected_is_somebody_else_s(house: Gateway) -> None:
    lead = await house.lead(**AGREES)
    await transact(house.pool, lambda conn: correct_rows(conn, house.clock, lead, {"phone": OTHER_PHONE}))
    document = await rings(house)
    assert "<ConversationRelay" not in document
    assert "<Gather" not in document


# ── in the house's pages ─────────────────────────────────────────────────────────────────────────────────


async def test_a_person_of_ours_records_that_it_is_taken_back(house: Gateway) -> None:
    lead = await house.lead(**AGREES)
    _, page = await house.call("GET", f"/leads/{lead}")
    assert f"/leads/{lead}/ai-voice-end" in page
    status, _ = await house.call("POST", f"/leads/{lead}/ai-voice-end")
    assert status in (200, 303)
    assert [row[3] for row in await consents(house)] == ["withdrawn"]
    assert await story(house, "ai_voice_ended") == [("ai_voice_ended", "withdrawn")]
    assert "<ConversationRelay" not in await rings(house)
    status, _ = await house.call("POST", "/leads/907c57f4-e74d-4bde-8792-b99a89e333de/ai-voice-end")
    assert status == 404


async def test_it_is_given_out_and_erased_with_the_person(house: Gateway) -> None:
    lead = await house.lead(**AGREES)
    works(house, PRICE)
    async with opened(house, await rings(house)) as telephone:
        await telephone.says("How much is the basic plan?")
        await telephone.hears_words()
    await house.twilio(f"{VOICE}/inbound-over", CallSid=SID, CallStatus="completed")
    person = await house.pool.fetchval("select person_id::text from lead where id = $1", lead)
    whose = await transact(house.pool, lambda conn: erasure.all_of(conn, [person]))
    rows = await transact(house.pool, lambda conn: erasure.read_all(conn, whose))
    data = as_json(rows, "Acme", house.clock.now)
    for words in (WORDS, "How much is the basic plan?", PRICE["text"]):
        assert words in data
    assert "relay_key" not in data

    async def erase(conn: Any) -> None:
        await lock_person(conn, person)
        await erasure.erase(conn, house.clock, [person], b"secret" * 6)

    await transact(house.pool, erase)
    for table in ("ai_voice_consent", "inbound_call", "assistant_turn"):
        assert await house.count(table) == 0, table
    for table in ("reply", "answer"):
        assert await house.pool.fetchval(f"select count(*) from {table} where body like '%basic plan%'") == 0, table
