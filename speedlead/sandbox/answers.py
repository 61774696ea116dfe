"""Faults around an answer, the same for every provider API."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from speedlead.sandbox.faults import AFTER_ACCEPTING, BEFORE_ACCEPTING, Faults

Refusal = Callable[[int], web.Response]


async def with_faults(
    request: web.Request,
    faults: Faults,
    *,
    channel: str,
    key: str,
    refuse: Refusal,
    accept: Callable[[], Awaitable[web.Response]],
) -> web.Response:
    """Answers with `accept()` unless a fault strikes before (not accepted) or after (accepted, but nobody can tell)."""
    struck = faults.request(channel, key, BEFORE_ACCEPTING)
    if struck is not None:
        answer = refuse(429 if struck == "429" else 503)
        if struck == "429":
            answer.headers["Retry-After"] = "1"
        return answer
    answer = await accept()
    await asyncio.sleep(faults.slowness_s(channel, key))
    struck = faults.request(channel, key, AFTER_ACCEPTING)
    if struck == "drop_after_accept" and request.transport is not None:
        request.transport.abort()
    return refuse(500) if struck == "500_after_accept" else answer
