"""The socket of a call in which the assistant speaks: hears what the lead says, waits for words, says them.

It decides nothing and asks no model: what is said is a reply, whose turn the lead's workflow takes (docs/adr/0024). The
last words are not said here but by the document that follows: nobody knows whether an end waits for them.
"""

import asyncio
import json
from contextlib import suppress
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from speedlead.gateway.assistant_voice import LANGUAGE, Voice, socket_url
from speedlead.gateway.context import Context, log
from speedlead.gateway.limits import TokenBuckets
from speedlead.gateway.webhook_keys import Key
from speedlead.gateway.webhooks import count
from speedlead.intake_text import many_lines
from speedlead.providers.signatures import verify_twilio
from speedlead.store import voice_calls as store
from speedlead.store.transactions import StoreUnavailable, transact
from speedlead.store.voice_calls import CallOver, Talk, Words

# of one message; somebody who talks for a minute says a tenth of it
MAX_MESSAGE = 16_384
MOST_OPEN = 50
MOST_PROMPTS = 20
PER_MINUTE = 300
SETUP_S = 5.0
IDLE_S = 60.0
LONGEST_S = 600.0
# beyond what the model may take: the signal to the workflow, two transactions, and the look every so often
_SLACK_S = 4.0
_LOOK_EVERY_S = 0.15
_REFUSED, _TOO_MUCH = 1008, 1009


class _Message(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Given(_Message):
    """The parameters of the document."""

    call: UUID
    key: str = Field(pattern=r"^[\w-]{43}$")


class Setup(_Message):
    type: Literal["setup"]
    callSid: str = Field(pattern="^CA[0-9a-f]{32}$")  # noqa: N815  as it comes
    customParameters: Given  # noqa: N815


class Prompt(_Message):
    type: Literal["prompt"]
    voicePrompt: str = ""  # noqa: N815
    last: bool = True


class Dtmf(_Message):
    type: Literal["dtmf"]
    digit: str = Field(max_length=1)


class Interrupt(_Message):
    type: Literal["interrupt"]


class Fault(_Message):
    type: Literal["error"]
    description: str = ""


Message = Setup | Prompt | Dtmf | Interrupt | Fault
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="type")])
_KNOWN = frozenset({"setup", "prompt", "dtmf", "interrupt", "error"})


class Broken(Exception):
    """The other end says what we do not understand, too much, or that it failed; the message says which."""


class Relay:
    """The door of all such calls. `keys`: whose signatures are believed, two of them while one is changed."""

    def __init__(self, context: Context, voice: Voice, keys: tuple[Key, ...]) -> None:
        self._context = context
        self._voice = voice
        self._keys = keys
        self._open = 0

    async def serve(self, socket: WebSocket) -> None:
        if not self._signed(socket):
            count(self._context, "twilio", "forged")
            await socket.close()  # before it is accepted: 403
            return
        if self._open >= MOST_OPEN:
            count(self._context, "twilio", "failed")
            await socket.close()
            return
        self._open += 1
        try:
            await socket.accept()
            await self._talk(socket)
        finally:
            self._open -= 1

    def _signed(self, socket: WebSocket) -> bool:
        url, signature = socket_url(self._context.deps.settings.public_url), socket.headers.get("x-twilio-signature")
        return not socket.scope.get("query_string") and any(
            verify_twilio(key.secret, url, b"", signature, key.algorithm) for key in self._keys
        )

    async def _talk(self, socket: WebSocket) -> None:
        talk = await self._begin(socket)
        if talk is None:
            count(self._context, "twilio", "forged")
            with suppress(WebSocketDisconnect, RuntimeError):
                await socket.close(_REFUSED)
            return
        count(self._context, "twilio", "accepted")
        conversation = Conversation(self._context, self._voice, socket, talk)
        try:
            async with asyncio.timeout(LONGEST_S):
                await conversation.hold()
        except WebSocketDisconnect:
            return  # hung up: what follows says so
        except (Broken, CallOver, StoreUnavailable, TimeoutError) as error:
            log.warning("call of the assistant broke", call_id=talk.call_id, error=type(error).__name__)
            await conversation.leave("call_lost")
        except Exception as error:
            self._context.counters.add("bugs")
            log.error("call of the assistant failed", call_id=talk.call_id, error=type(error).__name__)
            await conversation.leave("call_lost")

    async def _begin(self, socket: WebSocket) -> Talk | None:
        """The call whose key came first of all; None for anything else."""
        deps = self._context.deps
        try:
            async with asyncio.timeout(SETUP_S):
                first = await _receive(socket)
            if not isinstance(first, Setup):
                return None
            given, sid = first.customParameters, first.callSid
            call_id, key = str(given.call), given.key
            return await transact(deps.pool, lambda conn: store.open_socket(conn, deps.clock, call_id, sid, key))
        except (TimeoutError, Broken, WebSocketDisconnect, StoreUnavailable):
            return None


