"""Where webhooks never go, and receivers that hang, drip, flood, redirect or lie."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from speedlead.domain.hooks import Secrets
from speedlead.hooks import sending
from speedlead.hooks.address import AddressRefused, Allowed, check_host, endpoint_url, parse_allowed
from speedlead.hooks.sealing import Private
from speedlead.hooks.sending import MAX_EXCERPT, Answer, opened, retry_after
from speedlead.hooks.signing import headers_of, key_of, new_secret
from tests.hooks.receiver import receiving
from tests.tls import Authority, server_context

NOW = datetime.now(UTC)
HERE = parse_allowed(["127.0.0.1"])
EVENT = {"specversion": "1.0", "id": "1", "source": "https://a.example", "type": "endpoint.test", "subject": "2",
         "time": NOW.isoformat(), "datacontenttype": "application/json", "data": {"endpoint": "crm"}}  # fmt: skip


async def send(url: str, allowed: Allowed = HERE, tls: Any = None) -> Answer:
    async with opened(allowed, tls) as sender:
        return await sender.send(Private(url, Secrets(new_secret())), EVENT, NOW)


@asynccontextmanager
async def says(serve: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[str]:
    """A server that reads the head of a request and then does as it likes."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
    finally:
        server.close()


@pytest.mark.parametrize(
    "url",
    ["http://crm.example/", "https://127.0.0.1/", "https://10.0.0.8/", "https://169.254.169.254/latest/meta-data",
     "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://[fd00:ec2::254]/",
     "https://[::127.0.0.1]/", "https://[::ffff:0:10.0.0.1]/", "https://2130706433/", "https://127.1/",
     "https://017700000001/", "https://１２７.0.0.1/", "https://sam:pw@crm.example/", "https://crm.example/#x",
     "ftp://crm.example/", "https://crm.example:99999/", "https:///x", "crm.example", "", "https://crm.example/a b",
     "https://" + "a" * 2000, "http://127.0.0.1/"],
)  # fmt: skip
async def test_what_is_refused_when_it_is_written_and_when_it_is_sent(url: str) -> None:
    with pytest.raises(AddressRefused, match="expected"):
        endpoint_url(url, Allowed())
    assert (await send(url, Allowed())).error == "address_refused"


@pytest.mark.parametrize("name", ["localhost", "0x7f000001", "0x7f.1"])
async def test_names_that_lead_into_the_house_are_refused_both_times(name: str) -> None:
    with pytest.raises(AddressRefused, match="expected a public host"):
        await check_host(endpoint_url(f"https://{name}/", Allowed()), Allowed())
    assert (await send(f"https://{name}/", Allowed())).error == "address_refused"


