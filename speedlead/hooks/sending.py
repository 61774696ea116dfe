"""One request to an endpoint, bounded in time and size; whatever comes of it is an answer, never an error."""

import asyncio
import json
import re
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import structlog

from speedlead.hooks.address import AddressRefused, Allowed, EndpointResolver, endpoint_url
from speedlead.hooks.sealing import Private
from speedlead.hooks.signing import headers_of
from speedlead.public_hosts import HostRefused

log = structlog.get_logger(__name__)

# Standard Webhooks asks for 15 to 30 s
TIMEOUT_S = 15.0
CONNECT_S = 5.0
# what a receiver says is for the log alone; its status counts as soon as it is there
_EXCERPT_BYTES, _EXCERPT_S = 4096, 2.0
MAX_EXCERPT = 300
_PRIVATE = re.compile(r"(whsec_|v1,)[A-Za-z0-9+/=_-]+")


@dataclass(frozen=True, slots=True)
class Answer:
    """`status` None: no answer, and `error` is a code of ours. `asked`: what Retry-After asked for."""

    status: int | None
    error: str | None
    ms: int
    asked: timedelta | None = None
    excerpt: str | None = None


class NoAnswer(Exception):
    """`code`: why there is none, as our log has it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Sender:
    def __init__(self, session: aiohttp.ClientSession, allowed: Allowed) -> None:
        self._session, self._allowed = session, allowed

    async def send(self, private: Private, event: dict[str, Any], wall: datetime) -> Answer:
        begun = time.monotonic()

        def answer(status: int | None, error: str | None = None, **more: Any) -> Answer:
            return Answer(status, error, round(1000 * (time.monotonic() - begun)), **more)

        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        headers = headers_of(event["id"], wall, body, private.secrets.in_use(wall))
        try:
            async with self.request("POST", private.url, data=body, headers=headers) as response:
                excerpt = None if response.ok else await _excerpt(response)
                error = "redirected" if 300 <= response.status < 400 else None
                asked = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
                return answer(response.status, error, asked=asked, excerpt=excerpt)
        except NoAnswer as none:
            return answer(None, none.code)
        except Exception as error:
            # what a receiver found in our client or in us: it waits for itself alone
            log.error("webhook answer not understood", event_id=event["id"], error=type(error).__name__)
            return answer(None, "internal")

    @asynccontextmanager
    async def request(self, method: str, address: str, **given: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """Raises NoAnswer for whatever keeps an answer away, also while it is read."""
        try:
            # the setting may have been narrowed since it was written
            url = endpoint_url(address, self._allowed)
            async with self._session.request(method, url, allow_redirects=False, **given) as response:
                yield response
        except AddressRefused:
            raise NoAnswer("address_refused") from None
        except TimeoutError:
            raise NoAnswer("too_slow") from None
        except aiohttp.ClientConnectorCertificateError:
            raise NoAnswer("certificate") from None
        except aiohttp.ClientConnectorDNSError as error:
            inside = isinstance(error.os_error, HostRefused)
            raise NoAnswer("address_refused" if inside else "host_not_found") from None
        except (aiohttp.ClientSSLError, ssl.SSLError):
            raise NoAnswer("tls") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise NoAnswer("connection") from None


@asynccontextmanager
async def opened(allowed: Allowed, tls: ssl.SSLContext | None = None) -> AsyncIterator[Sender]:
    """`tls`: for certificates of one's own. Proxies of the environment are not asked: they would resolve for us."""
    connector = aiohttp.TCPConnector(
        resolver=EndpointResolver(allowed), use_dns_cache=False, ssl=tls or True, limit=0, limit_per_host=0
    )
    async with aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_S),
        headers={"User-Agent": "speedlead", "Content-Type": "application/cloudevents+json; charset=utf-8",
                 "Accept-Encoding": "identity"},
        # an answer that unpacks to gigabytes stays packed
        auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False,
    ) as session:  # fmt: skip
        yield Sender(session, allowed)


async def _excerpt(response: aiohttp.ClientResponse) -> str | None:
    """What is there within two seconds of it, on one line, without what our signature looked like."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_EXCERPT_S):
            while size < _EXCERPT_BYTES and (chunk := await response.content.read(_EXCERPT_BYTES - size)):
                parts.append(chunk)
                size += len(chunk)
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    text = b"".join(parts).decode("utf-8", "replace")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return _PRIVATE.sub("…", line)[:MAX_EXCERPT] or None


def retry_after(text: str | None, now: datetime) -> timedelta | None:
    """Seconds or a date (RFC 9110, 10.2.3); None for anything else."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdecimal() and len(text) <= 9:
        return timedelta(seconds=int(text))
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(until - now, timedelta(0))
