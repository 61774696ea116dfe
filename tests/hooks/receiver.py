"""A receiver of webhooks that checks each as its owner would, with `standardwebhooks` and `cloudevents`."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from standardwebhooks import Webhook

from speedlead.hooks.events import schema

Event = dict[str, Any]
VALID = Draft202012Validator(schema())


@dataclass
class Receiver:
    """`answer`: event -> status, or None to hang until `release`; `got`: the events in the order in which they came.

    `secret`: every request must be signed by it, within five minutes unless `any_age`.
    """

    url: str = ""
    secret: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answer: Callable[[Event], "int | web.Response | Awaitable[web.Response] | None"] = lambda event: 204
    any_age: bool = False
    came: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    at_once: int = 0
    most_at_once: int = 0

    def types(self, lead_id: str | None = None) -> list[str]:
        return [event["type"] for event in self.got if lead_id in (None, event["subject"])]

    def _check(self, body: bytes, headers: dict[str, str]) -> None:
        if self.any_age:
            at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
            expected = Webhook(self.secret).sign(headers["webhook-id"], at, body.decode())
            assert expected in headers["webhook-signature"].split()
        else:
            Webhook(self.secret).verify(body, headers)

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            body, headers = await request.read(), {name.lower(): value for name, value in request.headers.items()}
            event = json.loads(body)
            if self.secret:
                self._check(body, headers)
            parsed = from_http_event(HTTPMessage(headers, body))
            assert parsed.get_id() == headers["webhook-id"] == event["id"]
            VALID.validate(event)
            self.got.append(event)
            self.headers.append(headers)
            self.came.set()
            said = self.answer(event)
            if isinstance(said, Awaitable):
                said = await said
            if said is None:
                await self.release.wait()
                said = 500
            return said if isinstance(said, web.Response) else web.Response(status=said or 204)
        finally:
            self.at_once -= 1


@asynccontextmanager
async def receiving(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{rest:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, host, 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"{'https' if tls else 'http'}://{host}:{port}/hooks"
    try:
        yield receiver
    finally:
        await runner.cleanup()
