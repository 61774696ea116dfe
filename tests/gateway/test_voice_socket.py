"""The door of a call's socket: signature, key, size and pace."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from speedlead.gateway import voice_relay
from tests.assistant.talking import EXAMPLE
from tests.gateway.house import OTHER_PHONE, open_house
from tests.gateway.house import House as Gateway
from tests.gateway.voice import (
    AGREES,
    NIGHT,
    RELAY,
    SAM,
    SID,
    WEEK,
    opened,
    parameters,
    rings,
    signed,
    voice_house,
    works,
)


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    async with voice_house(database_url, tmp_path) as opened_house:
        yield opened_house


async def test_a_socket_without_the_provider_s_signature_is_refused(house: Gateway) -> None:
    await house.lead(**AGREES)
    document = await rings(house)
    url = "ws" + house.base.removeprefix("http") + RELAY
    wrong = [
        {},
        {"X-Twilio-Signature": "bm8gc2lnbmF0dXJl"},
        signed(house, url, "another-secret"),
        signed(house, url + "/other"),
        signed(house, house.base + RELAY),  # of a request, not of the socket
    ]
    for headers in wrong:
        with pytest.raises(InvalidStatus) as refused:
            async with opened(house, document, headers=headers):
                pass
        assert refused.value.response.status_code == 403
    assert await house.pool.fetchval("select relay_wall from inbound_call") is None
    async with opened(house, document) as telephone:
        works(house)
        await telephone.says("How much is the basic plan?")
        assert "$49" in await telephone.hears_words()


async def test_the_other_auth_token_is_believed_while_one_is_changed(database_url: str, tmp_path: Path) -> None:
    changes: dict[str, Any] = {
        "assistant_voice": True, "assistant_model": "openai:scripted", "assistant_facts_file": EXAMPLE,
        "twilio_auth_token_other": "b" * 32,
    }  # fmt: skip
    async with open_house(database_url, tmp_path, **changes) as other:
        other.clock.now = NIGHT
        await other.pool.execute(SAM, WEEK)
        await other.lead(**AGREES)
        document = await rings(other)
        headers = signed(other, "ws" + other.base.removeprefix("http") + RELAY, "b" * 32)
        async with opened(other, document, headers=headers) as telephone:
            await telephone.sends(type="dtmf", digit="5")
            await telephone.sends(type="error", description="over")
            assert await telephone.hears_the_end() == "call_lost"


@pytest.mark.parametrize("what", ["another key", "no key", "another call", "another sid", "no setup", "garbage", "old",
                                  "a sid with NUL", "a key of half a letter", "a call that is none"])  # fmt: skip
async def test_a_socket_without_the_call_s_key_is_refused(house: Gateway, what: str) -> None:
    await house.lead(**AGREES)
    await house.lead(**(AGREES | {"email": "bob@example.com", "phone": OTHER_PHONE}))
    document = await rings(house)
    given = parameters(document)
    other = parameters(await rings(house, OTHER_PHONE, "CA" + "2" * 32))
    setup: dict[str, dict[str, Any]] = {
        "another key": {"customParameters": given | {"key": other["key"]}},
        "no key": {"customParameters": {"call": given["call"]}},
        "another call": {"customParameters": given | {"call": other["call"]}},
        "another sid": {"callSid": "CA" + "2" * 32},
        "no setup": {"type": "prompt", "voicePrompt": "Hello", "last": True},
        "garbage": {"customParameters": "x"},
        "a sid with NUL": {"callSid": SID[:-1] + "\x00"},
        "a key of half a letter": {"customParameters": given | {"key": "\ud800" * 43}},
        "a call that is none": {"customParameters": given | {"call": "1"}},
        "old": {},
    }
    if what == "old":
        house.clock.now += timedelta(minutes=2)
    async with opened(house, document, **setup[what]) as telephone:
        assert await telephone.is_refused() == 1008
    assert await house.count("reply") == 0


async def test_a_key_opens_one_socket(house: Gateway) -> None:
    await house.lead(**AGREES)
    document = await rings(house)
    works(house)
    async with opened(house, document) as first, opened(house, document) as second:
        assert await second.is_refused() == 1008
        await first.says("How much is the basic plan?")
        assert "$49" in await first.hears_words()
    async with opened(house, document) as again:
        assert await again.is_refused() == 1008


async def test_too_long_too_much_and_nonsense_end_the_talk(house: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_relay, "PER_MINUTE", 30)
    for number, break_it in enumerate(("long", "many", "nonsense"), 1):
        await house.lead(**(AGREES | {"email": f"{number}@example.com", "phone": f"+1212555010{number}"}))
        sid = f"CA{number:032x}"
        document = await rings(house, f"+1212555010{number}", sid)
        async with opened(house, document, callSid=sid) as telephone:
            if break_it == "long":
                await telephone.says("a" * (voice_relay.MAX_MESSAGE + 1))
                assert await telephone.is_refused() == 1009
                continue
            for _ in range(40 if break_it == "many" else 1):
                await telephone.socket.send('{"type": "interrupt"}' if break_it == "many" else '{"type": "prompt", "')
            assert await telephone.hears_the_end() == "call_lost"
    assert await house.count("reply") == 0
