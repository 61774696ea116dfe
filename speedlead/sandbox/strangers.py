"""People who come to us by themselves: a mail, a text, or a call to our number, as the providers pass them on."""

import asyncio
import re
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode, urljoin

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from speedlead.sandbox import mail_webhooks
from speedlead.sandbox.callbacks import Later, Postman, UndeliveredError
from speedlead.sandbox.people import People, normal
from speedlead.sandbox.relay import talk
from speedlead.sandbox.store import Row, Store
from speedlead.sandbox.tokens import call_sid, sms_sid
from speedlead.sandbox.twiml import Verb, parse

MAX_DOCUMENTS = 10
RING_S, TALK_S = 1.0, 2.0
_ADDRESS = re.compile(r"^[^@\s]+@[^@\s]+$|^\+[1-9]\d{6,14}$")


class Coming(BaseModel):
    """The body of POST /api/strangers. `address`: an e-mail address (a mail), or a number (a text, or a call).

    `language`: of the mail, such as de. Of a call: `keys` are pressed one by one when a key is asked for, and `says`
    has a line for each thing that is said to an assistant; the caller hangs up after the last answer.
    """

    model_config = ConfigDict(extra="forbid")

    address: str = Field(max_length=320)
    by: str = Field("", pattern="^(|email|sms|call)$")
    name: str = Field("", max_length=200)
    subject: str = Field("Hello", max_length=300)
    text: str = Field("I would like to know more. Please get in touch.", max_length=10_000)
    language: str = Field("", max_length=35)
    keys: str = Field("", pattern=r"^[0-9*#]{0,10}$")
    says: str = Field("", max_length=4000)


