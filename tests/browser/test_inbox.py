"""The sandbox's inbox page: what was sent, and the buttons with which a newcomer plays the lead."""

import asyncio
import base64
import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from axe_playwright_python.sync_playwright import Axe
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Page, expect

from speedlead.embedded.ports import free_ports
from speedlead.sandbox.server import create_app
from tests.browser.test_pages import RULES

pytestmark = pytest.mark.browser
SID, TOKEN, KEY = "AC" + "0" * 32, "token", "key"
NAME = "<script>alert(1)</script>"


class Inbox:
    """The sandbox in a thread; its webhooks go to a port where nobody listens."""

    def __init__(self, folder: Path) -> None:
        self._port, nobody = free_ports(2)
        self.url = f"http://127.0.0.1:{self._port}"
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._made = {
            "database": folder / "sandbox.db", "public_url": f"http://127.0.0.1:{nobody}", "account_sid": SID,
            "auth_token": TOKEN, "sendgrid_key": KEY, "signing_key_pem": pem.decode(),
        }  # fmt: skip
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)

    async def _serve(self) -> None:
        runner = web.AppRunner(create_app(**self._made), access_log=None, shutdown_timeout=1)  # type: ignore[arg-type]
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        await self._stop.wait()
        await runner.cleanup()

    def __enter__(self) -> "Inbox":
        self._thread.start()
        deadline = time.monotonic() + 10
        while True:
            try:
                urllib.request.urlopen(self.url + "/healthz", timeout=1).close()
                return self
            except OSError:
                assert time.monotonic() < deadline, "the sandbox did not start"
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    def send(self, path: str, body: bytes, kind: str, authorization: str) -> None:
        headers = {"Content-Type": kind, "Authorization": authorization}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers), timeout=5) as answer:
            assert answer.status in (201, 202)

    def mail(self) -> None:
        body = {
            "personalizations": [
                {"to": [{"email": "ada@example.com", "name": NAME}], "custom_args": {"touch_id": "l.ack-1"}}
            ],
            "from": {"email": "us@example.com"}, "reply_to": {"email": "reply+t@example.com"},
            "subject": f"We have your demo request, {NAME}",
            "content": [
                {"type": "text/plain", "value": f"Hello {NAME}"}, {"type": "text/html", "value": "<p>Hello</p>"},
            ],
        }  # fmt: skip
        self.send("/v3/mail/send", json.dumps(body).encode(), "application/json", f"Bearer {KEY}")

    def text(self) -> None:
        form = {"To": "+12125550123", "From": "+14155552671", "Body": "I tried to call you"}
        basic = base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        self.send(f"/2010-04-01/Accounts/{SID}/Messages.json", urllib.parse.urlencode(form).encode(),
                  "application/x-www-form-urlencoded", f"Basic {basic}")  # fmt: skip

    def messages(self) -> list[dict[str, Any]]:
        with urllib.request.urlopen(self.url + "/api/messages", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with Inbox(tmp_path) as made:
        made.mail()
        made.text()
        yield made


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_the_inbox(page: Page, inbox: Inbox, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(inbox.url)
    expect(page.get_by_text("ada@example.com").first).to_be_visible()
    expect(page.get_by_text("I tried to call you").first).to_be_visible()
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()


def test_the_lead_is_played_from_the_inbox_and_what_is_typed_survives_the_refresh(page: Page, inbox: Inbox) -> None:
    page.goto(inbox.url)
    expect(page.get_by_text(NAME).first).to_be_visible()  # as text: a script would raise a dialog
    reply = page.get_by_placeholder("Write a reply").last
    reply.fill("Tomorrow at ten, please")
    inbox.text()
    expect(page.get_by_text("I tried to call you")).to_have_count(2, timeout=10_000)
    expect(reply).to_have_value("Tomorrow at ten, please")
    page.get_by_role("button", name="Reply").last.click()
    expect(page.get_by_text("Tomorrow at ten, please").first).to_be_visible(timeout=10_000)
    inbound = [message for message in inbox.messages() if message["direction"] == "inbound"]
    assert [message["body"] for message in inbound] == ["Tomorrow at ten, please"]
