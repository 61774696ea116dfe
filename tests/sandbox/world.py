"""A sandbox, the adapters of production and a recording gateway on free ports, all in this process."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from speedlead.ports import Mail
from speedlead.providers.sendgrid import SendgridMailer
from speedlead.providers.twilio import TwilioAccount, TwilioDialer, TwilioTexter
from speedlead.sandbox.callbacks import Mode
from speedlead.sandbox.server import create_app

ACCOUNT, TOKEN, SENDGRID_KEY = "AC" + "0" * 32, "sandbox-token", "SG.sandbox.key"
OURS, LEAD, REP = "+14155552671", "+12125550123", "+12125550124"
KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


@dataclass
class Hook:
    """One webhook that arrived; `signed` is an independent check of its signature."""

    path: str
    query: dict[str, str]
    body: bytes
    signed: bool
    headers: dict[str, str]

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.body)
        return found


@dataclass
class Gateway:
    """Stands where our gateway stands: records, and answers TwiML by path."""

    hooks: list[Hook] = field(default_factory=list)
    twiml: dict[str, str] = field(default_factory=dict)
    status: int = 200
    url: str = ""
    # a machine was reported: what the gateway does about the call of that id before it answers
    on_machine: Callable[[str], Awaitable[None]] | None = None

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.hooks.append(
            Hook(request.path, dict(request.query), body, self._signed(request, body), dict(request.headers))
        )
        name = request.path.rsplit("/", 1)[-1]
        if name == "amd" and self.on_machine is not None:
            await self.on_machine(self.hooks[-1].form["CallSid"])
        return web.Response(status=self.status, text=self.twiml.get(name, "<Response/>"), content_type="text/xml")

    def _signed(self, request: web.Request, body: bytes) -> bool:
        if request.path.startswith("/webhooks/sendgrid"):
            stamp = request.headers.get("X-Twilio-Email-Event-Webhook-Timestamp", "")
            signature = request.headers.get("X-Twilio-Email-Event-Webhook-Signature", "")
            try:
                signed = base64.b64decode(signature)
                KEY.public_key().verify(signed, stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
            except InvalidSignature:
                return False
            return True
        text = self.url + request.raw_path
        text += "".join(name + value for name, value in sorted(parse_qsl(body.decode(), keep_blank_values=True)))
        wanted = base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()
        return request.headers.get("X-Twilio-Signature") == wanted

    def got(self, ending: str) -> list[Hook]:
        return [hook for hook in self.hooks if hook.path.endswith(ending)]


@dataclass
class World:
    gateway: Gateway
    url: str
    http: aiohttp.ClientSession
    account: TwilioAccount
    texter: TwilioTexter
    dialer: TwilioDialer
    mailer: SendgridMailer

    async def messages(self, **query: str) -> list[dict[str, Any]]:
        async with self.http.get(f"{self.url}/api/messages", params=query) as answer:
            found: list[dict[str, Any]] = await answer.json()
            return found

    async def put(self, path: str, body: dict[str, Any]) -> int:
        async with self.http.put(f"{self.url}{path}", json=body) as answer:
            return answer.status

    async def act(self, message_id: str, action: str, text: str = "") -> int:
        async with self.http.post(f"{self.url}/api/messages/{message_id}/{action}", json={"text": text}) as answer:
            return answer.status

    async def until(self, condition: Callable[[], bool], within_s: float = 8) -> None:
        """Waits for a fact instead of a length of time."""
        end = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end, [(hook.path, hook.body[:200]) for hook in self.gateway.hooks]
            await asyncio.sleep(0.01)


def mail(touch_id: str = "lead.email-1", to: str = "ana@example.com", **more: Any) -> Mail:
    values = {"subject": "Hello", "text": "text", "html": "<p>text</p>", "reply_token": "tok", "category": "cadence"}
    return Mail(touch_id=touch_id, to_address=to, to_name=more.pop("to_name", "Ana"), **{**values, **more})


@asynccontextmanager
async def listening(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """Serves `app` on `port` (0: a free one); yields its address."""
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def gateway() -> AsyncIterator[Gateway]:
    made = Gateway()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.handle)
    async with listening(app) as made.url:
        yield made


@asynccontextmanager
async def adapters(url: str, made: Gateway, timeout_s: float = 5) -> AsyncIterator[World]:
    """The production adapters against the sandbox at `url`."""
    account = TwilioAccount(ACCOUNT, TOKEN, base_url=url, timeout_s=timeout_s)
    mailer = SendgridMailer(
        SENDGRID_KEY, from_address="hello@acme.example", from_name="Acme", reply_domain="in.acme.example",
        base_url=url, timeout_s=timeout_s,
    )  # fmt: skip
    try:
        async with aiohttp.ClientSession() as http:
            texter = TwilioTexter(account, public_url=made.url, from_number=OURS)
            dialer = TwilioDialer(account, public_url=made.url, from_number=OURS)
            yield World(made, url, http, account, texter, dialer, mailer)
    finally:
        await account.close()
        await mailer.close()


@asynccontextmanager
async def world(
    folder: Path, callbacks: Mode = "late", pace: float = 0.05, timeout_s: float = 5
) -> AsyncIterator[World]:
    async with gateway() as made:
        app = create_app(
            database=folder / "sandbox.db", public_url=made.url, account_sid=ACCOUNT, auth_token=TOKEN,
            sendgrid_key=SENDGRID_KEY, signing_key_pem=PEM, callbacks=callbacks, pace=pace,
        )  # fmt: skip
        async with listening(app) as url, adapters(url, made, timeout_s) as whole:
            yield whole
