"""Read the law tables (`speedlead/law/*.yaml`) into a `LawBook`. Errors name the file, the row and the field."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, get_args

import yaml

from speedlead.domain.calendar import parse_zone
from speedlead.domain.hours import Cap, Weekly, checked_week
from speedlead.domain.law import Certainty, Channel, ConsentNeed, LawBook, LawCap, LawRow
from speedlead.domain.quiet_dates import HolidayRule, dates_of

FOLDER = Path(__file__).parent / "law"
YEARS = range(2020, 2041)
"""Years for which the dates of legal holidays are computed."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ROW_FIELDS = {
    "id", "jurisdiction", "channels", "hours", "quiet_dates", "caps", "effective_from", "effective_to", "also_zones",
    "area_code_presumption", "consent_needed", "call_requested_satisfies", "inquiry_days", "certainty",
    "consent_certainty", "source", "note",
}  # fmt: skip
_CAP_FIELDS = {"max", "window_s", "per_local_day", "min_gap_s", "counts", "after_silent"}


class LawError(ValueError):
    """A law file cannot be used; the text names file, row and field."""


def load(path: Path | None = None) -> LawBook:
    """All `*.yaml` of a folder (default: the ones that ship with speedlead), or one file. Raises LawError.

    The version is the newest `as_of` of the files and a digest of their content.
    """
    source = FOLDER if path is None else path
    files = sorted(source.glob("*.yaml")) if source.is_dir() else [source]
    digest = hashlib.sha256()
    rows: dict[str, LawRow] = {}
    dates: dict[str, frozenset[date]] = {}
    as_of = ""
    for file in files:
        try:
            raw = file.read_bytes()
            data = yaml.safe_load(raw)
        except (OSError, yaml.YAMLError) as error:
            raise LawError(f"{file.name}: cannot be read: {error}") from error
        if not isinstance(data, dict) or set(data) - {"as_of", "rows", "quiet_dates"}:
            raise LawError(f"{file.name}: expected a mapping with as_of, rows, quiet_dates only")
        digest.update(raw)
        as_of = max(as_of, str(data.get("as_of", "")))
        for key, entry in (data.get("quiet_dates") or {}).items():
            dates[key] = _read_dates(f"{file.name}: quiet_dates {key}", entry)
        for number, entry in enumerate(data.get("rows") or ()):
            row = _read_row(f"{file.name}: row {number + 1}", entry)
            if row.id in rows:
                raise LawError(f"{file.name}: row {row.id}: field id: there is another row with this id")
            rows[row.id] = row
    if not rows:
        raise LawError(f"{source}: no law rows found")
    for row in rows.values():
        for key in row.quiet_dates:
            if key not in dates:
                raise LawError(f"row {row.id}: field quiet_dates: no list is called {key!r}")
    return LawBook(f"{as_of}+{digest.hexdigest()[:8]}", tuple(rows.values()), dates)


