"""An outside source about companies: one GET with the domain of a company's mail, and never anything about a person.

Bounded in time and size, to public hosts only, without following redirects; five failures in a row and it rests for a
minute. Whatever comes of it is an answer, never an error.
"""

import asyncio
import json
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from phonenumbers import SUPPORTED_REGIONS
from yarl import URL

from speedlead.domain.breaker import Breaker
from speedlead.domain.knowing import OUTSIDE
from speedlead.hooks.address import AddressRefused, Allowed, EndpointResolver, endpoint_url, parse_allowed
from speedlead.place_names import country_alias
from speedlead.public_hosts import HostRefused

TIMEOUT_S = 2.0
MAX_BYTES = 256_000
PLACE = "{domain}"
# it has answered, and one thing of it is nothing that we could use
NO_COUNTRY = "source_country"
_PATH = re.compile(r"[A-Za-z0-9_-]{1,60}(\.[A-Za-z0-9_-]{1,60}){0,9}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")


@dataclass(frozen=True, slots=True)
class Said:
    """`answer` None without `problem`: the source knows nothing of the domain. `problem`: a code of ours.

    Both: it named a country that is none, which is left out.
    """

    answer: Mapping[str, object] | None
    problem: str | None = None


@dataclass(frozen=True)
class Asking:
    """How it is asked. `fields`: fact -> path in the answer, as `metrics.employees`; a number is a place in a list."""

    url: str
    fields: Mapping[str, str]
    header: str = "Authorization"
    secret: str | None = field(default=None, repr=False)
    allowed: Allowed = field(default_factory=Allowed)


class HttpSource:
    """Opens its connections on first use; `close` ends them."""

    def __init__(self, asking: Asking, tls: ssl.SSLContext | None = None, breaker: Breaker | None = None) -> None:
        self._asking, self._tls = asking, tls
        self._breaker = breaker or Breaker()
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, domain: str) -> Said:
        """Takes no longer than `TIMEOUT_S`."""
        if not self._breaker.may(time.monotonic()):
            return Said(None, "source_rests")
        try:
            async with asyncio.timeout(TIMEOUT_S):
                said = await self._ask(domain)
        except TimeoutError:
            said = Said(None, "source_slow")
        except aiohttp.ClientConnectorDNSError as error:
            said = Said(None, "source_refused" if isinstance(error.os_error, HostRefused) else "source_away")
        except AddressRefused:
            said = Said(None, "source_refused")
        except (aiohttp.ClientError, OSError):
            said = Said(None, "source_away")
        except (ValueError, RecursionError):
            said = Said(None, "source_nonsense")
        if said.problem in (None, NO_COUNTRY):
            self._breaker.worked()
        else:
            self._breaker.failed(time.monotonic())
        return said

    async def _ask(self, domain: str) -> Said:
        headers = {"Accept": "application/json"}
        if self._asking.secret is not None:
            headers[self._asking.header] = self._asking.secret
        url = endpoint_url(self._asking.url.replace(PLACE, domain), self._asking.allowed)
        async with self._opened().get(url, headers=headers, allow_redirects=False) as response:
            if response.status in (404, 204):
                return Said(None)
            if response.status != 200:
                codes = {401: "source_forbidden", 403: "source_forbidden", 429: "source_busy"}
                return Said(None, codes.get(response.status, "source_away"))
            if response.headers.get("Content-Encoding", "identity") != "identity":
                return Said(None, "source_nonsense")
            body = await _bounded(response)
        if body is None:
            return Said(None, "source_large")
        data = json.loads(body)
        if not isinstance(data, dict | list):
            return Said(None, "source_nonsense")
        found = {name: _at(data, path) for name, path in self._asking.fields.items()}
        known = {name: value for name, value in found.items() if isinstance(value, str | int | float)}
        if "country" not in known:
            return Said(known or None)
        code = _country(known.pop("country"))
        return Said(known or None, NO_COUNTRY) if code is None else Said(known | {"country": code})

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                resolver=EndpointResolver(self._asking.allowed), use_dns_cache=False, ssl=self._tls or True, limit=20
            )
            self._session = aiohttp.ClientSession(
                connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False,
                headers={"User-Agent": "speedlead", "Accept-Encoding": "identity"},
            )  # fmt: skip
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _bounded(response: aiohttp.ClientResponse) -> bytes | None:
    """None: more than we read of anybody."""
    parts: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(65_536):
        size += len(chunk)
        if size > MAX_BYTES:
            return None
        parts.append(chunk)
    return b"".join(parts)


def _country(said: object) -> str | None:
    """By ISO 3166; `UK` and other usual names are understood. None: no country."""
    text = said.strip().upper() if isinstance(said, str) else ""
    code = country_alias(text) or text
    return code if code in SUPPORTED_REGIONS else None


def _at(data: Any, path: str) -> object:
    for part in path.split("."):
        if isinstance(data, list) and part.isdecimal() and int(part) < len(data):
            data = data[int(part)]
        elif isinstance(data, dict):
            data = data.get(part)
        else:
            return None
    return data


def check_url(text: str) -> None:
    """Raises ValueError with what was expected."""
    if text.count(PLACE) != 1 or PLACE in text.partition("://")[2].partition("/")[0]:
        raise ValueError("an address with {domain} once in its path or query, like https://api.example.com/v1/{domain}")
    try:
        url = URL(text.replace(PLACE, "acme.example"))
    except ValueError:  # a port that is none
        url = URL()
    if url.scheme not in ("https", "http") or not url.host or url.user is not None or url.fragment:
        raise ValueError("an address like https://api.example.com/v1/{domain}, without a user or a #")


def check_reach(text: str, hosts: Sequence[str]) -> None:
    """What is told at the start and not by every lead; a name is looked at when it is asked. Raises ValueError."""
    try:
        endpoint_url(text.replace(PLACE, "acme.example"), parse_allowed(hosts))
    except AddressRefused:
        raise ValueError("https and a public host, or one that SPEEDLEAD_COMPANY_SOURCE_HOSTS names") from None


def parse_fields(text: str, names: Sequence[str] = OUTSIDE) -> dict[str, str]:
    """Fact -> path of `company=name,employees=metrics.employees`. Raises ValueError with what was expected."""
    found: dict[str, str] = {}
    for part in text.split(","):
        name, _, path = (piece.strip() for piece in part.partition("="))
        if name not in names or not _PATH.fullmatch(path) or name in found:
            raise ValueError(
                f"fact=path pairs, each of {', '.join(names)} once, like company=name,employees=size.total"
            )
        found[name] = path
    return found


def check_header(text: str) -> None:
    """Raises ValueError with what was expected."""
    if not _HEADER.fullmatch(text):
        raise ValueError("the name of a header, like Authorization or X-Api-Key")
