"""The provider's end of a <ConversationRelay>: opens the socket as it does, and speaks for the caller."""

import asyncio
import json
from collections.abc import Sequence

import aiohttp
from yarl import URL

from speedlead.sandbox.callbacks import Signer
from speedlead.sandbox.store import Row
from speedlead.sandbox.tokens import call_sid
from speedlead.sandbox.twiml import Verb

OPEN_S, ANSWER_S = 10.0, 30.0


async def talk(relay: Verb, row: Row, signer: Signer, says: Sequence[str], heard: list[str]) -> dict[str, str] | None:
    """Says one line after the other, each after an answer; the parameters of the action, None where the caller hung up.

    `heard` gets every word of both. A line that is one key is pressed. Raises ValueError where the socket is no wss or
    ws, or is refused.
    """
    url = relay.attributes.get("url", "")
    if not url.startswith(("wss://", "ws://")):
        raise ValueError("ConversationRelay: expected a url with wss://")
    heard.append(f"assistant: {relay.attributes.get('welcomeGreeting', '')}")
    headers = signer.headers("twilio", url, b"")
    try:
        async with (
            aiohttp.ClientSession() as session,
            asyncio.timeout(OPEN_S + ANSWER_S * (len(says) + 1)),
            session.ws_connect(URL(url, encoded=True), headers=headers) as socket,
        ):
            await socket.send_json(_setup(relay, row))
            for line in says:
                heard.append(f"caller: {line}")
                await socket.send_json(_said(line))
                message = await socket.receive(ANSWER_S)
                if message.type is not aiohttp.WSMsgType.TEXT:
                    heard.append(f"error: the socket was closed ({socket.close_code})")
                    return {"SessionStatus": "failed", "SessionId": _session(row)}
                fields = json.loads(message.data)
                if fields["type"] == "end":
                    handoff = str(fields.get("handoffData", ""))
                    return {"SessionStatus": "ended", "SessionId": _session(row), "HandoffData": handoff}
                heard.append(f"assistant: {fields['token']}")
    except (aiohttp.ClientError, OSError, TimeoutError, KeyError) as error:
        raise ValueError(f"ConversationRelay: {type(error).__name__}") from None
    return None


def _setup(relay: Verb, row: Row) -> dict[str, object]:
    given = {child.attributes["name"]: child.attributes["value"] for child in relay.children}
    return {
        "type": "setup", "sessionId": _session(row), "accountSid": "", "parentCallSid": "", "callSid": row.id,
        "from": row.sender, "to": row.recipient, "forwardedFrom": "", "callType": "PSTN", "callerName": "",
        "direction": "inbound", "callStatus": "IN-PROGRESS", "customParameters": given,
    }  # fmt: skip


def _said(line: str) -> dict[str, object]:
    if len(line) == 1 and line in "0123456789*#":
        return {"type": "dtmf", "digit": line}
    return {"type": "prompt", "voicePrompt": line, "lang": "en-US", "last": True}


def _session(row: Row) -> str:
    return "VX" + (row.id or call_sid())[2:]
