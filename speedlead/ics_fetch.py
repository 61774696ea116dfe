"""Fetches a calendar from an address that somebody typed: by https, from public addresses, small, and soon."""

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from speedlead.ics import CalendarFault
from speedlead.public_hosts import NotPublic, PublicResolver, public_url

TIMEOUT_S = 10.0
MAX_BYTES = 5_000_000
MAX_HOPS = 5
_MOVED = (301, 302, 303, 307, 308)


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
        resolver = PublicResolver(self._networks)
        connector = aiohttp.TCPConnector(resolver=resolver, ssl=self._tls or True)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with aiohttp.ClientSession(
                connector=connector, timeout=timeout, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as session:
                return await self._follow(session, address, headers)
        except NotPublic:
            raise CalendarFault("calendar_address") from None
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            raise CalendarFault("calendar_address" if resolver.refused else "calendar_silent") from None

    async def _follow(self, session: aiohttp.ClientSession, address: str, headers: dict[str, str]) -> Fetched:
        url = public_url(address, self._networks)
        for _ in range(MAX_HOPS):
            async with session.get(url, headers=headers, allow_redirects=False) as answer:
                if answer.status in _MOVED:
                    # each hop anew: a public address may point to one of the house
                    url = public_url(answer.headers.get("Location", ""), self._networks, base=url)
                    continue
                if answer.status == 304 and headers.keys() & {"If-None-Match", "If-Modified-Since"}:
                    return Fetched(None, None, None)
                if answer.status != 200 or answer.headers.get("Content-Encoding", "identity") != "identity":
                    codes = {401: "forbidden", 403: "forbidden", 404: "not_found", 410: "not_found"}
                    raise CalendarFault(f"calendar_{codes.get(answer.status, 'silent')}")
                body = await _bounded(answer)
                return Fetched(body, _mark(answer, "ETag"), _mark(answer, "Last-Modified"))
        raise CalendarFault("calendar_address")


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
