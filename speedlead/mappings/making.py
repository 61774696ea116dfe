"""What a payload means by a mapping: a lead, a status, a ticket or a payment. Pure; nothing is written.

What cannot be used of a lead is left out with its reason and the lead goes on; the rest is refused as a whole when
something that it needs is missing.
"""

import re
import uuid
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, cast, get_args

from pydantic import ValidationError

from speedlead.domain.outcomes import Outcome
from speedlead.intake import Inquiry, Rules, field_problems, read_inquiry
from speedlead.intake_text import many_lines, one_line, slug
from speedlead.mappings.ledger import Booked, booked
from speedlead.mappings.model import Mapping, field_values
from speedlead.mappings.values import Found, as_text, find, holds, look

MAX_PARTS = 200
MAX_ID = 200
Scope = Literal["all", "call", "sms", "email"]
_CODE = re.compile(r"[a-z0-9_:-]{1,80}")
# which part of a form cannot be kept when the lead goes on without it
_NOTED = 200
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,250}\.[^@\s.]{2,}")


class Unusable(Exception):
    """Nothing can be made of it; the text says of which field, and what was expected."""


@dataclass(frozen=True, slots=True)
class Who:
    """`lead_id`: an id of ours; `external_id`: theirs. E-mail in small letters, phone in E.164."""

    lead_id: str | None = None
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class NewLead:
    inquiry: Inquiry


@dataclass(frozen=True, slots=True)
class NewStatus:
    """`owner`: the e-mail address of one of our reps. Instants have their zone."""

    outcome: Outcome | None
    owner: str | None
    at: datetime | None
    until: datetime | None
    scope: Scope
    reason: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class NewChange:
    """A record of theirs is another one than it was: it is read over there, and nothing of this is believed."""


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a dry run: its name, what it became, where that came from, and what was odd about it."""

    field: str
    value: str
    origin: str
    note: str


@dataclass(frozen=True, slots=True)
class Made:
    """`key`: the sender's id of it, the same at every try; None where it has none. `left_out`: what a lead lost."""

    what: NewLead | NewStatus | Booked | NewChange
    who: Who
    key: str | None
    left_out: tuple[str, ...]
    lines: tuple[Line, ...]
    # which part of the request it is, also beside parts of which nothing was made
    number: int = 1


def parts_of(mapping: Mapping, payload: Any) -> list[Any]:
    """What is mapped one by one; those that the mapping passes over are not among them. Raises Unusable."""
    parts = [payload]
    if mapping.each is not None:
        found = look(mapping.each, payload)
        if not isinstance(found, list):
            raise Unusable(f"each: expected a list at {mapping.each}")
        if len(found) > MAX_PARTS:
            raise Unusable(f"each: expected at most {MAX_PARTS} parts")
        parts = found
    return [part for part in parts if mapping.where is None or holds(mapping.where, part)]


def key_of(mapping: Mapping, part: Any, headers: Table[str, str]) -> str | None:
    """`headers`: names in small letters."""
    if mapping.id is None:
        return None
    found = headers.get(mapping.id.header) if mapping.id.header else look(mapping.id.path or "", part)
    if not isinstance(found, str | int | float) or isinstance(found, bool):
        return None
    return one_line(as_text(found))[:MAX_ID] or None


def make(
    mapping: Mapping, part: Any, rules: Rules, now: datetime, key: str | None, ticket_cost: tuple[Decimal, str] | None
) -> Made:
    """Raises Unusable; its lines are those of `trace`."""
    found = {name: find(value, part) for name, value in field_values(mapping).items()}
    lines = _lines(found)
    fields = {name: one for name, one in found.items() if "." not in name}
    if mapping.kind == "lead":
        inquiry, left_out = _inquiry(mapping, part, found, fields, replace(rules, default_source=slug(mapping.name)))
        who = Who(external_id=_external(found), email=inquiry.email, phone=inquiry.phone)
        return Made(NewLead(inquiry), who, key, left_out, lines)
    who = _who(found, rules)
    if who == Who():
        odd = "; ".join(f"{name}: {one.note}" for name, one in found.items() if name.startswith("who.") and one.note)
        raise Unusable(f"who: expected somebody: an id, an e-mail address or a number{f' ({odd})' if odd else ''}")
    if mapping.kind == "change":
        return Made(NewChange(), who, key, (), lines)
    if mapping.kind == "status":
        return Made(_status(fields), who, key, (), lines)
    try:
        return Made(booked(mapping, fields, now, ticket_cost), who, key, (), lines)
    except ValueError as error:
        raise Unusable(str(error)) from None


def trace(mapping: Mapping, part: Any) -> tuple[Line, ...]:
    """Every field of the mapping, used or not."""
    return _lines({name: find(value, part) for name, value in field_values(mapping).items()})


def _lines(found: Table[str, Found]) -> tuple[Line, ...]:
    return tuple(
        Line(name, "" if one.value is None else as_text(one.value), one.origin or "nowhere", one.note)
        for name, one in found.items()
    )


