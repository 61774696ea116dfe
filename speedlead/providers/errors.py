"""One place that says what a provider's refusal means, from the table in errors.yaml.

HTTP 429 ............................ RETRY_SAFE   documented as never processed
HTTP 408, 5xx, anything unreadable .. IN_DOUBT     it may have been sent: reconcile
HTTP 401, 402, 403, 404, 405, 3xx ... CONFIG       a person of ours must act
any other 4xx ....................... CONTENT      this message was refused, the channel is fine
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from speedlead.ports import SendErrorKind

_CONFIG_STATUSES = frozenset({401, 402, 403, 404, 405, 406, 415})


@dataclass(frozen=True, slots=True)
class Ruling:
    """What one code means; `scope` says what a bad address is bad for, `after_s` is a least wait in seconds."""

    kind: SendErrorKind
    why: str
    scope: str | None = None
    after_s: float | None = None


@cache
def _table(section: str) -> dict[str, Ruling]:
    raw: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(
        (files("speedlead.providers") / "errors.yaml").read_text(encoding="utf-8")
    )
    return {
        code: Ruling(SendErrorKind(row["kind"]), row["why"], row.get("scope"), row.get("after_s"))
        for code, row in raw[section].items()
    }


def twilio_ruling(code: int | str | None) -> Ruling | None:
    """The table's row of a Twilio code (of an answer or a status callback); None when it is not listed."""
    return None if code is None else _table("twilio").get(str(code).strip())


def delivery_kind(code: int | str | None) -> SendErrorKind:
    """What the ErrorCode of a failed or undelivered SMS means; an unknown code is worth one later attempt."""
    ruling = twilio_ruling(code)
    return ruling.kind if ruling else SendErrorKind.RETRY_LATER


def mail_event_kind(event: str, event_type: str | None = None) -> SendErrorKind | None:
    """What a SendGrid event means for the address; None for events that are no refusal (processed, delivered …)."""
    table = _table("sendgrid_events")
    ruling = table.get(f"{event}:{event_type}") or table.get(event)
    return ruling.kind if ruling else None


def kind_of_status(status: int) -> SendErrorKind:
    """The default class of an HTTP status that is not a success."""
    if status == 429:
        return SendErrorKind.RETRY_SAFE
    if status in _CONFIG_STATUSES or 300 <= status < 400:
        return SendErrorKind.CONFIG
    if status != 408 and 400 <= status < 500:
        return SendErrorKind.CONTENT
    return SendErrorKind.IN_DOUBT
