"""Local receivers of what leaves the house; each checks the shape that the real one demands, and answers as told."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import http_ece
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from speedlead.ports import Accepted, Mail
from speedlead.providers.webpush import b64, unb64


class Browser:
    """A browser that has subscribed: it reads what was encrypted for it."""

    def __init__(self) -> None:
        self.key, self.auth = ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef"

    @property
    def p256dh(self) -> str:
        return b64(self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    def read(self, body: bytes) -> dict[str, Any]:
        text = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return dict(json.loads(text))


class Receivers:
    """Slack, Teams and a push service. `status` and `delay` by name, for every request until they are changed."""

    def __init__(self) -> None:
        self.status: dict[str, int] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.delay: dict[str, float] = {}
        self.slack: list[dict[str, Any]] = []
        self.teams: list[dict[str, Any]] = []
        self.push: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.browser = Browser()
        self.public_key = ""
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = await request.read()
        await asyncio.sleep(self.delay.get(name, 0))
        status = self.status.get(name, 200)
        if status != 200:
            return web.Response(status=status, headers=self.headers.get(name))
        try:
            getattr(self, f"_{name}")(request, body)
        except (AssertionError, KeyError, TypeError) as error:
            return web.Response(status=400, text=f"{type(error).__name__}: {error}")
        return web.Response(text="ok", status={"teams": 202, "push": 201}.get(name, 200))

    def _slack(self, request: web.Request, body: bytes) -> None:
        message = json.loads(body)
        assert isinstance(message["text"], str)
        assert 1 <= len(message["blocks"]) <= 50
        for block in message["blocks"]:
            check_slack_block(block)
        self.slack.append(message)

    def _teams(self, request: web.Request, body: bytes) -> None:
        message = json.loads(body)
        assert len(body) < 28_000
        check_teams_message(message)
        self.teams.append(message)

    def _push(self, request: web.Request, body: bytes) -> None:
        head = dict(request.headers)
        assert head["Content-Encoding"] == "aes128gcm"
        assert head["Urgency"] in ("very-low", "low", "normal", "high")
        assert head["TTL"].isdecimal()
        assert len(head["Topic"]) <= 32
        assert len(body) <= 4096
        scheme, _, rest = head["Authorization"].partition(" ")
        assert scheme == "vapid"
        parts = dict(part.strip().split("=", 1) for part in rest.split(","))
        assert parts["k"].rstrip("=") == self.public_key
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(parts["k"]))
        claims = jwt.decode(parts["t"], public, algorithms=["ES256"], audience=self.url)
        assert claims["sub"].startswith(("mailto:", "https:"))
        self.push.append((head, self.browser.read(body)))


def check_slack_block(block: dict[str, Any]) -> None:
    """docs.slack.dev/reference/block-kit"""

    def text(found: dict[str, Any], most: int, kinds: tuple[str, ...] = ("plain_text", "mrkdwn")) -> None:
        assert found["type"] in kinds
        assert 1 <= len(found["text"]) <= most

    if block["type"] == "header":
        text(block["text"], 150, ("plain_text",))
    elif block["type"] == "section":
        assert "text" in block or block["fields"]
        if "text" in block:
            text(block["text"], 3000)
        assert len(block.get("fields", ())) <= 10
        for field in block.get("fields", ()):
            text(field, 2000)
    elif block["type"] == "actions":
        assert 1 <= len(block["elements"]) <= 25
        for element in block["elements"]:
            assert element["type"] == "button"
            text(element["text"], 75, ("plain_text",))
            assert element["url"].startswith(("http://", "https://")), "url"
            assert len(element["url"]) <= 3000
            assert element.get("style", "primary") in ("primary", "danger")
    else:
        raise AssertionError(block["type"])


def check_teams_message(message: dict[str, Any]) -> None:
    """learn.microsoft.com: the envelope of a Workflows webhook, and the schema of Adaptive Cards up to 1.5"""
    assert message["type"] == "message"
    (attachment,) = message["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["contentUrl"] is None
    card = attachment["content"]
    assert card["type"] == "AdaptiveCard"
    assert tuple(map(int, card["version"].split("."))) <= (1, 5)
    for element in card["body"]:
        if element["type"] == "RichTextBlock":
            assert all(run["type"] == "TextRun" and isinstance(run["text"], str) for run in element["inlines"])
        else:
            assert element["type"] == "TextBlock"
            assert isinstance(element["text"], str)
    for action in card["actions"]:
        assert action["type"] == "Action.OpenUrl"
        assert action["url"].startswith(("http://", "https://"))


class Posts:
    """Mailer and texter: keep what they were given, or raise what a test has put there."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.texts: list[tuple[str, str]] = []
        self.fault: dict[str, Exception] = {}
        self.hang = False

    @property
    def mailer(self) -> "_Mails":
        return _Mails(self)

    @property
    def texter(self) -> "_Texts":
        return _Texts(self)


class _Mails:
    def __init__(self, posts: Posts) -> None:
        self._posts = posts

    async def send(self, mail: Mail) -> Accepted:
        if "email" in self._posts.fault:
            raise self._posts.fault["email"]
        self._posts.mails.append(mail)
        return Accepted("m")


class _Texts:
    def __init__(self, posts: Posts) -> None:
        self._posts = posts

    async def send(self, *, touch_id: str, to: str, body: str, validity_s: int) -> Accepted:
        if self._posts.hang:
            await asyncio.sleep(60)
        if "sms" in self._posts.fault:
            raise self._posts.fault["sms"]
        self._posts.texts.append((to, body))
        return Accepted("s")

    async def find(self, *, to: str, body: str, since: Any) -> list[str]:
        raise AssertionError("texts to our people are not looked for")


@asynccontextmanager
async def receivers() -> AsyncIterator[Receivers]:
    made = Receivers()
    app = web.Application()
    app.router.add_post("/{name}", made.take)
    app.router.add_post("/{name}/{key}", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    made.url = f"http://127.0.0.1:{port}"
    try:
        yield made
    finally:
        await runner.cleanup()
