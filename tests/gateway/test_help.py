"""HELP by SMS: a word for a machine. It is answered as carriers want it, once a day, and stops nothing."""

import re
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from speedlead.composing.segments import count
from speedlead.help_words import asks_for_help, help_text
from tests.gateway.house import OTHER_PHONE, PHONE, House, open_house
from tests.gateway.test_strangers_of_the_sandbox import come, sandbox
from tests.gateway.test_two_way import text


def said(answer: str) -> str | None:
    found = re.search("<Message>(.*)</Message>", answer)
    return found[1] if found else None


async def test_help_is_answered_once_a_day_for_each_number_and_is_no_reply(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    answer = said(await text(house, "HELP"))
    assert answer is not None
    assert answer.startswith("Acme: for help, write to hello@")
    assert "STOP" in answer
    assert said(await text(house, " info! ", "SM2")) is None
    assert said(await text(house, "Help", "SM3", sender=OTHER_PHONE)) is not None  # a stranger, and no lead
    house.clock.now += timedelta(days=1)
    assert said(await text(house, "help", "SM4")) is not None
    assert await house.count("help_told") == 1  # of earlier days nothing is kept
    assert [message["kind"] for message in await house.messages(lead_id)] == ["start"]
    assert await house.pool.fetchval("select plan_stopped from lead where id = $1", lead_id) is None
    assert (await house.count("reply"), await house.count("lead")) == (1, 1)  # the stranger's, for a person to look at
    assert await house.pool.fetchval("select array_agg(kind) from notice") == ["reply_from_unknown"]
    assert await house.pool.fetchval("select count(*) from story where kind = 'help_asked'") == 2


async def test_info_is_answered_in_the_leads_language(house: House) -> None:
    await house.lead(phone=PHONE, browser_lang="de-AT")
    assert "Mit STOP erhalten Sie keine SMS mehr" in str(said(await text(house, "INFO")))


async def test_the_same_webhook_again_changes_nothing(house: House) -> None:
    await house.lead(phone=PHONE)
    assert said(await text(house, "HELP")) is not None
    house.clock.now += timedelta(days=1)
    assert said(await text(house, "HELP")) is None
    assert await house.pool.fetchval("select count(*) from story where kind = 'help_asked'") == 1


async def test_what_the_provider_has_answered_is_neither_answered_nor_a_reply(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    assert said(await text(house, "aide moi", OptOutType="HELP")) is None
    assert [message["kind"] for message in await house.messages(lead_id)] == ["start"]


async def test_a_question_with_the_word_in_it_is_a_reply(house: House) -> None:
    lead_id = await house.lead(phone=PHONE)
    assert said(await text(house, "Can you help me?")) is None
    assert [message["kind"] for message in await house.messages(lead_id)] == ["start", "reply"]


async def test_a_house_with_a_number_names_it(database_url: str, tmp_path: Path) -> None:
    async with open_house(database_url, tmp_path, company_phone="+14155550100") as house:
        assert "call +14155550100" in str(said(await text(house, "HELP")))


@pytest.mark.parametrize("keyword", ["HELP", "Info", "Hilfe", "ayuda", "Aide?", "aiuto", "AJUDA", "the provider's own"])
def test_every_answer_names_the_sender_a_way_and_stop(keyword: str) -> None:
    assert asks_for_help(keyword) == (" " not in keyword)
    for phone in (None, "+14155550100"):
        answer = help_text(keyword, "Acme", phone, "hello@acme.example")
        assert answer.startswith("Acme: ")
        assert (phone or "hello@acme.example") in answer
        assert "STOP" in answer
        assert count(answer).encoding == "GSM-7"
        assert count(answer).segments == 1


async def test_the_sandbox_shows_what_we_answered(house: House, tmp_path: Path) -> None:
    await house.lead(phone=PHONE)
    async with sandbox(house, tmp_path) as url, aiohttp.ClientSession() as http:
        for words in ("HELP", "please stop texting me"):
            assert (await come(url, address=PHONE, text=words))[0] == 202
        async with http.get(f"{url}/api/messages", params={"to": PHONE}) as answer:
            rows = [row for row in await answer.json() if row["direction"] != "inbound"]
        async with http.get(f"{url}/") as page:
            assert "You will get no more texts" in await page.text()
    assert [(row["direction"], row["status"], row["body"][:12]) for row in rows] == [
        ("outbound-reply", "delivered", "Acme: You wi"), ("outbound-reply", "delivered", "Acme: for he"),
    ]  # fmt: skip
    assert {row["touch_id"] for row in rows} == {None}  # no touch of ours, so nobody counts it as sent twice