class Conversation:
    """One call, from its setup on. What the lead says while words are looked for waits for its turn."""

    def __init__(self, context: Context, voice: Voice, socket: WebSocket, talk: Talk) -> None:
        self._context = context
        self._voice = voice
        self._socket = socket
        self._talk = talk
        self._said: asyncio.Queue[str] = asyncio.Queue(MOST_PROMPTS)
        self._bucket = TokenBuckets(PER_MINUTE)
        self._waits_for: str | None = None

    async def hold(self) -> None:
        """Until the last words, or until nobody speaks. Raises WebSocketDisconnect, Broken, CallOver."""
        reader = asyncio.create_task(self._read())
        try:
            for number in range(1, MOST_PROMPTS + 1):
                text = await self._next(reader)
                if text is None:
                    break
                if not await self._turn(number, text, reader):
                    return
            await self._end("nobody_speaks")
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await reader

    async def leave(self, reason: str) -> None:
        """The lead goes on without it, and people of ours are told."""
        with suppress(StoreUnavailable):
            await self._give_up(reason)
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._end(reason)

    async def _next(self, reader: "asyncio.Task[None]") -> str | None:
        """None: for a minute nobody has said anything."""
        getter = asyncio.create_task(self._said.get())
        try:
            await asyncio.wait({getter, reader}, timeout=IDLE_S, return_when=asyncio.FIRST_COMPLETED)
            if getter.done():
                return getter.result()
            if reader.done():
                reader.result()
            return None
        finally:
            getter.cancel()

    async def _turn(self, number: int, text: str, reader: "asyncio.Task[None]") -> bool:
        """Says what came of it. False: nothing more is said here."""
        deps, talk = self._context.deps, self._talk
        heard = await transact(deps.pool, lambda conn: store.heard(conn, deps.clock, deps.returns, talk, number, text))
        self._waits_for = heard.reply_id
        await self._context.deliver_now(*heard.told)
        if heard.reply_id is None:
            await self._end("opted_out")
            return False
        words = await self._words(heard.reply_id, reader)
        if words is None:
            await self.leave("answer_too_late")
            return False
        self._waits_for = None
        if words.reason == "asked_to_stop":
            await transact(deps.pool, lambda conn: store.silenced(conn, deps.clock, talk))
        if words.last or words.answer_id is None or words.text is None:
            await self._end(words.reason or words.act)
            return False
        await self._socket.send_json({"type": "text", "token": words.text, "last": True, "lang": LANGUAGE})
        answer_id = words.answer_id
        await transact(deps.pool, lambda conn: store.was_said(conn, deps.clock, answer_id))
        return True

    async def _words(self, reply_id: str, reader: "asyncio.Task[None]") -> Words | None:
        """None: none came while somebody can wait on a telephone."""
        pool = self._context.deps.pool
        with suppress(TimeoutError):
            async with asyncio.timeout(self._voice.turn_s + _SLACK_S):
                while True:
                    words = await transact(pool, lambda conn: store.words_of(conn, reply_id))
                    if words is not None:
                        return words
                    if reader.done():
                        reader.result()
                    await asyncio.sleep(_LOOK_EVERY_S)
        return None

    async def _give_up(self, reason: str) -> None:
        reply_id, self._waits_for = self._waits_for, None
        if reply_id is not None:
            deps, talk = self._context.deps, self._talk
            await transact(deps.pool, lambda conn: store.give_up(conn, deps.clock, talk, reply_id, reason))

    async def _end(self, reason: str) -> None:
        await self._socket.send_json({"type": "end", "handoffData": json.dumps({"reason": reason})})

    async def _read(self) -> None:
        """Raises WebSocketDisconnect, or Broken."""
        parts = ""
        while True:
            message = await _receive(self._socket)
            if self._bucket.take("") > 0:
                raise Broken("too many messages")
            match message:
                case Fault():
                    raise Broken("error")
                case Dtmf(digit=digit):
                    self._hear(digit)
                case Prompt(voicePrompt=text, last=False):
                    parts = _joined(parts, text)
                case Prompt(voicePrompt=text):
                    self._hear(_joined(parts, text))
                    parts = ""
                case _:
                    pass

    def _hear(self, text: str) -> None:
        cleaned = many_lines(text).strip()
        if not cleaned:
            return
        try:
            self._said.put_nowait(cleaned)
        except asyncio.QueueFull:
            raise Broken("too many prompts") from None


async def _receive(socket: WebSocket) -> Message | None:
    """None for a kind of message that we do not know. Raises WebSocketDisconnect, Broken."""
    received: dict[str, Any] = dict(await socket.receive())
    if received["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(received.get("code", 1000))
    text = received.get("text")
    if not isinstance(text, str) or len(text) > MAX_MESSAGE:
        raise Broken("not a message")
    try:
        fields = json.loads(text)
        if isinstance(fields, dict) and fields.get("type") not in _KNOWN:
            return None
        return _MESSAGE.validate_python(fields)
    except (ValueError, RecursionError, ValidationError):
        raise Broken("not a message") from None


def _joined(before: str, text: str) -> str:
    """Parts of a sentence come one after the other, or each with all that was said before."""
    if len(before) + len(text) > MAX_MESSAGE:
        raise Broken("too much")
    return text if text.startswith(before) else before + text