# ── leads ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _inquiry(
    mapping: Mapping, part: Any, found: Table[str, Found], fields: Table[str, Found], rules: Rules
) -> tuple[Inquiry, tuple[str, ...]]:
    """The same inquiry as from the form, without what is wrong in it. What was wrong stands beside it as `left_out`."""
    left_out = [f"{name}: {one.note}" for name, one in found.items() if one.note]
    given: dict[str, object] = {
        name: one.value if isinstance(one.value, bool) else as_text(one.value)
        for name, one in fields.items()
        if one.value is not None
    }
    if "source" in given and not slug(str(given["source"])):
        del given["source"]
    extra: dict[str, object] = {
        name.removeprefix("extra."): one.value
        for name, one in found.items()
        if name.startswith("extra.") and one.value is not None
    }
    if mapping.rest and isinstance(part, dict):
        extra = {name: value for name, value in part.items() if not _is_used(name, value, found)} | extra
    while True:
        # first, because of many fields the last ones are not kept
        said = {"left_out": [text[:_NOTED] for text in left_out]} if left_out else {}
        rest = {name: value for name, value in extra.items() if name not in given and name not in said}
        try:
            return read_inquiry({**said, **rest, **given}, rules), tuple(left_out)
        except ValidationError as error:
            problems = field_problems(error)
            wrong = [one for one in problems if one.field in given]
            if not wrong:
                told = [f"{one.field}: {one.reason}; expected {one.expected}" for one in problems]
                raise Unusable("; ".join([*left_out, *told])) from None
            for one in wrong:
                # kept word for word: whoever calls may see what was meant
                extra = {f"{one.field}_as_sent": given.pop(one.field)} | extra
                left_out.append(f"{one.field}: {one.reason}; expected {one.expected}")


def _is_used(name: str, value: object, found: Table[str, Found]) -> bool:
    """Of a flat form: is this field one of ours already, under its own name or as a path of the mapping?"""
    return name in Inquiry.model_fields or any(
        one.origin in (name, f'"{name}"') and one.value is not None for one in found.values()
    )


# ── statuses ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _status(fields: Table[str, Found]) -> NewStatus:
    text = {name: as_text(one.value) for name, one in fields.items() if one.value is not None}
    outcome = text.get("status")
    if outcome is not None and outcome not in list(Outcome):
        raise Unusable(f"status: expected one of {', '.join(Outcome)}, got {one_line(outcome)[:40]!r}")
    if outcome is None and "owner" not in text:
        odd = [f"{name}: {fields[name].note}" for name in ("status", "owner") if name in fields and fields[name].note]
        raise Unusable("; ".join(odd) or "status: expected one, found nothing")
    scope = text.get("scope", "all")
    if scope not in get_args(Scope):
        raise Unusable(f"scope: expected one of {', '.join(get_args(Scope))}, got {one_line(scope)[:40]!r}")
    reason = text.get("reason")
    if reason is not None and not _CODE.fullmatch(reason):
        reason = slug(reason) or None
    return NewStatus(
        outcome=Outcome(outcome) if outcome is not None else None,
        owner=one_line(text["owner"]).lower() if "owner" in text else None,
        at=_instant(text, "at", fields),
        until=_instant(text, "until", fields),
        scope=cast(Scope, scope),
        reason=reason,
        note=many_lines(text["note"])[:4000] if "note" in text else None,
    )


def _instant(text: Table[str, str], name: str, fields: Table[str, Found]) -> datetime | None:
    if name not in text:
        if name in fields and fields[name].note:
            raise Unusable(f"{name}: {fields[name].note}")
        return None
    try:
        at = datetime.fromisoformat(text[name])
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Unusable(f"{name}: expected an instant with its zone; say how it is written with `date` and `zone`")
    return at.astimezone(UTC)


# ── whose it is ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _external(found: Table[str, Found]) -> str | None:
    one = found.get("who.external_id")
    return one_line(as_text(one.value))[:MAX_ID] or None if one is not None and one.value is not None else None


def _who(found: Table[str, Found], rules: Rules) -> Who:
    """Addresses and numbers are read as the form reads them; what is neither is nobody's."""

    def text(name: str) -> str | None:
        one = found.get(f"who.{name}")
        return one_line(as_text(one.value)) or None if one is not None and one.value is not None else None

    return Who(_ours(text("lead_id")), _external(found), _read("email", text("email"), rules),
               _read("phone", text("phone"), rules))  # fmt: skip


def _ours(text: str | None) -> str | None:
    try:
        return str(uuid.UUID(text)) if text else None
    except ValueError:
        return None


def _read(name: Literal["email", "phone"], text: str | None, rules: Rules) -> str | None:
    if text is None:
        return None
    try:
        found = read_inquiry({name: text}, rules)
    except ValidationError:
        return None
    return found.email if name == "email" else found.phone


def contact_points(made: Sequence[Made], system: str) -> tuple[str, ...]:
    """What these name, as erasure and those who wait look for it."""
    found = []
    for one in made:
        who = one.who
        found += [who.email, who.phone, who.lead_id, who.external_id and f"{system}:{who.external_id}"]
    return tuple(dict.fromkeys(text for text in found if text))


def named_in(mapping: Mapping, payload: Any, rules: Rules) -> tuple[str, ...]:
    """Whom a request names, also in parts that cannot be used: whoever is erased is erased there too.

    Beside what the mapping finds, every address that stands alone in it: a mapping may look in the wrong place.
    """
    parts = look(mapping.each, payload) if mapping.each is not None else [payload]
    found: dict[str, None] = {}
    for part in parts[:MAX_PARTS] if isinstance(parts, list) else ():
        looked = {name: find(value, part) for name, value in field_values(mapping).items() if _says_who(mapping, name)}
        who = _who({f"who.{name.removeprefix('who.')}": one for name, one in looked.items()}, rules)
        for text in (who.email, who.phone, who.lead_id, who.external_id and f"{mapping.of}:{who.external_id}"):
            if text:
                found[text] = None
    left = [payload]
    while left:
        value = left.pop()
        if isinstance(value, dict | list):
            left += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str) and len(value) <= 320 and _ADDRESS.fullmatch(one := one_line(value).lower()):
            found[one] = None
    return tuple(found)


def _says_who(mapping: Mapping, name: str) -> bool:
    return name.startswith("who.") or (mapping.kind == "lead" and name in ("email", "phone"))
