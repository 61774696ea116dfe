"""Which hosts may be connected to at an address that came from outside: a calendar's, a push service's."""

import ipaddress
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

Networks = Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]

# IPv6 addresses that carry an IPv4 address, which a gateway may turn into one of the house; ::/8 is reserved
_CARRIERS = [
    ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10")
]


class NotPublic(ValueError):
    """An address that leads into the house, or is none; never says which."""


class HostRefused(OSError):
    """A name that leads into the house."""


def may_reach(number: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Networks = ()) -> bool:
    """Is it a public address, or one of the networks that were allowed?"""
    number = getattr(number, "ipv4_mapped", None) or number
    if any(number in net for net in networks if net.version == number.version):
        return True
    carried = any(number in net for net in _CARRIERS if net.version == number.version)
    return number.is_global and not (number.is_multicast or number.is_reserved or carried)


def public_url(text: str, networks: Networks = (), base: URL | None = None) -> URL:
    """What is to be connected to: this object and no other reading of the text. Raises NotPublic.

    Clients ask no resolver about a host that is a number, so it is looked at here as the client will read it: yarl
    makes 127.0.0.1 of full-width digits, which `ipaddress` takes for a name. A host in ASCII is written in one way.
    """
    try:
        url = URL(text) if base is None else base.join(URL(text))
        plain, host = urlsplit(text).netloc.isascii(), url.host
    except ValueError:
        raise NotPublic("expected an address") from None
    if url.scheme != "https" or not host or not plain or url.user is not None:
        raise NotPublic("expected https and a host in ASCII, without a name in it")
    number = number_of(host)
    if number is not None and not may_reach(number, networks):
        raise NotPublic("not a public host")
    return url


def number_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None: a name, to be looked at when it is resolved. Raises NotPublic.

    aiohttp takes all digits for a number and asks no resolver; the socket then reads 127.1 or 2130706433 as it likes.
    """
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        if ":" in host or host.replace(".", "").isdigit():
            raise NotPublic("expected a name, or an address in its usual form") from None
        return None


class PublicResolver(AbstractResolver):
    """What is connected to is what was looked at: nobody answers otherwise between the two (DNS rebinding).

    `refused`: a name led into the house.
    """

    def __init__(self, networks: Networks = ()) -> None:
        self._networks = networks
        self._inner = aiohttp.ThreadedResolver()
        self.refused = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not all(may_reach(ipaddress.ip_address(one["host"].partition("%")[0]), self._networks) for one in found):
            self.refused = True
            raise HostRefused("not a public host")
        return found

    async def close(self) -> None:
        await self._inner.close()
