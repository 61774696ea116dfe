"""What the adapters send, judged by the providers' own OpenAPI documents (third-party data, not kept here)."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from speedlead.providers.sendgrid import SendgridMailer
from speedlead.providers.twilio import TwilioAccount, TwilioDialer, TwilioTexter
from tests.sandbox.world import ACCOUNT, LEAD, OURS, REP, SENDGRID_KEY, TOKEN, listening, mail

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("TESTS_OPENAPI_DIR") or ROOT.parent / "shared" / "data" / "openapi")
pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the providers' OpenAPI documents are not in {FOLDER} (twilio-oai, sendgrid-oai)"
)


class Sent:
    """One request as openapi-core reads it."""

    def __init__(self, request: web.Request, body: bytes, host: str) -> None:
        self.host_url, self.path, self.method = host, request.path, request.method.lower()
        self.full_url_pattern = host + request.path
        self.body, self.content_type = body, request.headers["Content-Type"]
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.query.items()), header=Headers(list(request.headers.items()))
        )

    def fields(self) -> set[str]:
        return {name for name, _ in parse_qsl(self.body.decode(), keep_blank_values=True)}


def spec(name: str) -> tuple[OpenAPI, dict[str, Any]]:
    raw: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return OpenAPI.from_dict(raw), raw


async def record(answer: dict[str, Any] | None, host: str) -> tuple[web.Application, list[Sent]]:
    taken: list[Sent] = []

    async def handle(request: web.Request) -> web.Response:
        taken.append(Sent(request, await request.read(), host))
        return web.json_response(answer, status=201) if answer else web.Response(status=202)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    return app, taken


async def test_texts_and_calls_are_what_twilio_s_document_asks_for() -> None:
    official, raw = spec("twilio_messages_calls.json")
    app, taken = await record({"sid": "SM1"}, "https://api.twilio.com")
    async with listening(app) as url:
        account = TwilioAccount(ACCOUNT, TOKEN, base_url=url)
        public = "https://leads.example.com"
        await TwilioTexter(account, public_url=public, from_number=OURS).send(
            touch_id="lead.sms-1", to=LEAD, body="hi", validity_s=300
        )
        await TwilioDialer(account, public_url=public, from_number=OURS).ring_rep(
            leg_id="lead.call-1.rep-1", to=REP, ring_s=20
        )
        await account.close()
    for sent, name in zip(taken, ["Messages", "Calls"], strict=True):
        official.validate_request(sent)
        operation = raw["paths"][f"/2010-04-01/Accounts/{{AccountSid}}/{name}.json"]["post"]
        schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
        # openapi-core lets unknown fields pass
        assert sent.fields() <= set(schema["properties"])
        assert set(schema.get("required", [])) <= sent.fields()
    assert sorted(v for n, v in parse_qsl(taken[1].body.decode()) if n == "StatusCallbackEvent") == [
        "answered", "completed", "initiated", "ringing",
    ]  # fmt: skip


async def test_mail_is_what_sendgrid_s_document_asks_for() -> None:
    official, _ = spec("sendgrid_mail_v3.json")
    app, taken = await record(None, "https://api.sendgrid.com")
    async with listening(app) as url:
        mailer = SendgridMailer(
            SENDGRID_KEY, from_address="hello@acme.example", from_name="Acme", reply_domain="in.acme.example",
            unsubscribe_group=7, base_url=url,
        )  # fmt: skip
        await mailer.send(mail(list_unsubscribe_url="https://acme.example/u/1", headers={"X-Entity-Ref-ID": "1"},
                               from_name="Anna Berg"))  # fmt: skip
        await mailer.close()
    official.validate_request(taken[0])
    body = json.loads(taken[0].body)
    assert body["tracking_settings"]["click_tracking"] == {"enable": False, "enable_text": False}
    # one way to unsubscribe: SendGrid puts none of its own beside it
    assert body["tracking_settings"]["subscription_tracking"] == {"enable": False}
    assert body["headers"]["List-Unsubscribe"] == "<https://acme.example/u/1>"
    assert body["personalizations"][0]["custom_args"] == {"touch_id": "lead.email-1"}
    assert "custom_args" not in body
    assert body["asm"] == {"group_id": 7}
    assert body["categories"] == ["cadence"]
    assert body["from"] == {"email": "hello@acme.example", "name": "Anna Berg (Acme)"}
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html"]
    assert body["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
