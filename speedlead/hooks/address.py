"""Where webhooks may go: by https to public hosts; elsewhere only where the installation allows it."""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp.abc import ResolveResult
from yarl import URL

from speedlead.public_hosts import Networks, NotPublic, PublicResolver, may_reach, number_of

SETTING = "SPEEDLEAD_HOOK_HOSTS"
MAX_URL = 2000
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


class AddressRefused(ValueError):
    """The text says what was expected; never what a name leads to."""


@dataclass(frozen=True)
class Allowed:
    """Hosts by name and networks that may be private, and be spoken to without TLS."""

    networks: Networks = ()
    hosts: frozenset[str] = frozenset()

    def holds(self, host: str) -> bool:
        if host in self.hosts:
            return True
        number = number_of(host)
        return number is not None and any(number in net for net in self.networks if net.version == number.version)


def parse_allowed(items: Sequence[str]) -> Allowed:
    """Networks (CIDR) and host names. Raises ValueError with what was expected."""
    networks, hosts = [], set()
    for item in items:
        try:
            networks.append(ipaddress.ip_network(item))
        except ValueError:
            if not _HOST.fullmatch(item.lower()) or item.replace(".", "").isdigit() or "/" in item:
                raise ValueError("networks like 10.0.0.0/8 and host names, separated by commas") from None
            hosts.add(item.lower())
    return Allowed(tuple(networks), frozenset(hosts))


def endpoint_url(text: str, allowed: Allowed) -> URL:
    """What is connected to: this object, and no other reading of the text. Raises AddressRefused.

    A name is looked at when it is resolved, which is at every connection anew.
    """
    if not text or len(text) > MAX_URL or not text.isascii() or any(c.isspace() or not c.isprintable() for c in text):
        raise AddressRefused(f"expected an address in ASCII, {MAX_URL} characters at most")
    try:
        url, _ = URL(text), urlsplit(text).port
    except ValueError:
        raise AddressRefused("expected an address like https://crm.example.com/hooks") from None
    host = url.host
    if url.scheme not in ("https", "http") or not host:
        raise AddressRefused("expected an address like https://crm.example.com/hooks")
    if url.user is not None or url.password is not None or url.fragment:
        raise AddressRefused("expected an address without a user, a password or a #")
    try:
        known = allowed.holds(host.rstrip("."))
        number = number_of(host)
    except NotPublic:
        raise AddressRefused("expected a host name, or an address in its usual form") from None
    if url.scheme == "http" and not known:
        raise AddressRefused(f"expected https; {SETTING} names the hosts that may do without")
    if number is not None and not may_reach(number, allowed.networks):
        raise _inside()
    return url


def _inside() -> AddressRefused:
    return AddressRefused(f"expected a public host; {SETTING} names those inside that are allowed")


class EndpointResolver(PublicResolver):
    """What is connected to is what was looked at, so no name can answer otherwise in between (DNS rebinding)."""

    def __init__(self, allowed: Allowed) -> None:
        super().__init__(allowed.networks)
        self._hosts = allowed.hosts

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host.rstrip(".").lower() in self._hosts:
            return await self._inner.resolve(host, port, family)
        return await super().resolve(host, port, family)


async def check_host(url: URL, allowed: Allowed, within_s: float = 5.0) -> None:
    """The name as it leads now, so that a mistake is told when it is made. Raises AddressRefused."""
    assert url.host is not None
    if number_of(url.host) is not None:
        return
    resolver = EndpointResolver(allowed)
    try:
        async with asyncio.timeout(within_s):
            await resolver.resolve(url.host, url.port or 443, socket.AF_UNSPEC)
    except (OSError, TimeoutError, UnicodeError):
        if resolver.refused:
            raise _inside() from None
        raise AddressRefused(f"expected a host that is found; {url.host} is not") from None
    finally:
        await resolver.close()
