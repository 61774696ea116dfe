"""Whatever comes to the webhooks that no provider has said changes no business row, and is counted."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from yarl import URL

from tests.gateway.house import PHONE, House

EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
# the raw store and the keys of what was heard before are no facts about anybody
NOT_BUSINESS = {"webhook", "provider_event", "schema_migrations"}
TWILIO = (
    "sms/status",
    "sms/inbound",
    "voice/rep",
    "voice/accept",
    "voice/leg",
    "voice/lead-leg",
    "voice/done",
    "voice/amd",
)
MAIL = ("events", "inbound")
Post = Callable[[str, bytes, dict[str, str]], int]

printable = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_categories=("Cc",)), max_size=80)
signatures = st.none() | printable | st.binary(max_size=80).map(lambda raw: base64.b64encode(raw).decode())
stamps = st.none() | st.integers(-(10**20), 10**20).map(str) | printable
boundary_form = b'--b\r\nContent-Disposition: form-data; name="from"\r\n\r\nAda <ada@example.com>\r\n--b\r\n' \
    b'Content-Disposition: form-data; name="text"\r\n\r\nSTOP \xff\xfe\r\n--b--\r\n'  # fmt: skip
bodies = st.binary(max_size=300) | st.sampled_from([
    b"", b"[]", b"{}", b"[" * 3000, b"null", boundary_form, b"\xff" * 50, b"%%%=%", b"a=1&a=2&" * 600,
    urlencode({"MessageSid": "SM1", "From": PHONE, "Body": "STOP"}).encode(),
    b'[{"event": "spamreport", "email": "ada@example.com", "sg_event_id": "f"}]',
])  # fmt: skip
types = st.sampled_from(["application/x-www-form-urlencoded", "application/json", "", "x/y; boundary=\xff",
                         "multipart/form-data; boundary=b", "multipart/form-data", "multipart/form-data; boundary=",
                         "multipart/form-data; boundary=b; charset=utf-16"])  # fmt: skip


async def digest(house: House) -> str:
    """Of every row of every business table."""
    tables = await house.pool.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
    names = [row["tablename"] for row in tables if row["tablename"] not in NOT_BUSINESS]
    assert len(names) > 10
    found = hashlib.sha256()
    for name in names:
        rows = await house.pool.fetch(f"select t::text as row from {name} t order by 1")
        found.update(f"{name}:{[row['row'] for row in rows]}".encode())
    return found.hexdigest()


def total(house: House, *results: str) -> int:
    counters = house.app.state.context.counters
    return sum(counters.value("webhooks", provider=p, result=r) for p in ("twilio", "sendgrid") for r in results)


async def send(house: House, path: str, body: bytes, headers: dict[str, str]) -> int:
    async with house.http.post(URL(house.base + path, encoded=True), data=body, headers=headers) as answer:
        return answer.status


def posting(house: House, loop: asyncio.AbstractEventLoop) -> Post:
    def post(path: str, body: bytes, headers: dict[str, str]) -> int:
        work: Coroutine[Any, Any, int] = send(house, path, body, headers)
        return asyncio.run_coroutine_threadsafe(work, loop).result(30)

    return post


async def run(house: House, work: Callable[[Post], None]) -> None:
    await asyncio.to_thread(work, posting(house, asyncio.get_running_loop()))
    assert "speedlead_bugs_total 0\n" in house.app.state.context.counters.text()


async def stocked(house: House) -> tuple[str, str]:
    """A lead with a text, a mail and a ringing call: something that a forged report could change."""
    lead_id = await house.lead(phone=PHONE)
    await house.touch(lead_id, "sms-1", "sms", PHONE)
    await house.touch(lead_id, "email-1", "email", "ada@example.com")
    leg = await house.leg(await house.touch(lead_id, "call-1", "call", PHONE), "rep-1", "rep")
    return lead_id, leg


def given_headers(**values: str | None) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in values.items() if value is not None}


async def test_what_nobody_signed_changes_nothing(house: House) -> None:
    lead_id, leg = await stocked(house)
    before = await digest(house)
    sent = 0

    @EXAMPLES
    @given(st.sampled_from(TWILIO), bodies, types, signatures, st.binary(max_size=20))
    def twilio(post: Post, path: str, body: bytes, kind: str, signature: str | None, query: bytes) -> None:
        nonlocal sent
        sent += 1
        target = f"/webhooks/twilio/{path}?touch={lead_id}.sms-1&leg={leg}&{quote(query)}"
        headers = given_headers(Content_Type=kind, X_Twilio_Signature=signature)
        assert post(target, body, headers) == 403

    @EXAMPLES
    @given(st.sampled_from(MAIL), bodies, types, signatures, stamps)
    def sendgrid(post: Post, path: str, body: bytes, kind: str, signature: str | None, stamp: str | None) -> None:
        nonlocal sent
        sent += 1
        headers = given_headers(
            Content_Type=kind, X_Twilio_Email_Event_Webhook_Signature=signature,
            X_Twilio_Email_Event_Webhook_Timestamp=stamp,
        )  # fmt: skip
        assert post(f"/webhooks/sendgrid/{path}", body, headers) == 403

    await run(house, lambda post: twilio(post))
    await run(house, lambda post: sendgrid(post))
    assert await digest(house) == before
    assert await house.count("webhook") == 0
    assert sent > 100
    assert total(house, "forged") == sent
    assert house.behind.asked_legs == []


async def test_what_is_signed_and_makes_no_sense_changes_nothing(house: House) -> None:
    """Bodies that name nobody of ours, signed as the provider would."""
    await stocked(house)
    before = await digest(house)
    token = house.credentials.sandbox_twilio_auth_token.get_secret_value()
    key = load_pem_private_key(house.credentials.sandbox_sendgrid_signing_key.get_secret_value().encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    sent = 0
    words = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
    names = st.sampled_from(["MessageSid", "MessageStatus", "CallSid", "CallStatus", "ErrorCode", "Digits"]) | words

    @EXAMPLES
    @given(st.sampled_from([p for p in TWILIO if p != "sms/inbound"]), st.dictionaries(names, words, max_size=5))
    def twilio(post: Post, path: str, form: dict[str, str]) -> None:
        nonlocal sent
        sent += 1
        form = {name: value for name, value in form.items() if name and value != "1"}
        target = f"/webhooks/twilio/{path}?touch=nobody.sms-1&leg=nobody.x&n={time.monotonic_ns()}"
        signature = RequestValidator(token).compute_signature(house.base + target, form)
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        assert post(target, urlencode(form).encode(), headers) in (200, 204)

    values = st.none() | st.integers() | st.floats() | words | st.lists(words, max_size=2)
    fields = st.sampled_from(["event", "type", "sg_event_id", "status", "touch_id", "email"]) | words
    batches = st.lists(st.dictionaries(fields, values, max_size=5) | values, max_size=3).map(json.dumps).map(str.encode)

    @EXAMPLES
    @given(batches | bodies)
    def events(post: Post, body: bytes) -> None:
        nonlocal sent
        sent += 1
        stamp = str(int(house.clock.wall().timestamp()))
        signed = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
        headers = {"X-Twilio-Email-Event-Webhook-Signature": signed, "X-Twilio-Email-Event-Webhook-Timestamp": stamp}
        assert post("/webhooks/sendgrid/events", body, headers) == 204

    @EXAMPLES
    @given(st.binary(max_size=200), types.filter(lambda kind: "json" in kind or "/y" in kind or "utf-16" in kind))
    def unreadable_mail(post: Post, body: bytes, kind: str) -> None:
        nonlocal sent
        sent += 1
        stamp = str(int(house.clock.wall().timestamp()))
        signed = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
        headers = {"X-Twilio-Email-Event-Webhook-Signature": signed, "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
                   "Content-Type": kind}  # fmt: skip
        assert post("/webhooks/sendgrid/inbound", body, headers) == 204

    for work in (twilio, events, unreadable_mail):
        await run(house, lambda post, work=work: work(post))  # type: ignore[misc]
    assert await digest(house) == before
    assert total(house, "garbage", "unknown_touch", "repeated", "accepted") >= sent
    assert total(house, "garbage") > 0
    assert total(house, "unknown_touch") > 0
    assert total(house, "forged", "stale", "failed") == 0


async def test_too_much_is_refused_and_counted(house: House) -> None:
    before = await digest(house)
    try:
        status = await send(house, "/webhooks/twilio/sms/status", b"x" * 70_000, {"X-Twilio-Signature": "x"})
    except aiohttp.ClientConnectionError:
        status = 413
    assert status == 413
    assert total(house, "garbage") == 1
    assert await digest(house) == before
