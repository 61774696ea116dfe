"""A call in which the assistant speaks: the telephone's end of the socket, and a worker that takes the turns."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection, connect

from speedlead.assistant.desk import AssistantDesk
from tests.gateway.house import PHONE, House

SID = "CA" + "1" * 32
VOICE = "/webhooks/twilio/voice"
RELAY = f"{VOICE}/relay"


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
