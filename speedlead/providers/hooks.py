"""One POST to an address that takes messages: Slack's and Teams' incoming webhooks, push services."""

from collections.abc import Mapping
from typing import Any

import aiohttp

from speedlead.ports import SendError, SendErrorKind
from speedlead.providers import errors
from speedlead.providers.http import TRANSPORT_ERRORS, no_answer, retry_after_s, watched

TAKEN = frozenset({200, 201, 202, 204})
# the address itself is gone or closed to us: a person has to repair it (Slack: no_service, channel_is_archived)
_GONE = frozenset({401, 403, 404, 405, 410})


async def post(
    session: aiohttp.ClientSession,
    url: str,
    *,
    json: Any = None,
    data: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    gone: SendErrorKind = SendErrorKind.CONFIG,
    gone_at: frozenset[int] = _GONE,
) -> None:
    """One request, no redirects. Raises SendError; `gone` is what the statuses `gone_at` mean.

    The address is a secret of its own: nothing of it is in an error or a log.
    """
    with watched() as exchange:
        try:
            async with session.post(url, json=json, data=data, headers=headers, allow_redirects=False) as answer:
                status, found = answer.status, dict(answer.headers)
        except (*TRANSPORT_ERRORS, ValueError) as error:
            raise no_answer(error, exchange) from None
    if status in TAKEN:
        return
    kind = gone if status in gone_at else errors.status_ruling(status).kind
    raise SendError(kind, f"HTTP {status}", retry_after_s(found))
