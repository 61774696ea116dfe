"""How much one sender may send: bytes per request, requests per minute. And who the sender is behind proxies."""

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic

from starlette.requests import ClientDisconnect, Request

from speedlead.gateway.problems import Problem

MAX_SENDERS = 20_000

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TokenBuckets:
    """A bucket per sender that holds a minute's worth. Memory is bounded: the sender seen longest ago is forgotten."""

    def __init__(
        self, per_minute: int, *, max_senders: int = MAX_SENDERS, now: Callable[[], float] = monotonic
    ) -> None:
        self._capacity = float(per_minute)
        self._per_second = per_minute / 60
        self._max_senders = max_senders
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, sender: str) -> float:
        """0 when the request may pass, else the seconds after which one may."""
        now = self._now()
        tokens, at = self._buckets.pop(sender, (self._capacity, now))
        tokens = min(self._capacity, tokens + (now - at) * self._per_second)
        allowed = tokens >= 1
        self._buckets[sender] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > self._max_senders:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / self._per_second

    def check(self, sender: str) -> None:
        """Raises Problem 429."""
        wait_s = self.take(sender)
        if wait_s > 0:
            raise Problem(429, f"Please try again in {math.ceil(wait_s)} s.", retry_after_s=wait_s)


def networks(trusted: Sequence[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(item, strict=False) for item in trusted)


def client_address(request: Request, trusted: Sequence[Network]) -> str:
    """The sender's address. X-Forwarded-For counts only as far as trusted proxies wrote it, read from the right."""
    peer = request.client.host if request.client else ""
    chain = [part.strip() for part in ",".join(request.headers.getlist("x-forwarded-for")).split(",") if part.strip()]
    address = _parse(peer)
    while chain and address is not None and any(address in network for network in trusted):
        nearer = _parse(chain.pop())
        if nearer is None:
            break
        address = nearer
    return str(address) if address is not None else "local"


def sender_of(address: str) -> str:
    """What a bucket is kept for: an IPv4 address, or the /64 that one IPv6 customer has."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.removeprefix("[").partition("]")[0] if text.startswith("[") else text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The raw body. Raises Problem 413 as soon as it is known to be too long, however it was announced."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > max_bytes:
        raise _too_large(max_bytes)
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > max_bytes:
                raise _too_large(max_bytes)
            parts.append(part)
    except ClientDisconnect:
        raise Problem(400, "The connection was closed before the whole body had come.") from None
    return b"".join(parts)


def _too_large(max_bytes: int) -> Problem:
    # the rest is not read, so the connection cannot be used again
    return Problem(413, f"The body may have at most {max_bytes} bytes.", headers={"Connection": "close"})
