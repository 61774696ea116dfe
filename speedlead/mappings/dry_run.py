"""What would be made of a sample: each field, where it came from, and what follows. Nothing is written."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from speedlead.intake import Rules
from speedlead.mappings.ledger import Booked
from speedlead.mappings.making import Line, Made, NewChange, NewLead, NewStatus, Unusable, key_of, make, parts_of, trace
from speedlead.mappings.model import Mapping
from speedlead.roi.currencies import written

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Part:
    """`made`: what it would become, as name and value; empty where nothing would be, and `reason` says why."""

    lines: tuple[Line, ...]
    made: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...]
    key: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class DryRun:
    """`passed_over`: no part of it meets the mapping's `where`."""

    parts: tuple[Part, ...]
    passed_over: bool

    @property
    def works(self) -> bool:
        return any(part.made for part in self.parts)


def dry_run(
    mapping: Mapping, payload: Any, rules: Rules, now: datetime, ticket_cost: tuple[Decimal, str] | None
) -> DryRun:
    """Raises Unusable where the payload has no parts."""
    found = []
    parts = parts_of(mapping, payload)
    for part in parts:
        key = key_of(mapping, part, {})
        try:
            made = make(mapping, part, rules, now, key, ticket_cost)
        except Unusable as error:
            found.append(Part(trace(mapping, part), (), (), key, str(error)))
        else:
            found.append(Part(made.lines, _said(mapping, made), made.left_out, key, ""))
    return DryRun(tuple(found), not parts)


def sample_of(mapping: Mapping) -> tuple[str, str] | None:
    """Content type and text of the sample that comes with a packaged mapping."""
    folder = Path(str(files("speedlead") / "mappings" / "samples"))
    for ending, kind in ((".json", JSON), (".form", FORM)):
        file = folder / f"{mapping.name}{ending}"
        if file.is_file():
            return kind, file.read_text("utf-8").strip()
    return None


def _said(mapping: Mapping, made: Made) -> tuple[tuple[str, str], ...]:
    who = [(name, getattr(made.who, name)) for name in ("lead_id", "external_id", "email", "phone")]
    match made.what:
        case NewLead(inquiry):
            given = inquiry.model_dump(exclude={"extra"})
            # of boxes that nobody ticked there is nothing to be said
            found = [("a lead", "")]
            found += [(name, str(value)) for name, value in given.items() if value not in (None, False)]
            found += [(f"kept: {name}", str(value)) for name, value in inquiry.extra.items()]
            if made.who.external_id is not None:
                found.append((f"id at {mapping.of}", made.who.external_id))
        case NewStatus() as status:
            found = [("a status", ""), *((f"of: {name}", text) for name, text in who if text)]
            for name in ("outcome", "owner", "at", "until", "scope", "reason", "note"):
                if (value := getattr(status, name)) is not None:
                    found.append((name, str(value)))
        case NewChange():
            found = [("a record to be looked at", made.who.external_id or "")]
        case Booked() as entry:
            found = [("an entry of the ledger", entry.kind), *((f"of: {name}", text) for name, text in who if text)]
            found += [("reference", entry.reference), ("date", entry.day.isoformat()),
                      ("amount", written(entry.amount, entry.currency))]  # fmt: skip
    return tuple(found)