async def test_a_name_that_answers_otherwise_the_second_time_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["93.184.215.14", "127.0.0.1"])

    def answer(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    await check_host(endpoint_url("https://crm.example/", Allowed()), Allowed())
    assert (await send("https://crm.example/", Allowed())).error == "address_refused"
    assert next(answers, None) is None, "asked once for each connection"


async def test_a_host_that_is_not_found_is_told_when_it_is_written() -> None:
    with pytest.raises(AddressRefused, match="is not"):
        await check_host(endpoint_url("https://nowhere.invalid/", Allowed()), Allowed())


def test_what_is_allowed_inside_is_named() -> None:
    allowed = parse_allowed(["10.0.0.0/8", "crm.intern"])
    for url in ("http://10.1.2.3/", "https://10.1.2.3/", "http://crm.intern/", "https://crm.intern:8443/x?y=z"):
        assert str(endpoint_url(url, allowed)) == url
    for url in ("http://11.1.2.3/", "https://192.168.0.1/", "http://crm.example/"):
        with pytest.raises(AddressRefused):
            endpoint_url(url, allowed)
    for wrong in ("10.0.0.1/8", "a b", "-x", "1.2.3", "https://crm.intern"):
        with pytest.raises(ValueError, match="networks like"):
            parse_allowed([wrong])


async def test_tls_is_checked_by_the_name_that_was_asked_for(tmp_path: Path) -> None:
    ours = Authority(tmp_path, "ours")
    trusting = ssl.create_default_context(cafile=str(ours.certificate))
    async with receiving(server_context(ours.issue("127.0.0.1"))) as receiver:
        assert (await send(receiver.url, tls=trusting)).status == 204
        assert (await send(receiver.url)).error == "certificate"
    async with receiving(server_context(ours.issue("other.example"))) as receiver:
        assert (await send(receiver.url, tls=trusting)).error == "certificate"
        assert receiver.got == []


async def test_a_redirect_is_not_followed() -> None:
    async with receiving() as inside:

        async def redirect(writer: asyncio.StreamWriter) -> None:
            writer.write(f"HTTP/1.1 307 X\r\nLocation: {inside.url}\r\nContent-Length: 0\r\n\r\n".encode())

        async with says(redirect) as url:
            answer = await send(url)
        assert (answer.status, answer.error) == (307, "redirected")
        assert inside.got == []


async def test_silence_and_a_head_that_drips_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TIMEOUT_S", 0.3)

    async def silent(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    async def drips(writer: asyncio.StreamWriter) -> None:
        for letter in b"HTTP/1.1 200 OK\r\nX: " + b"y" * 500:
            writer.write(bytes([letter]))
            await writer.drain()
            await asyncio.sleep(0.05)

    for serve in (silent, drips):
        async with says(serve) as url:
            assert (await send(url)).error == "too_slow"


async def test_a_status_counts_though_its_body_never_ends() -> None:
    flooded = 0

    async def floods(writer: asyncio.StreamWriter) -> None:
        nonlocal flooded
        writer.write(b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while flooded < 200_000_000:
            writer.write(b"10000\r\n" + b"z" * 65_536 + b"\r\n")
            await writer.drain()
            flooded += 65_536

    async with says(floods) as url:
        answer = await send(url)
    assert answer.status == 500
    assert answer.excerpt == "z" * MAX_EXCERPT
    assert flooded < 20_000_000

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        await asyncio.sleep(30)

    async with says(endless) as url:
        assert (await send(url)).status == 200


@pytest.mark.parametrize(
    "head", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 100_000, b"HTTP/1.1 999999 OK\r\n\r\n"]
)
async def test_what_is_no_answer_is_an_error_with_a_name(head: bytes) -> None:
    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        await writer.drain()

    async with says(serve) as url:
        assert (await send(url)).error == "connection"


async def test_an_answer_that_breaks_our_client_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*args: Any) -> None:
        raise RecursionError

    monkeypatch.setattr(sending, "retry_after", breaks)
    async with receiving() as receiver:
        assert (await send(receiver.url)).error == "internal"


async def test_the_log_has_no_secret_and_no_line_of_its_own() -> None:
    secret = new_secret()

    async def echoes(writer: asyncio.StreamWriter) -> None:
        body = f"your {secret}\r\nsigned v1,{'A' * 43}= \x1b[31m\x00".encode()
        writer.write(b"HTTP/1.1 400 X\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with says(echoes) as url:
        assert (await send(url)).excerpt == "your … signed … [31m"


def test_retry_after_is_seconds_or_a_date() -> None:
    now = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    assert retry_after("120", now) == timedelta(minutes=2)
    assert retry_after("Mon, 23 Nov 2026 15:10:00 GMT", now) == timedelta(minutes=10)
    assert retry_after("Mon, 23 Nov 2020 15:10:00 GMT", now) == timedelta(0)
    for wrong in (None, "", "-1", "soon", "9" * 30, "²", "99999999999 Nov 15:10:00 2026"):
        assert retry_after(wrong, now) is None


def test_the_signature_is_that_of_the_standard() -> None:
    # the example of the specification's reference implementations
    found = headers_of("msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}',
                       ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])  # fmt: skip
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    for wrong in ("", "whsec_", "whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 100, "whsec_ä"):
        with pytest.raises(ValueError, match="expected whsec_"):
            key_of(wrong)
