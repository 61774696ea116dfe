"""With real accounts nothing of a flow check leaves the house, and its webhook is believed about checks alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from speedlead.credentials import load_or_create
from speedlead.domain import flow_check
from speedlead.embedded.ports import free_ports
from speedlead.gateway.webhook_keys import FLOW_CHECK, flow_check_keys, sendgrid_keys
from speedlead.intake import Rules, read_inquiry
from speedlead.ports import Accepted, Mail
from speedlead.providers.assemble import open_senders
from speedlead.providers.flow_check import PREFIX, CheckedMailer
from speedlead.providers.signatures import verify_sendgrid
from speedlead.settings import Settings
from tests.servers import local_settings

REAL = {
    "twilio_account_sid": "AC" + "0" * 32,
    "twilio_auth_token": SecretStr("x" * 32),
    "twilio_from": "+14155550100",
    "sendgrid_api_key": SecretStr(f"SG.{'a' * 22}.{'b' * 43}"),
    "sendgrid_from": "hello@acme.example",
    "public_url": "https://leads.acme.example",
}


def mail(address: str) -> Mail:
    return Mail("lead.ack-1", address, None, "Hello", "text", "<p>text</p>", "token", "acknowledgement")


class Real:
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def send(self, mail: Mail) -> Accepted:
        self.seen.append(mail.to_address)
        return Accepted("real")


@pytest_asyncio.fixture
async def heard() -> AsyncIterator[tuple[str, list[Any]]]:
    """Where our webhooks are, and what came there."""
    found: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        found.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    (port,) = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}", found
    await runner.cleanup()


async def test_a_checks_mail_is_reported_and_never_sent(tmp_path: Path, heard: tuple[str, list[Any]]) -> None:
    url, came = heard
    keys, real = load_or_create(tmp_path), Real()
    mailer = CheckedMailer(real, signing_key=keys.sandbox_sendgrid_signing_key.get_secret_value(), public_url=url)
    accepted = await mailer.send(mail(flow_check.address("1")))
    assert accepted.provider_id.startswith(PREFIX)
    assert (await mailer.send(mail("ada@customer.example"))).provider_id == "real"
    assert real.seen == ["ada@customer.example"]
    for _ in range(100):
        if came:
            break
        await asyncio.sleep(0.05)
    ((path, headers, body),) = came
    assert path == "/webhooks/sendgrid/events"
    (event,) = json.loads(body)
    assert (event["event"], event["touch_id"]) == ("delivered", "lead.ack-1")
    assert event["sg_message_id"].partition(".")[0] == accepted.provider_id
    stamp = headers["X-Twilio-Email-Event-Webhook-Timestamp"]
    signature = headers["X-Twilio-Email-Event-Webhook-Signature"]
    assert verify_sendgrid(keys.sandbox_sendgrid_public_key, body, signature, stamp)
    await mailer.close()


async def test_it_stands_before_a_real_account_and_not_before_the_sandbox(tmp_path: Path) -> None:
    keys = load_or_create(tmp_path)
    for changes, checked in (({}, False), (REAL, True)):
        settings: Settings = local_settings(tmp_path, **changes)
        async with open_senders(settings, keys) as senders:
            assert isinstance(senders.mailer, CheckedMailer) is checked
        assert [key.name for key in flow_check_keys(settings, keys)] == ([FLOW_CHECK] if checked else [])
        assert FLOW_CHECK not in [key.name for key in sendgrid_keys(settings, keys)]


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"email": flow_check.address("1")}, "flow_check"),
        ({"email": flow_check.address("1"), "phone": "+12125550123"}, "website"),
        ({"email": "ada@customer.example"}, "website"),
        ({"phone": "+12125550123"}, "website"),
    ],
)
def test_nobody_who_could_be_a_person_passes_for_a_check(fields: dict[str, str], source: str) -> None:
    found = read_inquiry({**fields, "source": "flow_check"}, Rules(intents=("other",)))
    assert found.source == source


def test_an_outage_begins_once_and_ends_once() -> None:
    checks = [True, False, False, True, True]
    told = [flow_check.news(before, now) for before, now in zip([None, *checks], checks, strict=False)]
    assert told == [None, "failed", None, "recovered", None]
    assert flow_check.news(None, False) == "failed"
