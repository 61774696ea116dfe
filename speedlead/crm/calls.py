"""One request to a CRM's REST API: JSON there and back, bounded in size; what is not 2xx is a `Refused`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from speedlead.hooks.sending import Sender, retry_after

# a page of a few hundred records, or the description of an object with a thousand fields
_MOST_BYTES = 8_000_000


class Refused(Exception):
    """What they answered. `code`: their word for it; `text`: what they said; `fields`: those that are to blame.

    `asked`: how long they want to be left alone; `limit`: everything to them waits, since a limit of theirs is reached.
    """

    def __init__(
        self, status: int, code: str, text: str, *, fields: tuple[str, ...] = (), asked: timedelta | None = None,
        limit: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(f"{code}: {text}")
        self.status, self.code, self.text, self.fields, self.asked, self.limit = (
            status, code, text, fields, asked, limit)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reply:
    """`body`: JSON, None where there was none."""

    status: int
    body: Any
    asked: timedelta | None


@dataclass
class Rest:
    """`base`: the address without a slash at its end. Counts its requests."""

    sender: Sender
    base: str
    headers: Mapping[str, str] = field(default_factory=dict)
    requests: int = 0

    async def ask(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None,
    ) -> Reply:  # fmt: skip
        """Raises NoAnswer; every status is an answer."""
        self.requests += 1
        sent = {"Accept": "application/json", "Content-Type": "application/json", **self.headers, **(headers or {})}
        data: Any = None if body is None else json.dumps(body).encode()
        if form is not None:
            data, sent["Content-Type"] = dict(form), "application/x-www-form-urlencoded"
        async with self.sender.request(
            method, self.base + path, params=dict(query or {}), headers=sent, data=data
        ) as response:
            parts: list[bytes] = []
            size = 0
            async for chunk in response.content.iter_chunked(65_536):
                size += len(chunk)
                if size > _MOST_BYTES:
                    raise Refused(response.status, "TOO_LONG", f"expected an answer of {_MOST_BYTES} bytes at most")
                parts.append(chunk)
            asked = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
            return Reply(response.status, _json(b"".join(parts)), asked)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw.strip() else None
    except ValueError:
        return None
