"""`speedlead doctor --live`: the real SDKs against the real sandbox, whose accounts are broken one thing at a time."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from pydantic import SecretStr

from speedlead.credentials import Credentials, load_or_create
from speedlead.doctor_live import checks, report_live
from speedlead.ids import new_id
from speedlead.providers import sendgrid_checks, twilio_checks
from speedlead.providers.assemble import open_senders
from speedlead.providers.checks import Check
from speedlead.providers.sendgrid_checks import SendgridReader, SendgridWanted, check_sendgrid
from speedlead.providers.twilio import TwilioAccount
from speedlead.providers.twilio_checks import TwilioWanted, check_clock, check_twilio
from speedlead.sandbox.account_api import SERVICE_SID
from speedlead.sandbox.server import serving
from speedlead.settings import Settings
from speedlead.store.pool import open_pool
from tests.sandbox.world import listening, mail
from tests.servers import local_settings
from tests.store.hand_made import NOW, put_lead, put_reps

US, TOLL_FREE, GERMAN = "+14155552671", "+18885550123", "+4930901820"
SMS, EVENTS, INBOUND = "/webhooks/twilio/sms/inbound", "/webhooks/sendgrid/events", "/webhooks/sendgrid/inbound"


@dataclass
class Live:
    settings: Settings
    credentials: Credentials

    async def put(self, **account: Any) -> None:
        async with (
            aiohttp.ClientSession() as http,
            http.put(f"{self.settings.sandbox_url}/api/account", json=account) as answer,
        ):
            assert answer.status == 200, await answer.text()

    async def asked(self, **settings: Any) -> dict[str, Check]:
        """The checks by name; of two with one name the worse."""
        worse = ("ok", "info", "warn", "wrong")
        found: dict[str, Check] = {}
        async for check in checks(self.settings.model_copy(update=settings)):
            known = found.get(check.what)
            if known is None or worse.index(check.level) > worse.index(known.level):
                found[check.what] = check
        return found


async def door(_request: web.Request) -> web.Response:
    return web.Response(status=405)


async def healthz(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@pytest_asyncio.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get(SMS, door)])
    async with listening(app) as url:
        settings = local_settings(
            tmp_path_factory.mktemp("live"), public_url=url, sendgrid_reply_domain="reply.speedlead.example"
        )
        credentials = load_or_create(settings.data_dir)
        async with serving(settings, credentials):
            yield Live(settings, credentials)


@pytest_asyncio.fixture
async def live(running: Live) -> Live:
    await running.put()
    return running


async def test_an_account_that_is_ready_is_all_green(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    found = await live.asked()
    assert {check.what for check in found.values() if check.level not in ("ok", "info")} == set()
    assert found["accounts"].detail == f"none set: the sandbox at {live.settings.sandbox_url} is asked"
    assert set(found) == {
        "accounts", "public address", "webhook door", "twilio credentials", "twilio account", "clock", "twilio balance",
        "number", "calls back", "messaging service", "texts from leads", "A2P 10DLC", "countries to call",
        "sendgrid key", "sender of mail", "event webhook", "event signature", "replies", "reply signature", "footer",
    }  # fmt: skip
    assert await report_live(live.settings) == 0
    printed = capsys.readouterr().out
    assert "WRONG" not in printed
    for secret in (live.credentials.sandbox_twilio_auth_token, live.credentials.sandbox_sendgrid_api_key):
        assert secret.get_secret_value() not in printed


BROKEN: list[tuple[dict[str, Any], str, str, str]] = [
    ({"status": "suspended"}, "twilio account", "wrong", "suspended; expected active"),
    ({"type": "Trial"}, "twilio account", "warn", "verified numbers only"),
    ({"balance": "3.20"}, "twilio balance", "warn", "3.20 USD; expected more than 20"),
    ({"balance": "-1.00"}, "twilio balance", "wrong", "-1.00 USD"),
    ({"clock_off_s": 120}, "clock", "warn", "behind Twilio's; expected at most 30 s"),
    ({"clock_off_s": -900}, "clock", "wrong", "ahead of Twilio's"),
    ({"numbers": []}, "number", "wrong", f"{US} is not on this account"),
    ({"numbers": [], "caller_ids": [US], "service_sid": None}, "number", "wrong", "texts cannot come from it"),
    ({"voice": False}, "number", "wrong", "cannot do voice"),
    ({"sms": False, "service_sid": None}, "number", "wrong", "cannot do sms"),
    ({"voice_url": "https://demo.twilio.com/welcome/voice/"}, "calls back", "warn", "reaches nobody"),
    ({"voice_url": ""}, "calls back", "warn", "reaches nobody"),
    ({"voice_url": "https://pbx.example.com/in"}, "calls back", "warn", "is answered by https://pbx.example.com/in"),
    ({"voice_method": "GET"}, "calls back", "wrong", "asked with GET; expected POST"),
    ({"call_over_url": ""}, "calls back", "warn", "the end of a call is told to nobody"),
    ({"inbound_url": "https://old.example.com/sms"}, "texts from leads", "wrong", "found https://old.example.com/sms"),
    ({"inbound_url": ""}, "texts from leads", "wrong", "found nothing"),
    ({"inbound_on_number": True, "sms_url": ""}, "texts from leads", "wrong", "found nothing"),
    ({"service_sid": None, "sms_method": "GET"}, "texts from leads", "wrong", "asked with GET; expected POST"),
    ({"service_sid": None}, "A2P 10DLC", "wrong", "is in no messaging service"),
    ({"campaigns": []}, "A2P 10DLC", "wrong", "has no campaign"),
    ({"campaigns": ["IN_PROGRESS"]}, "A2P 10DLC", "wrong", "is IN_PROGRESS; expected VERIFIED"),
    ({"brand": "FAILED"}, "A2P 10DLC", "wrong", "the brand is FAILED (Registration error); expected APPROVED"),
    ({"countries": {"DE": "+49"}}, "countries to call", "wrong", "calls to +1"),
    ({"sender_names": ["ACME"]}, "sender names", "info", "ACME: leads cannot answer"),
    ({"scopes": ["alerts.read"]}, "sendgrid key", "wrong", "expected the scope mail.send"),
    ({"domain_valid": False}, "sender of mail", "wrong", "s1._domainkey.speedlead.example CNAME u1.wl.sendgrid.net"),
    ({"domain": ""}, "sender of mail", "wrong", "found none"),
    ({"domain": "", "verified_senders": ["hello@speedlead.example"]}, "sender of mail", "warn", "may land in spam"),
    ({"events_url": "https://old.example.com/e"}, "event webhook", "wrong", "found https://old.example.com/e"),
    ({"events_url": ""}, "event webhook", "wrong", "found nothing"),
    ({"events_enabled": False}, "event webhook", "wrong", "switched off"),
    ({"events_without": ["processed", "bounce"]}, "event webhook", "wrong", "leaves out processed, bounce;"),
    ({"events_signed": False}, "event signature", "wrong", "not signed"),
    ({"webhook_key": "other"}, "event signature", "wrong", "a key that is not in our settings"),
    ({"reply_domain": ""}, "replies", "wrong", "expected an Inbound Parse setting for reply.speedlead.example"),
    ({"parse_url": "https://old.example.com/in"}, "replies", "wrong", "found https://old.example.com/in"),
    ({"parse_mime": True}, "replies", "wrong", "raw messages"),
    ({"parse_signed": False}, "reply signature", "wrong", "not signed"),
    ({"footer": True}, "footer", "warn", "footer of its own"),
    ({"forbidden": ["/v3/user/webhooks"]}, "event webhook", "warn", "cannot be looked up with these credentials"),
    ({"forbidden": ["/2010-04-01/Accounts/"], "type": "Full"}, "twilio credentials", "wrong", "refused (HTTP 403"),
    ({"forbidden": ["/v1/DialingPermissions"]}, "countries to call", "warn", "cannot be looked up"),
]


@pytest.mark.parametrize(("account", "what", "level", "part"), BROKEN)
async def test_what_is_wrong_is_one_line(live: Live, account: dict[str, Any], what: str, level: str, part: str) -> None:
    await live.put(**account)
    check = (await live.asked())[what]
    assert (check.level, part in check.detail) == (level, True), check
    assert check.mend or level == "info"
    assert await report_live(live.settings) == (1 if level == "wrong" or account.get("service_sid", "") is None else 0)


async def test_a_verified_caller_id_is_enough_for_calls_beside_a_service(live: Live) -> None:
    await live.put(numbers=["+14155550100"], caller_ids=[US])
    found = await live.asked(twilio_messaging_service_sid=SERVICE_SID)
    assert found["number"].detail == f"{US}, a verified caller ID: calls show it"
    assert found["messaging service"].level == "ok"


async def test_a_service_of_another_account_is_named(live: Live) -> None:
    found = await live.asked(twilio_messaging_service_sid="MG" + "f" * 32)
    assert found["messaging service"].level == "wrong"
    assert "SPEEDLEAD_TWILIO_MESSAGING_SERVICE_SID" in found["messaging service"].mend


async def test_a_service_without_senders_is_named(live: Live) -> None:
    await live.put(service_numbers=[])
    found = await live.asked(twilio_messaging_service_sid=SERVICE_SID)
    assert "has no sender" in found["messaging service"].detail


@pytest.mark.parametrize(
    ("state", "level", "part"),
    [
        ("TWILIO_APPROVED", "ok", "is verified"),
        ("IN_REVIEW", "wrong", "is IN_REVIEW; expected TWILIO_APPROVED"),
        (None, "wrong", "is not verified"),
    ],
)
async def test_a_toll_free_number_has_to_be_verified(live: Live, state: str | None, level: str, part: str) -> None:
    await live.put(numbers=[TOLL_FREE], toll_free=state)
    found = await live.asked(twilio_from=TOLL_FREE)
    assert (found["toll-free"].level, part in found["toll-free"].detail) == (level, True), found["toll-free"]
    assert "A2P 10DLC" not in found


async def test_a_number_outside_north_america_needs_no_registration(live: Live) -> None:
    await live.put(numbers=[GERMAN], service_sid=None)
    found = await live.asked(twilio_from=GERMAN)
    assert not {"A2P 10DLC", "toll-free"} & set(found)
    assert found["number"].level == "ok"


async def test_replies_to_the_domain_of_the_company_are_warned_of(live: Live) -> None:
    await live.put(reply_domain="speedlead.example")
    found = await live.asked(sendgrid_reply_domain=None)
    assert (found["replies"].level, found["replies"].mend) == (
        "warn", "SPEEDLEAD_SENDGRID_REPLY_DOMAIN, such as reply.speedlead.example",
    )  # fmt: skip


async def test_a_sandbox_that_is_not_running_is_one_line(live: Live, tmp_path: Path) -> None:
    settings = local_settings(tmp_path, public_url=live.settings.public_url)
    found = [check async for check in checks(settings)]
    assert [check.what for check in found if check.level == "wrong"] == ["sandbox"]
    assert await report_live(settings, as_json=True) == 1


async def test_json_has_every_field(live: Live, capsys: pytest.CaptureFixture[str]) -> None:
    await live.put(parse_signed=False)
    assert await report_live(live.settings, as_json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert {"what": "reply signature", "level": "wrong", "detail": "not signed; expected signature verification to be "
            "on", "mend": "the security policy of Inbound Parse"} in found  # fmt: skip


async def test_each_number_of_a_service_is_looked_at(live: Live) -> None:
    await live.put(numbers=[US, "+14155550100"], voice_url="https://pbx.example.com/in")
    found = [check async for check in checks(live.settings) if check.what == "calls back"]
    assert [check.detail.split(" is ")[0] for check in found] == [US, "+14155550100"]


async def test_countries_of_open_leads_and_reps_have_to_be_permitted(live: Live, database_url: str) -> None:
    settings = live.settings.model_copy(update={"database_url": SecretStr(database_url)})
    pool = await open_pool(database_url, size=2)
    await put_reps(pool)
    for phone, closed_at in (("+442079460018", None), ("+33142685300", None), ("+5511987654321", NOW)):
        await put_lead(pool, new_id(), name="Ada", phone=phone, closed_at=closed_at)
    await pool.close()

    async def asked() -> Check:
        [check] = [check async for check in checks(settings) if check.what == "countries to call"]
        return check

    found = await asked()
    assert (found.level, "open leads and reps in FR (1) cannot be called" in found.detail) == ("wrong", True), found
    await live.put(countries={"FR": "+33", "GB": "+44", "US": "+1"})
    assert (await asked()).level == "ok"


async def test_a_knob_that_does_not_exist_is_named(live: Live) -> None:
    with pytest.raises(AssertionError, match="balanse"):
        await live.put(balanse="1")


# ── the same settings send ───────────────────────────────────────────────────────────────────────────────────────────


async def test_replies_go_to_the_host_that_was_checked(live: Live) -> None:
    async with open_senders(live.settings, live.credentials) as senders:
        await senders.mailer.send(mail())
    async with aiohttp.ClientSession() as http, http.get(f"{live.settings.sandbox_url}/api/messages") as answer:
        [stored] = await answer.json()
    assert stored["extra"]["reply_to"] == "reply+tok@reply.speedlead.example"


async def test_texts_are_sent_with_the_api_key_when_there_is_one(live: Live) -> None:
    seen: list[tuple[str, str]] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append((request.path, request.headers["Authorization"]))
        return web.json_response({"sid": "SM1"}, status=201)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    account, key = "AC" + "a" * 32, "SK" + "0" * 32
    async with listening(app) as url:
        settings = live.settings.model_copy(update={
            "twilio_account_sid": account, "twilio_auth_token": SecretStr("token"), "twilio_base_url": url,
            "twilio_api_key_sid": key, "twilio_api_key_secret": SecretStr("right"),
        })  # fmt: skip
        async with open_senders(settings, live.credentials) as senders:
            await senders.texter.send(touch_id="lead.sms-1", to=US, body="hi", validity_s=60)
    header = "Basic " + base64.b64encode(f"{key}:right".encode()).decode()
    assert seen == [(f"/2010-04-01/Accounts/{account}/Messages.json", header)]


# ── credentials, silence, foreign answers ────────────────────────────────────────────────────────────────────────────


async def twilio(url: str, *, token: str, sid: str, key: tuple[str, str] | None = None) -> list[Check]:
    account = TwilioAccount(sid, token, base_url=url, timeout_s=0.5)
    with_key = TwilioAccount(sid, token, api_key=key, base_url=url, timeout_s=0.5) if key else None
    try:
        wanted = TwilioWanted("https://leads.example.com", US)
        return [check async for check in check_twilio(account, wanted, with_key=with_key)]
    finally:
        await account.close()
        if with_key:
            await with_key.close()


async def sendgrid(url: str, key: str) -> list[Check]:
    wanted = SendgridWanted("https://leads.example.com", "hello@acme.example", "reply.acme.example", ())
    return [check async for check in check_sendgrid(SendgridReader(key, url, 0.5), wanted)]


async def test_wrong_credentials_are_one_line_each_and_not_shown(live: Live) -> None:
    sid = live.credentials.sandbox_twilio_account_sid
    [check] = await twilio(live.settings.sandbox_url, token="hunter2", sid=sid)
    assert (check.what, check.level) == ("twilio credentials", "wrong")
    assert check.detail.startswith("refused (HTTP 401, code 20003)")
    [mailing] = await sendgrid(live.settings.sandbox_url, "SG.hunter2")
    assert (mailing.what, mailing.detail) == ("sendgrid key", "refused (HTTP 401); expected a key of this account")
    assert "hunter2" not in repr([check, mailing])


async def test_a_provider_that_does_not_answer_is_one_line(live: Live) -> None:
    await live.put(slow_s=3)
    sid, token = live.credentials.sandbox_twilio_account_sid, live.credentials.sandbox_twilio_auth_token
    [check] = await twilio(live.settings.sandbox_url, token=token.get_secret_value(), sid=sid)
    assert check.detail.startswith("Twilio did not answer (TimeoutError")
    key = live.credentials.sandbox_sendgrid_api_key.get_secret_value()
    [mailing] = await sendgrid(live.settings.sandbox_url, key)
    assert mailing.detail.startswith("SendGrid did not answer (TimeoutError")


@asynccontextmanager
async def answering(body: str, authorized: str | None = None) -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        if authorized is not None and request.path.endswith(("/Messages.json", "/Calls.json")):
            good = request.headers.get("Authorization") == authorized
            name = request.path.rpartition("/")[2].removesuffix(".json").lower()
            return web.json_response({name: []}, status=200 if good else 401)
        return web.Response(text=body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with listening(app) as url:
        yield url


@pytest.mark.parametrize("body", ["<html>", "[]", "17", '{"scopes": ["mail.send"]}'])
async def test_an_answer_of_somebody_else_is_one_line(body: str) -> None:
    async with answering(body) as url:
        assert [check.level for check in await sendgrid(url, "k")][-1] == "wrong"
        found = await twilio(url, token="t", sid="AC" + "0" * 32)
        assert any(check.level == "wrong" for check in found)


@pytest.mark.parametrize(("secret", "level"), [("right", "ok"), ("other", "wrong")])
async def test_the_api_key_that_requests_are_made_with_is_tried(secret: str, level: str) -> None:
    key = "SK" + "0" * 32
    header = "Basic " + base64.b64encode(f"{key}:right".encode()).decode()
    async with answering('{"status": "active", "type": "Full"}', header) as url:
        found = await twilio(url, token="t", sid="AC" + "0" * 32, key=(key, secret))
    assert [check.level for check in found if check.what == "twilio API key"] == [level]


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("http://leads.acme.com", "is not https"),
        ("https://127.0.0.1", "providers cannot reach"),
        ("https://10.1.2.3", "providers cannot reach"),
        ("https://leads.local", "providers cannot reach"),
    ],
)
async def test_with_an_account_the_public_address_is_https_and_public(live: Live, url: str, part: str) -> None:
    token, key = live.credentials.sandbox_twilio_auth_token, live.credentials.sandbox_sendgrid_api_key
    found = await live.asked(
        public_url=url, twilio_account_sid=live.credentials.sandbox_twilio_account_sid, twilio_auth_token=token,
        twilio_base_url=live.settings.sandbox_url, sendgrid_api_key=key, sendgrid_base_url=live.settings.sandbox_url,
    )  # fmt: skip
    assert found["accounts"].detail == "your own"
    assert part in found["public address"].detail or found["public address"].level == "wrong"
    # an account of one's own has no key by default, and then nothing that SendGrid posts is believed
    assert found["event webhook"].level == "wrong" or "is empty" in found["event signature"].detail


def test_a_date_that_cannot_be_read_is_no_fault() -> None:
    now = datetime.now(UTC)
    assert check_clock({}, now).level == "info"
    assert check_clock({"Date": "yesterday"}, now).level == "info"
    assert check_clock({"date": format_datetime(now - timedelta(seconds=5))}, now).level == "ok"


def test_the_addresses_are_those_of_the_gateway() -> None:
    from speedlead.gateway import webhooks_sendgrid, webhooks_twilio

    doors = {f"/webhooks/twilio/{path}" for path in webhooks_twilio.READERS}
    doors |= {f"/webhooks/sendgrid/{path}" for path in webhooks_sendgrid.READERS}
    assert {twilio_checks.INBOUND_SMS, sendgrid_checks.EVENTS, sendgrid_checks.INBOUND} <= doors
    assert {SMS, EVENTS, INBOUND} <= doors