class _Fields:
    """Typed access to the fields of one entry; every error says where it is."""

    def __init__(self, where: str, entry: Any, allowed: set[str]) -> None:
        if not isinstance(entry, dict):
            raise LawError(f"{where}: expected a mapping, not {type(entry).__name__}")
        self.where = where
        self._entry: Mapping[str, Any] = entry
        if unknown := sorted(set(entry) - allowed):
            raise LawError(f"{where}: field {unknown[0]}: unknown field")

    def bad(self, name: str, problem: str) -> LawError:
        return LawError(f"{self.where}: field {name}: {problem}")

    def get(self, name: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        value = self._entry.get(name)
        if value is None:
            if default is ...:
                raise self.bad(name, "is missing")
            return default
        allows_bool = kind is bool
        if not isinstance(value, kind) or (isinstance(value, bool) and not allows_bool):
            raise self.bad(name, f"{value!r} has the wrong type")
        return value

    def choice(self, name: str, choices: Sequence[str], default: Any = ...) -> Any:
        value = self.get(name, str, default)
        if value not in choices:
            raise self.bad(name, f"{value!r} is not one of {', '.join(choices)}")
        return value

    def choices(self, name: str, choices: Sequence[str]) -> tuple[Any, ...]:
        values = tuple(self.get(name, list))
        if not values or any(value not in choices for value in values):
            raise self.bad(name, f"{list(values)!r} must be a list of {', '.join(choices)}")
        return values


def _read_row(where: str, entry: Any) -> LawRow:
    if isinstance(entry, dict) and entry.get("id"):
        where = f"{where.partition(':')[0]}: row {entry['id']}"
    fields = _Fields(where, entry, _ROW_FIELDS)
    start, end = fields.get("effective_from", date, None), fields.get("effective_to", date, None)
    if start is not None and end is not None and end <= start:
        raise fields.bad("effective_to", f"{end} is not after effective_from {start}")
    row_id = fields.get("id", str)
    try:
        zones = tuple(parse_zone(str(zone)) for zone in fields.get("also_zones", list, []))
    except ValueError as error:
        raise fields.bad("also_zones", str(error)) from error
    certainty = fields.choice("certainty", get_args(Certainty))
    return LawRow(
        id=row_id,
        jurisdiction=fields.get("jurisdiction", str),
        channels=fields.choices("channels", get_args(Channel)),
        hours=_read_hours(fields),
        quiet_dates=tuple(fields.get("quiet_dates", list, [])),
        caps=tuple(_read_cap(f"{where}: caps", row_id, cap) for cap in fields.get("caps", list, [])),
        effective_from=start,
        effective_to=end,
        area_code_presumption=fields.get("area_code_presumption", bool, False),
        consent_needed=fields.choice("consent_needed", get_args(ConsentNeed)),
        call_requested_satisfies=fields.get("call_requested_satisfies", bool, False),
        inquiry_days=fields.get("inquiry_days", int, None),
        also_zones=zones,
        certainty=certainty,
        consent_certainty=fields.choice("consent_certainty", get_args(Certainty), certainty),
        source=fields.get("source", str),
        note=fields.get("note", str, ""),
    )


def _read_hours(fields: _Fields) -> Weekly | None:
    """`{mon-fri: [09:00-20:00], sat: [09:00-17:00]}`; a day left out is closed; no hours at all: the row sets none."""
    written = fields.get("hours", dict, None)
    if written is None:
        return None
    week: dict[int, tuple[tuple[int, int], ...]] = {}
    for days, spans in written.items():
        first, _, last = str(days).partition("-")
        if first not in _DAYS or (last or first) not in _DAYS or _DAYS.index(last or first) < _DAYS.index(first):
            raise fields.bad("hours", f"{days!r} is not a day or a range of days such as mon-fri")
        if not isinstance(spans, list):
            raise fields.bad("hours", f"{days}: expected a list such as [09:00-20:00]")
        for weekday in range(_DAYS.index(first), _DAYS.index(last or first) + 1):
            if weekday in week:
                raise fields.bad("hours", f"{_DAYS[weekday]} is given twice")
            week[weekday] = tuple(_read_span(fields, str(span)) for span in spans)
    try:
        return checked_week(week)
    except ValueError as error:
        raise fields.bad("hours", str(error)) from error


def _read_span(fields: _Fields, text: str) -> tuple[int, int]:
    try:
        start, end = (
            int(part[:2]) * 60 + int(part[3:]) for part in text.split("-") if part[2] == ":" and len(part) == 5
        )
    except (ValueError, IndexError):
        raise fields.bad("hours", f"{text!r} is not a span such as 09:00-20:00") from None
    return start, end


def _read_cap(where: str, row_id: str, entry: Any) -> LawCap:
    fields = _Fields(where, entry, _CAP_FIELDS)
    try:
        cap = Cap(
            fields.get("max", int, None),
            fields.get("window_s", int, None),
            fields.get("per_local_day", bool, False),
            fields.get("min_gap_s", int, None),
            row_id,
        )
    except LawError:
        raise
    except ValueError as error:
        raise fields.bad("max", str(error)) from error
    return LawCap(cap, fields.choices("counts", get_args(Channel)), fields.get("after_silent", bool, False))


def _read_dates(where: str, entry: Any) -> frozenset[date]:
    fields = _Fields(where, entry, {"source", "certainty", "note", "days"})
    fields.get("source", str)
    fields.choice("certainty", get_args(Certainty))
    rules = []
    for written in fields.get("days", list):
        known = dict(written) if isinstance(written, dict) else {}
        try:
            if "weekday" in known:
                known["weekday"] = _DAYS.index(known["weekday"])
            rules.append(HolidayRule(**known))
        except (TypeError, ValueError) as error:
            raise fields.bad("days", f"{written!r}: {error}") from error
    return dates_of(rules, YEARS)
