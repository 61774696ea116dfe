"""A call in which the assistant speaks: the telephone's end of the socket, and a worker that takes the turns."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect

from speedlead.assistant.desk import AssistantDesk, Prices
from speedlead.assistant.desk import House as Talks
from speedlead.domain.assistant import Limits
from speedlead.returns import Returns
from tests.assistant.talking import EXAMPLE, FACTS, SCRIPT, model
from tests.gateway.house import OFFERS, PHONE, RETURNS, House, open_house

SID = "CA" + "1" * 32
VOICE = "/webhooks/twilio/voice"
RELAY = f"{VOICE}/relay"

NIGHT = datetime(2026, 11, 24, 3, tzinfo=UTC)  # 22:00 in New York
PRICE = {"act": "reply", "facts": ["price_basic"], "text": "The basic plan costs $49 a month and includes 5 users."}
HOUSE = Talks("Acme", FACTS, SCRIPT, Limits(), Prices(Decimal(1), Decimal(2)))
SAM = """insert into rep (id, name, email, phone, zone, weekly, capacity)
values (gen_random_uuid(), 'Sam', 'sam@acme.example', '+14155552701', 'America/New_York', $1::text::jsonb, 20)"""
WEEK = '{"0": [[540, 1020]], "1": [[540, 1020]], "2": [[540, 1020]], "3": [[540, 1020]], "4": [[540, 1020]]}'
WORDS = "A computer with an artificial voice may speak with me"
ADA = {"email": "ada@example.com", "phone": PHONE, "tz": "America/New_York"}
AGREES = ADA | {"consent_ai_voice": True, "consent_ai_voice_text": WORDS}


async def rings(house: House, sender: str = PHONE, sid: str = SID) -> str:
    status, said = await house.twilio(f"{VOICE}/inbound", CallSid=sid, From=sender, CallStatus="ringing")
    assert status == 200, said
    return said


async def presses(house: House, document: str, digits: str = "1", sid: str = SID) -> str:
    return await goes_on(house, document, "Gather", sid, Digits=digits)


async def goes_on(house: House, document: str, verb: str, sid: str = SID, **form: str) -> str:
    """What follows the action of a verb."""
    found = ElementTree.fromstring(document).find(verb)  # noqa: S314
    assert found is not None, document
    action = found.attrib["action"]
    form = {"CallSid": sid, "CallStatus": "in-progress", **form}
    status, said = await house.twilio(action[action.index("/webhooks") :], **form)
    assert status == 200, said
    return said


def parameters(document: str) -> dict[str, str]:
    found = ElementTree.fromstring(document).iter("Parameter")  # noqa: S314
    return {one.attrib["name"]: one.attrib["value"] for one in found}


def signed(house: House, url: str, secret: str | None = None) -> dict[str, str]:
    token = secret or house.credentials.sandbox_twilio_auth_token.get_secret_value()
    return {"X-Twilio-Signature": str(RequestValidator(token).compute_signature(url, {}))}


class Telephone:
    def __init__(self, house: House, socket: ClientConnection) -> None:
        self._house = house
        self.socket = socket

    async def sends(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def says(self, text: str, *, last: bool = True) -> None:
        self._house.clock.now += timedelta(seconds=1)
        await self.sends(type="prompt", voicePrompt=text, lang="en-US", last=last)

    async def hears(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 15))
        return said

    async def hears_words(self) -> str:
        said = await self.hears()
        assert said["type"] == "text", said
        return str(said["token"])

    async def hears_the_end(self) -> str:
        said = await self.hears()
        assert said["type"] == "end", said
        return str(json.loads(said["handoffData"])["reason"])

    async def is_refused(self) -> int | None:
        """The code that the socket is closed with."""
        await asyncio.wait_for(self.socket.wait_closed(), 10)
        return self.socket.close_code


@asynccontextmanager
async def opened(
    house: House, document: str, *, headers: dict[str, str] | None = None, path: str = RELAY, **setup: Any
) -> AsyncIterator[Telephone]:
    """The socket that the document names, with its setup sent."""
    given = re.search(r'<ConversationRelay[^>]* url="([^"]+)"', document)
    assert given is not None, document
    url = given[1] if path == RELAY else "ws" + house.base.removeprefix("http") + path
    async with connect(url, additional_headers=signed(house, url) if headers is None else headers) as socket:
        telephone = Telephone(house, socket)
        await telephone.sends(
            **{"type": "setup", "sessionId": "VX1", "callSid": SID, "customParameters": parameters(document)} | setup
        )
        yield telephone


class Worker:
    """Takes turns as the lead's workflow has them taken: whenever a message of a lead is delivered."""

    def __init__(self, house: House, desk: AssistantDesk | None) -> None:
        self._house = house
        self._desk = desk
        self._taken: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        house.behind.deliver_now = self._deliver  # type: ignore[method-assign]

    async def _deliver(self, lead_id: str) -> None:
        self._house.behind.delivered.append(lead_id)
        for message in await self._house.messages(lead_id, "reply"):
            reply = message.get("reply_id")
            if reply is not None and reply not in self._taken:
                self._taken.add(reply)
                self._tasks.append(asyncio.create_task(self._turn(lead_id, reply)))

    async def _turn(self, lead_id: str, reply_id: str) -> None:
        self._house.clock.now += timedelta(seconds=1)  # what is said after it is said later
        if self._desk is not None:
            await self._desk.take(lead_id, reply_id, self._house.clock.now, self._house.clock.now)

    async def done(self) -> None:
        await asyncio.gather(*self._tasks)


class Held:
    """A model that says what a plan costs, when it is let."""

    name = "held"

    def __init__(self) -> None:
        self.released = asyncio.Event()

    async def propose(self, *given: Any) -> Any:
        await self.released.wait()
        return await model(PRICE).propose(*given)


@asynccontextmanager
async def voice_house(database_url: str, folder: Path) -> AsyncIterator[House]:
    """A house at night, in which nobody is at work and the assistant may speak."""
    changes: dict[str, Any] = {
        "assistant_voice": True, "assistant_model": "openai:scripted", "assistant_facts_file": EXAMPLE,
        "company_name": "Acme",
    }  # fmt: skip
    async with open_house(database_url, folder, **changes) as opened_house:
        returns: Returns = RETURNS
        object.__setattr__(opened_house.deps, "returns", Returns(
            returns._placer, returns._places, returns._source, returns._calendars, assistant=True))  # fmt: skip
        opened_house.clock.now = NIGHT
        opened_house.staff = await opened_house.sign_in()
        await opened_house.pool.execute(SAM, WEEK)
        yield opened_house


def works(house: House, *said: Any, **changes: Any) -> Worker:
    asked = said[0] if said and hasattr(said[0], "propose") else model(*said or (PRICE,))
    return Worker(house, AssistantDesk(house.pool, replace(HOUSE, **changes), asked, house.clock, OFFERS))


async def consents(house: House) -> list[tuple[Any, ...]]:
    found = await house.pool.fetch("select number, source, wording, ended_by from ai_voice_consent order by at, id")
    return [tuple(row) for row in found]


async def story(house: House, *kinds: str) -> list[tuple[str, str | None]]:
    found = await house.pool.fetch(
        "select kind, reason from story where kind = any($1::text[]) order by id", list(kinds)
    )
    return [(row["kind"], row["reason"]) for row in found]
