"""Fetches a calendar from an address that somebody typed: by https, from public addresses, small, and soon."""

import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from speedlead.ics import CalendarFault

TIMEOUT_S = 10.0
MAX_BYTES = 5_000_000
MAX_HOPS = 5
_MOVED = (301, 302, 303, 307, 308)
# IPv6 addresses that carry an IPv4 address, which a gateway may turn into one of the house
_CARRIERS = [
    ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10")
]

Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]


@dataclass(frozen=True, slots=True)
class Fetched:
    """`body` None: as before, by the marks that were sent along."""

    body: bytes | None
    etag: str | None
    modified: str | None


class Fetcher:
    """`networks`: private ones that are allowed beside public addresses. `tls`: for a certificate of one's own."""

    def __init__(self, networks: Sequence[str] = (), tls: ssl.SSLContext | None = None) -> None:
        self._networks = [ipaddress.ip_network(net) for net in networks]
        self._tls = tls

    async def fetch(self, address: str, etag: str | None = None, modified: str | None = None) -> Fetched:
        """Raises CalendarFault: calendar_address, _silent, _not_found, _forbidden or _large."""
        # what the body is unpacked to has no bound of its own
        headers = {"Accept": "text/calendar", "Accept-Encoding": "identity", "User-Agent": "speedlead"}
        headers |= {"If-None-Match": etag} if etag else {}
        headers |= {"If-Modified-Since": modified} if modified else {}
        resolver = _Checked(self._networks)
        connector = aiohttp.TCPConnector(resolver=resolver, ssl=self._tls or True)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with aiohttp.ClientSession(
                connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as session:
                return await self._follow(session, address, headers)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise CalendarFault("calendar_address" if resolver.refused else "calendar_silent") from None

    async def _follow(self, session: aiohttp.ClientSession, address: str, headers: dict[str, str]) -> Fetched:
        for _ in range(MAX_HOPS):
            self._look_at(address)
            async with session.get(address, headers=headers, allow_redirects=False) as answer:
                if answer.status in _MOVED:
                    address = urljoin(address, answer.headers.get("Location", ""))
                    continue
                if answer.status == 304 and headers.keys() & {"If-None-Match", "If-Modified-Since"}:
                    return Fetched(None, None, None)
                if answer.status != 200 or answer.headers.get("Content-Encoding", "identity") != "identity":
                    codes = {401: "forbidden", 403: "forbidden", 404: "not_found", 410: "not_found"}
                    raise CalendarFault(f"calendar_{codes.get(answer.status, 'silent')}")
                body = await _bounded(answer)
                return Fetched(body, _mark(answer, "ETag"), _mark(answer, "Last-Modified"))
        raise CalendarFault("calendar_address")

    def _look_at(self, address: str) -> None:
        """Each hop anew: a public address may point to one of the house. Names are looked at when resolved."""
        parts = urlsplit(address)
        if parts.scheme != "https" or not parts.hostname or parts.username is not None:
            raise CalendarFault("calendar_address")
        try:
            number = ipaddress.ip_address(parts.hostname)
        except ValueError:
            return
        if not may_reach(number, self._networks):
            raise CalendarFault("calendar_address")


def may_reach(number: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Networks) -> bool:
    """Is it a public address, or one of the networks that were allowed?"""
    number = getattr(number, "ipv4_mapped", None) or number
    if any(number in net for net in networks if net.version == number.version):
        return True
    carried = any(number in net for net in _CARRIERS if net.version == number.version)
    return number.is_global and not number.is_multicast and not carried


class _Checked(AbstractResolver):
    """What is connected to is what was looked at: nobody answers otherwise between the two (DNS rebinding)."""

    def __init__(self, networks: Networks) -> None:
        self._networks = networks
        self._inner = aiohttp.ThreadedResolver()
        self.refused = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not all(may_reach(ipaddress.ip_address(one["host"].partition("%")[0]), self._networks) for one in found):
            self.refused = True
            raise OSError(f"{host}: not a public address")
        return found

    async def close(self) -> None:
        await self._inner.close()


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for chunk in answer.content.iter_chunked(65_536):
        size += len(chunk)
        if size > MAX_BYTES:
            raise CalendarFault("calendar_large")
        parts.append(chunk)
    return b"".join(parts)


def _mark(answer: Any, name: str) -> str | None:
    found = answer.headers.get(name)
    return found if found and len(found) <= 500 else None
