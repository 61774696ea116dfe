"""One grammar of filters for the table of leads, `speedlead lead list`, `GET /api/leads` and what is asked of many.

state open|closed|all · stage · type hot|warm|cold · owner (a rep's id, or none) · source · plan inbound or inbound:4
breached yes|no · next_before 2026-11-23T15:00Z (without a zone: UTC)
program none|all|nurture|customer (without it: none; all with a `plan`, or with the source of one)
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from speedlead import wording
from speedlead.store.view_models import NOBODY, Filters

NAMES = ("state", "stage", "type", "owner", "source", "plan", "breached", "next_before", "program")
_STATES, _TYPES, _YES_NO = ("open", "closed", "all"), ("hot", "warm", "cold"), {"yes": True, "no": False}
_PROGRAMS = ("none", "all", "nurture", "customer")


class FilterError(ValueError):
    """Names the field and what was expected."""

    def __init__(self, field: str, expected: str, got: str) -> None:
        super().__init__(f"{field}: expected {expected}, got {got[:80]!r}")
        self.field, self.expected, self.got = field, expected, got[:80]


def read_filter(given: Mapping[str, str]) -> Filters:
    """Raises FilterError: of a filter that is to choose leads, nothing may be passed over."""
    found = Filters()
    for name in NAMES:
        if text := (given.get(name) or "").strip():
            found = _with(found, name, text)
    return found


def read_leniently(given: Mapping[str, str]) -> Filters:
    """For a table to look at: a value that no lead can have is passed over."""
    found = Filters()
    for name in NAMES:
        try:
            found = _with(found, name, text) if (text := (given.get(name) or "").strip()) else found
        except FilterError:
            continue
    return found


def written(filters: Filters) -> dict[str, str]:
    """The same filter as the fields of an address; what is not set is left out."""
    fields = {
        "state": filters.state, "stage": filters.stage, "type": filters.lead_type, "owner": filters.owner_id,
        "source": filters.source, "plan": filters.plan,
        "breached": None if filters.breached is None else ("yes" if filters.breached else "no"),
        "next_before": filters.next_before and filters.next_before.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "program": filters.program,
    }  # fmt: skip
    return {name: text for name, text in fields.items() if text}


def _with(filters: Filters, name: str, text: str) -> Filters:
    match name:
        case "state" if text in _STATES:
            return replace(filters, state=text)
        case "stage" if text in wording.STAGES:
            return replace(filters, stage=text)
        case "type" if text in _TYPES:
            return replace(filters, lead_type=text)
        case "owner":
            return replace(filters, owner_id=_owner(text))
        case "source" if len(text) <= 200 and text.isprintable():
            return replace(filters, source=text)
        case "plan" if len(text) <= 200 and text.isprintable():
            return replace(filters, plan=text.replace(" v", ":"))
        case "breached" if text in _YES_NO:
            return replace(filters, breached=_YES_NO[text])
        case "program" if text in _PROGRAMS:
            return replace(filters, program=text)
        case "next_before":
            return replace(filters, next_before=_instant(text))
    expected = {"state": _STATES, "stage": tuple(wording.STAGES), "type": _TYPES, "breached": tuple(_YES_NO),
                "program": _PROGRAMS}  # fmt: skip
    raise FilterError(name, " or ".join(expected.get(name, ("printable text",))), text)


def _owner(text: str) -> str:
    try:
        return text if text == NOBODY else str(UUID(text))
    except ValueError:
        raise FilterError("owner", f"the id of a rep, or {NOBODY}", text) from None


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FilterError("next_before", "a moment such as 2026-11-23T15:00Z", text) from None
