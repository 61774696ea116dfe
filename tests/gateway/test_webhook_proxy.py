"""Signatures behind a real reverse proxy that changes host, scheme and port, and while secrets are changed."""

import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twilio.request_validator import HMAC_SHA1, HMAC_SHA256, RequestValidator
from yarl import URL

from speedlead.doctor import webhook_keys
from speedlead.embedded.ports import free_ports
from tests.gateway.house import House, open_house

PUBLIC = "https://leads.example.com"
STATUS = "/webhooks/twilio/sms/status"
ACCOUNT = {
    "twilio_account_sid": f"AC{'0' * 32}",
    "twilio_from": "+14155550100",
    "sendgrid_from": "hello@acme.example",
    "twilio_auth_token": "new",
    "sendgrid_api_key": f"SG.{'a' * 22}.{'b' * 43}",
}


@asynccontextmanager
async def proxied(house: House, port: int, *, recode: bool = False) -> AsyncIterator[str]:
    """A reverse proxy as they are: own Host, forwarded headers, the path untouched; `recode`: it writes it anew."""

    async def forward(request: web.Request) -> web.Response:
        path = str(request.rel_url) if recode else request.raw_path
        headers = {k: v for k, v in request.headers.items() if k.lower() not in ("host", "content-length")}
        headers |= {"Host": "backend.internal:9", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example",
                    "X-Forwarded-For": "203.0.113.9", "Forwarded": "host=evil.example;proto=http"}  # fmt: skip
        url = URL(f"http://127.0.0.1:{house.deps.settings.http_port}{path}", encoded=not recode)
        async with session.request(request.method, url, data=await request.read(), headers=headers) as answer:
            return web.Response(status=answer.status, body=await answer.read())

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    async with aiohttp.ClientSession() as session:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            await runner.cleanup()


async def send(address: str, signed_url: str, target: str, token: str, algorithm: str = HMAC_SHA1) -> int:
    form = {"MessageSid": f"SM{time.monotonic_ns()}", "MessageStatus": "sent", "Note": "ü +&="}
    signature = RequestValidator(token).compute_signature(signed_url, form, algorithm)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
    async with (
        aiohttp.ClientSession() as session,
        session.post(URL(address + target, encoded=True), data=urlencode(form), headers=headers) as answer,
    ):
        return answer.status


@asynccontextmanager
async def house_at(database_url: str, folder: Path, **changes: object) -> AsyncIterator[tuple[House, str]]:
    """A gateway that is known to the world as `public_url`, and the address of the proxy in front of it."""
    # house.http posts to the public address, which only the proxy's clients know
    async with (
        open_house(database_url, folder, **({"public_url": PUBLIC} | changes)) as house,
        proxied(house, free_ports(1)[0]) as address,
    ):
        yield house, address


TARGETS = [
    f"{STATUS}?touch=a.sms-1",
    f"{STATUS}?touch={quote('a.sms-1/ü +', safe='')}&x=%7E~%2F+%20&x=&y",
    f"{STATUS}?b=2&a=1&a=0",
    f"{STATUS}",
    "/webhooks/twilio/sms%2Fstatus?touch=a",
    "/webhooks/twilio/sms/%73tatus?touch=a",
]


@pytest.mark.parametrize(
    "public", ["https://leads.example.com", "http://leads.example.com:8080", "https://l.example:443"]
)
async def test_the_public_address_counts_and_the_bytes_of_path_and_query(
    database_url: str, tmp_path: Path, public: str
) -> None:
    async with house_at(database_url, tmp_path, public_url=public) as (house, address):
        token = house.credentials.sandbox_twilio_auth_token.get_secret_value()
        for target in TARGETS:
            assert await send(address, public + target, target, token) == 204
        # Twilio signs some requests with the default port and some without
        other = (
            public.removesuffix(":443") if public.endswith(":443") else public + (":443" if "https" in public else "")
        )
        assert await send(address, other + TARGETS[0], TARGETS[0], token) == 204


@pytest.mark.parametrize(
    "signed",
    [
        "http://leads.example.com", "https://evil.example", "http://evil.example", "http://backend.internal:9",
        "https://leads.example.com:8443", "https://leads.example.com.", "https://LEADS.example.com",
    ],
)  # fmt: skip
async def test_forwarded_headers_and_other_addresses_are_not_believed(
    database_url: str, tmp_path: Path, signed: str
) -> None:
    async with house_at(database_url, tmp_path, trusted_proxies=["127.0.0.0/8"]) as (house, address):
        token = house.credentials.sandbox_twilio_auth_token.get_secret_value()
        assert await send(address, signed + TARGETS[0], TARGETS[0], token) == 403
        assert await house.count("webhook") == 0


