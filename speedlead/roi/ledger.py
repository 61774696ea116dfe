"""Reads what leads brought and cost from the bookkeeping's file. All faults are told at once, each with its line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal, cast, get_args
from uuid import UUID

from speedlead.checked_csv import rows_of
from speedlead.checked_yaml import FileFault, read_text
from speedlead.roi.currencies import amount, currency

Kind = Literal["revenue", "support_cost", "acquisition_cost"]
KINDS: tuple[str, ...] = get_args(Kind)
COLUMNS = ("reference", "kind", "date", "amount", "currency", "lead", "email")
_NEEDED = COLUMNS[:5]
# a reference stays when a person is erased, so it is a code and nobody's name or address
REFERENCE = re.compile(r"[A-Za-z0-9._/:#-]{1,80}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `lead`: its id; `email`: of the lead's person; neither: a cost of the whole house.

    Revenue may be negative (a refund); an amount of 0 takes an entry back. `told_at`: when the sender said so, where it
    says that; what was said before what is known changes nothing.
    """

    line: int
    reference: str
    kind: Kind
    day: date
    amount: Decimal
    currency: str
    lead: str | None
    email: str | None
    told_at: datetime | None = None


class LedgerError(FileFault):
    """One line of text for each fault of the file."""


def load_ledger(file: Path, today: date) -> tuple[Entry, ...]:
    """Raises LedgerError; then nothing of the file is used."""
    try:
        text = read_text(file)
    except FileFault as fault:
        raise LedgerError(str(fault)) from None
    return read_ledger(text, str(file), today)


def read_ledger(text: str, name: str, today: date) -> tuple[Entry, ...]:
    """Raises LedgerError."""
    faults: list[str] = []
    entries: list[Entry] = []
    seen: dict[str, int] = {}
    try:
        for line, row in rows_of(text, name, COLUMNS, faults, needed=_NEEDED):
            entry, wrong = _entry(line, row, today)
            faults += [f"{name}:{line}: {fault}" for fault in wrong]
            if entry is None:
                continue
            if entry.reference in seen:
                faults.append(
                    f"{name}:{line}: reference: {entry.reference} stands in line {seen[entry.reference]} already"
                )
            seen.setdefault(entry.reference, line)
            entries.append(entry)
    except FileFault as fault:
        raise LedgerError(str(fault)) from None
    if not faults and not entries:
        faults.append(f"{name}: expected one entry at least")
    if faults:
        raise LedgerError("\n".join(faults))
    return tuple(entries)


def _entry(line: int, row: Mapping[str, str], today: date) -> tuple[Entry | None, list[str]]:
    """The entry, or what is wrong with it, every cell."""
    wrong: list[str] = []

    def cell(name: str, read: Callable[[str], object]) -> object:
        try:
            return read(row.get(name, ""))
        except ValueError as error:
            wrong.append(f"{name}: {error}")
            return None

    code = cell("currency", currency)
    values = {
        "reference": cell("reference", _reference),
        "kind": cell("kind", _kind),
        "day": cell("date", lambda text: _day(text, today)),
        # how many digits an amount may have is the currency's business
        "amount": cell("amount", lambda text: amount(text, str(code))) if code else None,
        "currency": code,
        "lead": cell("lead", _lead) if row.get("lead") else None,
        "email": row.get("email", "").lower() or None,
    }
    kind, found = values["kind"], values["amount"]
    if values["lead"] and values["email"]:
        wrong.append("email: expected either a lead or an e-mail address, got both")
    if kind == "revenue" and not row.get("lead") and not values["email"]:
        wrong.append("lead: expected the lead's id, or its address in `email`, because revenue is somebody's")
    if kind not in (None, "revenue") and isinstance(found, Decimal) and found < 0:
        wrong.append(f"amount: expected a cost of 0 or more, got {found}")
    return (None, wrong) if wrong else (Entry(line, **values), [])  # type: ignore[arg-type]


def _reference(text: str) -> str:
    if not REFERENCE.fullmatch(text):
        raise ValueError(
            f"expected 1 to 80 letters, digits and . _ / : # -, such as an invoice's number, got {text[:40]!r}"
        )
    return text


def _kind(text: str) -> Kind:
    if text not in KINDS:
        raise ValueError(f"expected {', '.join(KINDS)}, got {text[:40]!r}")
    return cast(Kind, text)


def _day(text: str, today: date) -> date:
    try:
        found = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        found = None
    if found is None:
        raise ValueError(f"expected a day such as 2026-11-30, got {text[:40]!r}")
    if found > today:
        raise ValueError(f"expected a day that has come, got {found}")
    return found


def _lead(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ValueError(f"expected the id of a lead, got {text[:40]!r}") from None