class Strangers:
    def __init__(
        self, store: Store, later: Later, postman: Postman, people: People, *, public_url: str, account_sid: str,
        number: str, mailbox: str,
    ) -> None:  # fmt: skip
        """`number` and `mailbox` are ours: where strangers call, text and write to."""
        self._store = store
        self._later = later
        self._postman = postman
        self._people = people
        self._hooks = f"{public_url}/webhooks"
        self._account_sid = account_sid
        self._number = number
        self._mailbox = mailbox

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.post("/api/strangers", self.come), web.post("/strangers", self.come_by_form)]

    async def come(self, request: web.Request) -> web.Response:
        """JSON in; 202 with the id of the message or call."""
        try:
            coming = Coming.model_validate_json(await request.read() or b"{}")
        except ValidationError as error:
            return _refused(error)
        return await self._come(coming)

    async def come_by_form(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items() if str(value)}
        try:
            coming = Coming.model_validate(form)
        except ValidationError as error:
            return _refused(error)
        answer = await self._come(coming)
        if answer.status == 202 and "text/html" in request.headers.get("Accept", ""):
            raise web.HTTPSeeOther("/")
        return answer

    async def _come(self, coming: Coming) -> web.Response:
        address = normal(coming.address)
        by = coming.by or ("email" if "@" in address else "sms")
        if not _ADDRESS.match(address) or ("@" in address) != (by == "email"):
            return _problem("address: expected an e-mail address for a mail, +4930… for a text or a call")
        row = await {"email": self.mail, "sms": self.text, "call": self.call}[by](address, coming)
        return web.json_response({"id": row.id}, status=202)

    async def mail(self, address: str, coming: Coming) -> Row:
        row = Row(
            f"in-{sms_sid()[2:18]}", "email", "inbound", address, self._mailbox, subject=coming.subject,
            text=coming.text, status="received",
        )  # fmt: skip
        self._store.add(row)
        body, content_type = mail_webhooks.stranger(row, name=coming.name, language=coming.language)
        await self._postman.hand_over(
            f"{self._hooks}/sendgrid/inbound", body, content_type=content_type, sign="sendgrid"
        )
        return row

    async def text(self, number: str, coming: Coming) -> Row:
        row = Row(sms_sid(), "sms", "inbound", number, self._number, text=coming.text, status="received")
        self._store.add(row)
        params = {
            "MessageSid": row.id, "SmsSid": row.id, "SmsStatus": "received", "AccountSid": self._account_sid,
            "From": number, "To": self._number, "Body": coming.text, "NumMedia": "0", "NumSegments": "1",
            "ApiVersion": "2010-04-01",
        }  # fmt: skip
        await self._postman.hand_over(f"{self._hooks}/twilio/sms/inbound", urlencode(params).encode(), answers=row.id)
        return row

    async def call(self, number: str, coming: Coming) -> Row:
        row = Row(call_sid(), "call", "inbound", number, self._number, status="in-progress")
        self._store.add(row)
        playing = self._later.spawn(self._play(row, coming))
        if self._later.mode == "before":
            await playing
        return row

    # ── a call to our number ─────────────────────────────────────────────────────────────────────────────────────────

    async def _play(self, row: Row, coming: Coming) -> None:
        """Follows our TwiML as Twilio does, until the end; then the number's status callback."""
        heard: list[str] = []
        status, keys = "completed", list(coming.keys)
        try:
            url, more = f"{self._hooks}/twilio/voice/inbound", {"CallStatus": "ringing"}
            for _ in range(MAX_DOCUMENTS):
                document = parse(await self._postman.ask(url, self._params(row) | more))
                heard += [f"say: {verb.text}" for verb in document if verb.name == "Say"]
                asks = next((verb for verb in document if verb.name in ("Dial", "Gather", "Connect")), None)
                if asks is None:
                    break
                told = await self._follow(row, url, asks, heard, keys, coming)
                if told is None:
                    break
                url, more = urljoin(url, asks.attributes["action"]), told
        except (UndeliveredError, ValueError, KeyError) as error:
            heard.append(f"error: {error}")  # what a caller hears is "an application error has occurred"
            status = "failed"
        self._store.note(row.id, heard=heard)
        self._store.update(row.id, status=status)
        params = self._params(row) | {"CallStatus": status, "Timestamp": formatdate()}
        await self._postman.hand_over(f"{self._hooks}/twilio/voice/inbound-over", urlencode(params).encode())

    async def _follow(
        self, row: Row, url: str, verb: Verb, heard: list[str], keys: list[str], coming: Coming
    ) -> dict[str, str] | None:
        """The parameters of the verb's action; None: the caller has hung up."""
        if verb.name == "Dial":
            return await self._dial(row, url, verb, heard)
        if verb.name == "Gather":
            heard += [f"say: {child.text}" for child in verb.children if child.name == "Say"]
            await self._pause(TALK_S)
            pressed = keys.pop(0) if keys else ""
            heard.append(f"presses: {pressed or 'nothing'}")
            return {"Digits": pressed, "CallStatus": "in-progress"}
        relay = next((child for child in verb.children if child.name == "ConversationRelay"), None)
        if relay is None:
            raise ValueError("Connect: expected <ConversationRelay> in it")
        says = [line.strip() for line in coming.says.splitlines() if line.strip()]
        told = await talk(relay, row, self._postman.signer, says, heard)
        return None if told is None else told | {"CallStatus": "in-progress"}

    async def _dial(self, row: Row, url: str, dial: Verb, heard: list[str]) -> dict[str, str]:
        """Rings one of ours, who hears our whisper and may press a key; the parameters of the dial's action."""
        number = next(child for child in dial.children if child.name == "Number")
        behaviour = self._people.behaviour(number.text)
        heard.append(f"rings: {number.text}")
        await self._pause(RING_S)
        if behaviour.rep in ("ignore", "busy", "manual"):
            return {"DialCallStatus": "busy" if behaviour.rep == "busy" else "no-answer", "CallStatus": "in-progress"}
        leg = {**self._params(row), "CallSid": call_sid(), "ParentCallSid": row.id, "To": number.text}
        whisper_url = urljoin(url, number.attributes["url"])
        whisper = parse(await self._postman.ask(whisper_url, leg | {"CallStatus": "in-progress"}))
        bridged = not any(verb.name == "Hangup" for verb in whisper)
        gather = next((verb for verb in whisper if verb.name == "Gather"), None)
        if gather is not None:
            heard += [f"rep hears: {verb.text}" for verb in gather.children]
            digits = "2" if behaviour.rep == "decline" else behaviour.keys[:1]
            answer = await self._postman.ask(
                urljoin(whisper_url, gather.attributes["action"]), leg | {"CallStatus": "in-progress", "Digits": digits}
            )
            bridged = not any(verb.name == "Hangup" for verb in parse(answer))
        if bridged:
            heard.append("connected")
            await self._pause(TALK_S)
        return {"DialCallStatus": "completed", "DialBridged": str(bridged).lower(), "CallStatus": "in-progress"}

    def _params(self, row: Row) -> dict[str, str]:
        return {
            "CallSid": row.id, "AccountSid": self._account_sid, "From": row.sender, "To": row.recipient,
            "Caller": row.sender, "Called": row.recipient, "Direction": "inbound", "ApiVersion": "2010-04-01",
        }  # fmt: skip

    async def _pause(self, seconds: float) -> None:
        if self._later.mode != "before":
            await asyncio.sleep(seconds * self._later.pace)


def _refused(error: ValidationError) -> web.Response:
    first: Any = error.errors()[0]
    return _problem(f"{'.'.join(str(part) for part in first['loc']) or 'body'}: {first['msg']}")


def _problem(detail: str) -> web.Response:
    body = {"title": "Not understood", "status": 400, "detail": detail}
    return web.json_response(body, status=400, content_type="application/problem+json")