async def test_a_proxy_that_writes_the_query_anew_breaks_signatures(database_url: str, tmp_path: Path) -> None:
    async with open_house(database_url, tmp_path, public_url=PUBLIC) as house:
        token = house.credentials.sandbox_twilio_auth_token.get_secret_value()
        async with proxied(house, free_ports(1)[0], recode=True) as address:
            odd = f"{STATUS}?x=%7E"
            assert await send(address, PUBLIC + odd, odd, token) == 403
            # what we hand to Twilio ourselves has nothing that could be written in another way
            ours = f"{STATUS}?touch={quote('0b7a.sms-1', safe='')}"
            assert await send(address, PUBLIC + ours, ours, token) == 204


# ── two secrets at once ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_two_auth_tokens_and_a_shared_key_are_valid_while_they_are_changed(
    database_url: str, tmp_path: Path
) -> None:
    keys = {"twilio_auth_token_other": "old", "twilio_webhook_shared_key": "shared"}
    async with house_at(database_url, tmp_path, **ACCOUNT, **keys) as (house, address):
        url, target = PUBLIC + TARGETS[0], TARGETS[0]
        assert await send(address, url, target, "new") == 204
        assert await send(address, url, target, "old") == 204
        assert await send(address, url, target, "shared", HMAC_SHA256) == 204
        assert await send(address, url, target, "older") == 403
        # a secret is good for its own algorithm only, whatever a header says
        assert await send(address, url, target, "shared", HMAC_SHA1) == 403
        assert await send(address, url, target, "new", HMAC_SHA256) == 403
        signed = await house.pool.fetch("select signed_by from webhook order by received_wall, signed_by")
        assert sorted(row["signed_by"] for row in signed) == ["auth token", "other auth token", "shared key"]


async def test_without_a_second_token_the_old_one_is_forged(database_url: str, tmp_path: Path) -> None:
    async with house_at(database_url, tmp_path, **ACCOUNT) as (_, address):
        assert await send(address, PUBLIC + TARGETS[0], TARGETS[0], "old") == 403
        assert await send(address, PUBLIC + TARGETS[0], TARGETS[0], "shared", HMAC_SHA256) == 403


def pair() -> tuple[ec.EllipticCurvePrivateKey, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key, base64.b64encode(der).decode()


async def test_sendgrid_s_events_and_mail_have_keys_of_their_own(database_url: str, tmp_path: Path) -> None:
    (first, one), (second, two), (third, _) = pair(), pair(), pair()
    async with house_at(database_url, tmp_path, **ACCOUNT, sendgrid_webhook_public_key=f"{one}, {two}") as (
        house,
        address,
    ):
        answers = []
        for number, key in enumerate((first, second, third)):
            body = b'[{"event": "open", "sg_event_id": "%d"}]' % number
            stamp = str(int(house.clock.wall().timestamp()))
            signed = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
            headers = {
                f"X-Twilio-Email-Event-Webhook-{k}": v for k, v in {"Signature": signed, "Timestamp": stamp}.items()
            }
            async with (
                aiohttp.ClientSession() as session,
                session.post(f"{address}/webhooks/sendgrid/events", data=body, headers=headers) as answer,
            ):
                answers.append(answer.status)
        assert answers == [204, 204, 403]
        signers = await house.pool.fetch("select signed_by from webhook order by signed_by")
        assert [row["signed_by"] for row in signers] == ["key 1", "key 2"]
        assert "2 public key(s)" in webhook_keys(house.deps.settings).detail


async def test_without_a_key_of_one_s_own_no_mail_event_is_believed(database_url: str, tmp_path: Path) -> None:
    async with house_at(database_url, tmp_path, **ACCOUNT) as (house, _):
        assert webhook_keys(house.deps.settings).ok is False
        # the sandbox's key is nobody's any more
        house.http._base_url = URL(f"http://127.0.0.1:{house.deps.settings.http_port}")
        assert await house.sendgrid("/webhooks/sendgrid/events", b"[]") == 403


async def test_our_own_key_is_believed_about_flow_checks_alone(database_url: str, tmp_path: Path) -> None:
    async with house_at(database_url, tmp_path, **ACCOUNT) as (house, _):
        house.http._base_url = URL(f"http://127.0.0.1:{house.deps.settings.http_port}")
        check = {"event": "delivered", "email": "check-1@flow-check.example"}
        ada = {"event": "bounce", "email": "a@b.example"}
        assert await house.events(check) == 204
        assert await house.events(ada) == 403
        assert await house.events(check, ada) == 403
        assert await house.mail(to="hello@acme.example", text="STOP", sender="check-1@flow-check.example") == 403
        signers = await house.pool.fetch("select signed_by from webhook")
        assert [row["signed_by"] for row in signers] == ["flow check"]
