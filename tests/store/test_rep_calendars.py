"""Reps' calendars over real https: read, replaced at once, kept when they fail, and never fetched from inside."""

import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from speedlead import ics_fetch
from speedlead.chores.calendars import calendars_chore, read_all
from speedlead.chores.runner import run_once
from speedlead.embedded.ports import free_ports
from speedlead.ics import CalendarFault
from speedlead.ics_fetch import Fetcher
from speedlead.store.pool import open_pool
from tests.store.hand_made import NOW, FixedClock, put

LOOPBACK = ("127.0.0.0/8",)
HOUR = timedelta(hours=1)


def calendar(*starts: datetime, stamp: str = "20261101T000000Z", title: str = "Secret") -> str:
    events = "".join(
        f"BEGIN:VEVENT\r\nUID:{n}\r\nDTSTAMP:{stamp}\r\nSUMMARY:{title}\r\n"
        f"DTSTART:{start:%Y%m%dT%H%M%SZ}\r\nDTEND:{start + HOUR:%Y%m%dT%H%M%SZ}\r\nEND:VEVENT\r\n"
        for n, start in enumerate(starts)
    )
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{events}END:VCALENDAR\r\n"


@dataclass
class Server:
    base: str
    tls: ssl.SSLContext
    body: str = ""
    status: int = 200
    etag: str | None = None
    to: str = ""
    seen: list[dict[str, str]] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(dict(request.headers))
        if request.path == "/moved":
            return web.Response(status=302, headers={"Location": self.to})
        if self.etag and request.headers.get("If-None-Match") == self.etag:
            return web.Response(status=304)
        headers = {"ETag": self.etag} if self.etag else {}
        return web.Response(status=self.status, text=self.body, headers=headers)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(of the server, of those who trust it)"""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    here = x509.SubjectAlternativeName([
        x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])  # fmt: skip
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - HOUR).not_valid_after(now + HOUR).add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    file = folder / "tls.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=str(file))


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    (port,) = free_ports(1)
    own, trusting = certificate(tmp_path)
    made = Server(f"https://127.0.0.1:{port}", trusting)
    app = web.Application()
    app.router.add_get("/{path:.*}", made.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=own).start()
    yield made
    await runner.cleanup()


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Any]:
    opened = await open_pool(database_url, size=6)
    yield opened
    await opened.close()


async def rep(pool: Any, url: str, name: str = "Anna") -> str:
    rep_id = str(await pool.fetchval("select gen_random_uuid()"))
    await put(pool, "rep", id=rep_id, name=name, email=f"{name.lower()}@acme.example", zone="America/New_York",
              weekly={}, capacity=20, ics_url=url)  # fmt: skip
    return rep_id


async def busy(pool: Any, rep_id: str) -> list[datetime]:
    rows = await pool.fetch(
        "select starts_at from rep_busy where rep_id = $1 and source = 'calendar' order by 1", rep_id
    )
    return [row["starts_at"] for row in rows]


class Round:
    """One round of the chore, at a time that moves on."""

    def __init__(self, pool: Any, server: Server) -> None:
        self.pool, self.server, self.now = pool, server, NOW

    async def __call__(self) -> str | None:
        self.now += timedelta(minutes=5)
        return await read_all(self.pool, FixedClock(self.now), Fetcher(LOOPBACK, self.server.tls))


async def test_a_calendar_is_read_replaced_at_once_and_forgotten_with_its_address(pool: Any, server: Server) -> None:
    anna, one = await rep(pool, f"{server.base}/a.ics"), Round(pool, server)
    first, second = NOW + 24 * HOUR, NOW + 48 * HOUR
    server.body = calendar(first, second)
    assert await one() == "1 read"
    assert await busy(pool, anna) == [first, second]
    server.body = calendar(second)
    assert await one() == "1 read"
    assert await busy(pool, anna) == [second]
    off = NOW + 72 * HOUR
    await put(pool, "rep_busy", rep_id=anna, source="time_off", starts_at=off, ends_at=off + HOUR)
    await pool.execute("update rep set ics_url = null")
    assert await one() is None
    assert await busy(pool, anna) == []
    assert await pool.fetchval("select count(*) from rep_busy where source = 'time_off'") == 1
    for table in ("rep_calendar", "rep_busy", "notice"):  # what it is about is kept nowhere
        assert "Secret" not in str(await pool.fetch(f"select * from {table}"))


async def test_what_has_not_changed_is_not_worked_out_again(pool: Any, server: Server) -> None:
    await rep(pool, f"{server.base}/a.ics")
    one, server.body = Round(pool, server), calendar(NOW + 24 * HOUR)
    await one()
    worked = await pool.fetchval("select expanded_wall from rep_calendar")
    server.body = calendar(NOW + 24 * HOUR, stamp="20261122T000000Z")  # written anew for each request
    await one()
    server.etag = '"v1"'
    server.body = calendar(NOW + 25 * HOUR)
    await one()
    newer = await pool.fetchval("select expanded_wall from rep_calendar")
    assert newer > worked
    await one()
    assert server.seen[-1]["If-None-Match"] == '"v1"'
    row = await pool.fetchrow("select read_wall, expanded_wall from rep_calendar")
    assert (row["read_wall"], row["expanded_wall"]) == (one.now, newer)
    one.now += timedelta(hours=12)  # the entries reach new days
    await one()
    assert await pool.fetchval("select expanded_wall from rep_calendar") == one.now


async def test_a_failing_calendar_keeps_its_last_state_and_is_told_once(pool: Any, server: Server) -> None:
    anna, one = await rep(pool, f"{server.base}/a.ics"), Round(pool, server)
    server.body = calendar(NOW + 24 * HOUR)
    await one()
    ben = await rep(pool, f"{server.base}/other.ics", "Ben")
    server.body = "<html>sign in</html>"
    for _ in range(5):
        assert await one() == "0 read, 2 not"
    assert await busy(pool, anna) == [NOW + 24 * HOUR]
    rows = await pool.fetch(
        "select audience, kind, reason, rep_id from notice order by audience, rep_id = $1 desc", anna
    )
    assert [tuple(row) for row in rows] == [
        ("ops", "calendar_failing", "calendar_garbage", None), ("ops", "calendar_failing", "calendar_garbage", None),
        ("rep", "calendar_failing", "calendar_garbage", anna), ("rep", "calendar_failing", "calendar_garbage", ben),
    ]  # fmt: skip
    state = await pool.fetchrow("select failures, problem, failing_wall from rep_calendar where rep_id = $1", anna)
    assert tuple(state) == (5, "calendar_garbage", NOW + timedelta(minutes=10))
    server.body = calendar(NOW + 26 * HOUR)
    assert await one() == "2 read"
    assert await pool.fetchval("select sum(failures) from rep_calendar") == 0
    server.status = 404
    for _ in range(3):
        await one()
    assert await pool.fetchval("select count(*) from notice where reason = 'calendar_not_found'") == 4


async def test_an_address_that_changes_while_it_is_read_is_not_written_over(pool: Any, server: Server) -> None:
    anna, one = await rep(pool, f"{server.base}/a.ics"), Round(pool, server)
    server.body = calendar(NOW + 24 * HOUR)
    fetch = Fetcher.fetch

    async def slow(self: Fetcher, *given: Any) -> Any:
        found = await fetch(self, *given)
        await pool.execute("update rep set ics_url = null")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fetcher, "fetch", slow)
        await one()
    assert await busy(pool, anna) == []


async def test_the_chore_is_woken_and_says_what_it_did(pool: Any, server: Server) -> None:
    await rep(pool, f"{server.base}/a.ics")
    server.body = calendar()
    chore = calendars_chore(pool, FixedClock(), Fetcher(LOOPBACK, server.tls))
    assert await run_once(pool, chore) == "1 read"
    assert await pool.fetchval("select done from chore where name = 'calendars.read'") == "1 read"
    assert (chore.every, chore.wake) == (timedelta(minutes=5), "calendars")


# ── what is not fetched ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "address",
    ["https://127.0.0.1:{port}/", "https://localhost:{port}/", "https://127.1:{port}/", "https://2130706433:{port}/",
     "https://[::ffff:127.0.0.1]:{port}/", "http://127.0.0.1:{port}/", "file:///etc/passwd", "https://a@localhost:{port}/",
     "https://0:{port}/", "ftp://localhost/", "https:///x", "https://１２７.0.0.1:{port}/", "https://127。0。0。1:{port}/",
     "https://①27.0.0.1:{port}/", "https://bücher.example/"],
)  # fmt: skip
async def test_no_spelling_of_this_machine_is_fetched(server: Server, address: str) -> None:
    port = server.base.rpartition(":")[2]
    with pytest.raises(CalendarFault, match=r"calendar_(address|silent)"):
        await Fetcher((), server.tls).fetch(address.format(port=port))
    assert server.seen == []


@pytest.mark.parametrize(
    "to",
    ["https://10.0.0.1/", "http://127.0.0.1/", "https://169.254.169.254/latest/meta-data", "https://１６９.254.169.254/",
     "//１０.0.0.1/"],
)  # fmt: skip
async def test_each_redirect_is_looked_at_anew(server: Server, to: str) -> None:
    server.to = to
    with pytest.raises(CalendarFault, match="calendar_address"):
        await Fetcher(LOOPBACK, server.tls).fetch(f"{server.base}/moved")


async def test_redirects_end_and_good_ones_are_followed(server: Server) -> None:
    server.body, server.to = calendar(), "/a.ics"
    assert (await Fetcher(LOOPBACK, server.tls).fetch(f"{server.base}/moved")).body == calendar().encode()
    server.to = "/moved"
    with pytest.raises(CalendarFault, match="calendar_address"):
        await Fetcher(LOOPBACK, server.tls).fetch(f"{server.base}/moved")


async def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is connected to is what was looked at: the name is resolved once."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "calendar.example":
            return real(host, *rest, **more)
        asked.append(host)
        return real("93.184.216.34" if len(asked) == 1 else "127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(ics_fetch, "TIMEOUT_S", 1.0)
    with pytest.raises(CalendarFault, match="calendar_silent"):
        await Fetcher((), server.tls).fetch(f"https://calendar.example:{server.base.rpartition(':')[2]}/")
    assert (len(asked), server.seen) == (1, [])


async def test_what_is_too_large_too_slow_or_not_let_in(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.body = calendar(*[NOW] * 60_000)  # 100,000 entries and more do not fit either
    with pytest.raises(CalendarFault, match="calendar_large"):
        await Fetcher(LOOPBACK, server.tls).fetch(server.base)
    for status, code in ((401, "forbidden"), (403, "forbidden"), (410, "not_found"), (500, "silent"), (304, "silent")):
        server.status, server.body = status, ""
        with pytest.raises(CalendarFault, match=f"calendar_{code}"):
            await Fetcher(LOOPBACK, server.tls).fetch(server.base)
    (port,) = free_ports(1)
    with pytest.raises(CalendarFault, match="calendar_silent"):
        await Fetcher(LOOPBACK, server.tls).fetch(f"https://127.0.0.1:{port}/")
    server.status = 200
    with pytest.raises(CalendarFault, match="calendar_silent"):  # a certificate that nobody vouches for
        await Fetcher(LOOPBACK).fetch(server.base)
