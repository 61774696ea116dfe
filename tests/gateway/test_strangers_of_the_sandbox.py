"""People of the sandbox who come by themselves, through the real gateway: signed, parsed, and played to the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from speedlead.clock import SystemClock
from speedlead.sandbox.server import create_app
from tests.gateway.house import PHONE, House
from tests.gateway.test_inbound_calls import REP_PHONES, rep
from tests.sandbox.world import listening


@asynccontextmanager
async def sandbox(house: House, folder: Path) -> AsyncIterator[str]:
    keys = house.credentials
    app = create_app(
        database=folder / "sandbox.db", public_url=house.base, account_sid=keys.sandbox_twilio_account_sid,
        auth_token=keys.sandbox_twilio_auth_token.get_secret_value(),
        sendgrid_key=keys.sandbox_sendgrid_api_key.get_secret_value(),
        signing_key_pem=keys.sandbox_sendgrid_signing_key.get_secret_value(), callbacks="before",
    )  # fmt: skip
    async with listening(app) as url:
        yield url


async def come(url: str, **body: Any) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as http, http.post(f"{url}/api/strangers", json=body) as answer:
        return answer.status, await answer.json()


async def played(url: str, call_id: str) -> list[str]:
    async with aiohttp.ClientSession() as http:
        for _ in range(200):
            async with http.get(f"{url}/api/messages/{call_id}") as answer:
                found: dict[str, Any] = await answer.json()
            if found["status"] != "in-progress":
                return list(found["extra"]["heard"])
            await asyncio.sleep(0.02)
    raise AssertionError(found)


async def test_a_mail_and_a_text_become_leads(house: House, tmp_path: Path) -> None:
    house.clock.now = SystemClock().wall()  # the sandbox signs mail with its own
    async with sandbox(house, tmp_path) as url:
        eve = {"address": "Eve@customer.example", "name": "Eve Adams", "text": "Looms?", "language": "de"}
        assert (await come(url, **eve))[0] == 202
        assert (await come(url, address="+1 212 555 0123", text="Prices?"))[0] == 202
    rows = await house.pool.fetch(
        "select i.channel, i.message, p.name from inquiry i join person p on p.id = i.person_id order by i.channel"
    )
    assert [tuple(row) for row in rows] == [("email", "Looms?", "Eve Adams"), ("sms", "Prices?", None)]


async def test_a_call_is_taken_by_the_rep(house: House, tmp_path: Path) -> None:
    await rep(house, "Anna")
    async with sandbox(house, tmp_path) as url:
        heard = await played(url, (await come(url, address=PHONE, by="call"))[1]["id"])
    assert heard == [
        f"rings: {REP_PHONES['Anna']}",
        "rep hears: A call from somebody new. Press 1 to take it.",
        "connected",
    ]
    assert await house.pool.fetchval("select call_result from outcome") == "connected"


async def test_a_call_that_nobody_takes_hears_the_promise(house: House, tmp_path: Path) -> None:
    await rep(house, "Anna")
    await rep(house, "Ben")
    async with sandbox(house, tmp_path) as url, aiohttp.ClientSession() as http:
        await http.put(f"{url}/api/people/{REP_PHONES['Anna']}", json={"rep": "ignore"})
        await http.put(f"{url}/api/people/{REP_PHONES['Ben']}", json={"rep": "decline"})
        heard = await played(url, (await come(url, address=PHONE, by="call"))[1]["id"])
    assert sum(line.startswith("rings:") for line in heard) == 2
    assert heard[-1].startswith("say: Thank you for calling Acme.")
    assert "A person calls you by" in heard[-1]
    assert (await house.count("lead"), await house.count("outcome")) == (1, 0)


@pytest.mark.parametrize(
    "body", [{}, {"address": "nobody"}, {"address": "eve@x.example", "by": "call"}, {"address": PHONE, "by": "email"},
             {"address": PHONE, "by": "fax"}, {"address": PHONE, "more": 1}],
)  # fmt: skip
async def test_what_cannot_be_played_is_refused(house: House, tmp_path: Path, body: dict[str, Any]) -> None:
    async with sandbox(house, tmp_path) as url:
        status, answer = await come(url, **body)
    assert (status, answer["status"]) == (400, 400)
