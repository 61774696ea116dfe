"""Pooled HTTP with a time limit that knows whether a request left this machine.

The difference decides what a failure means: before the first byte was handed to the socket nothing was sent and
repeating is safe; afterwards the provider may have acted, whatever we read or did not read (docs/adr).
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp

from speedlead.ports import SendError, SendErrorKind
from speedlead.watch.tracing import requests_to_providers, tracer

# below the shortest lease of a touch (7 s) and activity attempt (8 s): a timed-out request is always seen by its owner
DEFAULT_TIMEOUT_S = 5.0
# a provider that asks for more than this is answered by the next attempt of the plan, not by sleeping
MAX_RETRY_AFTER_S = 3600.0

TRANSPORT_ERRORS = (aiohttp.ClientError, asyncio.TimeoutError, TimeoutError, OSError)


@dataclass(slots=True)
class Exchange:
    """What is known of one request: did it begin to leave, and the headers of the answer if one came."""

    left: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


_current: ContextVar[Exchange | None] = ContextVar("speedlead_exchange", default=None)


async def _headers_leaving(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, _params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    exchange = _current.get()
    if exchange is not None:
        exchange.left = True


def new_session(
    timeout_s: float = DEFAULT_TIMEOUT_S, *, connector: aiohttp.BaseConnector | None = None
) -> aiohttp.ClientSession:
    """A pooled session; `timeout_s` covers connecting, sending and reading. Needs a running event loop."""
    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(_headers_leaving)
    traces = [trace] if (spans := tracer()) is None else [trace, requests_to_providers(spans)]
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_s), trace_configs=traces, connector=connector
    )


@contextmanager
def watched() -> Iterator[Exchange]:
    """Collects what happens to the requests made inside the block by this task."""
    exchange = Exchange()
    token = _current.set(exchange)
    try:
        yield exchange
    finally:
        _current.reset(token)


def note_headers(headers: Mapping[str, str]) -> None:
    """Called by a transport whose SDK hides the headers of an answer."""
    exchange = _current.get()
    if exchange is not None:
        exchange.headers = headers


def no_answer(error: BaseException, exchange: Exchange, *, repeatable: bool = False) -> SendError:
    """The error of a request that got no answer; `repeatable` marks look-ups, which change nothing."""
    name = type(error).__name__
    if not exchange.left:
        return SendError(SendErrorKind.RETRY_SAFE, f"not sent ({name})")
    kind = SendErrorKind.RETRY_SAFE if repeatable else SendErrorKind.IN_DOUBT
    return SendError(kind, f"sent, no answer ({name})")


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from Retry-After (seconds or a date) or X-RateLimit-Reset (epoch); None without either."""
    folded = {name.lower(): value for name, value in headers.items()}
    seconds = _seconds(folded.get("retry-after"))
    if seconds is None:
        reset = _number(folded.get("x-ratelimit-reset"))
        seconds = None if reset is None else reset - time.time()
    if seconds is None:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None


def _seconds(value: str | None) -> float | None:
    number = _number(value)
    if number is not None or not value:
        return number
    try:
        return parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError):
        return None
