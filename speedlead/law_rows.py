"""One entry of a law file to a `LawRow`, a `SwitchedOff` or dates. Every error names file, line, entry and field."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import pairwise
from typing import Any, NoReturn, get_args

from speedlead.checked_yaml import FileFault
from speedlead.domain.calendar import parse_zone
from speedlead.domain.hours import Cap, Interval, Weekly, checked_week
from speedlead.domain.law import (
    LONGEST_CAP,
    SATISFIED_BY_CALL_REQUEST,
    After,
    Certainty,
    Change,
    Channel,
    ConsentNeed,
    LawCap,
    LawRow,
    LiftedBy,
    SwitchedOff,
)
from speedlead.domain.quiet_dates import HolidayRule, dates_of
from speedlead.jurisdictions import check_jurisdiction
from speedlead.marked_yaml import Marked

YEARS = range(2020, 2041)
"""Years for which the dates of legal holidays are computed."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_ROW_FIELDS = frozenset(
    "id jurisdiction channels hours quiet_dates caps effective_from effective_to also_zones area_code_presumption "
    "consent_needed call_requested_satisfies inquiry_days hours_lifted_by certainty consent_certainty source note "
    "reason by".split()
)
_OFF_FIELDS = frozenset("id jurisdiction effective_from effective_to reason by".split())
_CAP_FIELDS = frozenset("max window_s per_local_day min_gap_s counts after".split())
_NEVER_BY_REQUEST = frozenset({"unknown"})


class LawError(FileFault):
    """A law file cannot be used; one line per fault: `mine.yaml:12: row us-fl: field hours: …`."""


class Fields:
    """Typed access to the fields of one entry; every error says where it is."""

    def __init__(self, file: str, what: str, entry: Any, allowed: frozenset[str], line: int = 1) -> None:
        self.file = file
        if not isinstance(entry, Marked):
            raise LawError(f"{file}:{line}: {what}: expected a mapping, not {type(entry).__name__}")
        self.what = f"{what.partition(' ')[0]} {entry['id']}" if isinstance(entry.get("id"), str) else what
        self._entry: Mapping[str, Any] = entry
        self.line, self._lines = entry.line, entry.lines
        if unknown := sorted(set(entry) - allowed):
            self.bad(unknown[0], f"unknown field; there are {', '.join(sorted(allowed))}")

    def bad(self, name: str, problem: str) -> NoReturn:
        raise LawError(f"{self.file}:{self._lines.get(name, self.line)}: {self.what}: field {name}: {problem}")

    @contextmanager
    def about(self, name: str) -> Iterator[None]:
        """A ValueError inside the block is an error of this field."""
        try:
            yield
        except LawError:
            raise
        except (TypeError, ValueError) as error:
            self.bad(name, str(error))

    def get(self, name: str, kind: type, default: Any = ...) -> Any:
        """The value, of that type; the default when it is left out. No default: the field is needed."""
        value = self._entry.get(name)
        if value is None:
            if default is ...:
                self.bad(name, "is missing")
            return default
        wrong_bool = isinstance(value, bool) and kind is not bool
        if not isinstance(value, kind) or wrong_bool or (kind is date and isinstance(value, datetime)):
            expected = {list: "a list", dict: "a mapping", date: "a date such as 2027-01-31", int: "a whole number"}
            self.bad(name, f"{value!r} is not {expected.get(kind, 'text' if kind is str else 'true or false')}")
        return value

    def words(self, name: str) -> str:
        """Text that says something."""
        value = self.get(name, str)
        if not value.strip():
            self.bad(name, "is empty")
        return str(value)

    def choice(self, name: str, choices: Sequence[str], default: Any = ...) -> Any:
        value = self.get(name, str, default)
        if value not in choices:
            self.bad(name, f"{value!r} is not one of {', '.join(choices)}")
        return value

    def choices(self, name: str, choices: Sequence[str]) -> tuple[Any, ...]:
        values = tuple(self.get(name, list))
        if not values or any(value not in choices for value in values) or len(set(values)) < len(values):
            self.bad(name, f"{list(values)!r} must be a list of {', '.join(choices)}, each once")
        return values

    def count(self, name: str) -> int | None:
        value = self.get(name, int, None)
        if value is not None and value < 1:
            self.bad(name, f"{value} is less than 1")
        return value if value is None else int(value)

    def jurisdiction(self) -> str:
        name = self.get("jurisdiction", str)
        with self.about("jurisdiction"):
            check_jurisdiction(name)
        return str(name)

    def dates(self) -> tuple[date | None, date | None]:
        start, end = self.get("effective_from", date, None), self.get("effective_to", date, None)
        if start is not None and end is not None and end <= start:
            self.bad("effective_to", f"{end} is not after effective_from {start}")
        return start, end

    def change(self) -> Change:
        return Change(by=self.words("by"), reason=self.words("reason"), file=self.file)

    def has(self, name: str) -> bool:
        return self._entry.get(name) is not None


def read_row(file: str, number: int, entry: Any, line: int) -> LawRow:
    """`reason` and `by` belong to rows of the operators' own files; they go together."""
    fields = Fields(file, f"row {number}", entry, _ROW_FIELDS, line)
    start, end = fields.dates()
    row_id = fields.words("id")
    with fields.about("also_zones"):
        zones = tuple(parse_zone(str(zone)) for zone in fields.get("also_zones", list, []))
    certainty = fields.choice("certainty", get_args(Certainty))
    needed = fields.choice("consent_needed", get_args(ConsentNeed))
    hours, quiet = _read_hours(fields), fields.get("quiet_dates", list, [])
    lifted_by = fields.choice("hours_lifted_by", get_args(LiftedBy), "nothing")
    if lifted_by != "nothing" and hours is None and not quiet:
        fields.bad("hours_lifted_by", "the row has no hours that could be lifted")
    return LawRow(
        id=row_id,
        jurisdiction=fields.jurisdiction(),
        channels=fields.choices("channels", get_args(Channel)),
        hours=hours,
        quiet_dates=tuple(map(str, quiet)),
        caps=tuple(_read_cap(fields, row_id, cap) for cap in fields.get("caps", list, [])),
        effective_from=start,
        effective_to=end,
        area_code_presumption=fields.get("area_code_presumption", bool, False),
        consent_needed=needed,
        call_requested_satisfies=_read_by_request(fields, needed),
        inquiry_days=fields.count("inquiry_days"),
        also_zones=zones,
        certainty=certainty,
        consent_certainty=fields.choice("consent_certainty", get_args(Certainty), certainty),
        source=fields.words("source"),
        note=fields.get("note", str, ""),
        hours_lifted_by=lifted_by,
        change=fields.change() if fields.has("by") or fields.has("reason") else None,
    )


def read_off(file: str, number: int, entry: Any, line: int) -> SwitchedOff:
    fields = Fields(file, f"off {number}", entry, _OFF_FIELDS, line)
    start, end = fields.dates()
    return SwitchedOff(fields.words("id"), fields.jurisdiction(), start, end, fields.change())


def read_dates(file: str, key: str, entry: Any, line: int) -> frozenset[date]:
    fields = Fields(file, f"quiet_dates {key}", entry, frozenset({"source", "certainty", "note", "days"}), line)
    fields.words("source")
    fields.choice("certainty", get_args(Certainty))
    rules = []
    for written in fields.get("days", list):
        known = dict(written) if isinstance(written, dict) else {}
        try:
            if "weekday" in known:
                known["weekday"] = _DAYS.index(known["weekday"])
            rules.append(HolidayRule(**known))
        except (TypeError, ValueError) as error:
            at = written.line if isinstance(written, Marked) else fields.line
            raise LawError(f"{file}:{at}: {fields.what}: field days: {written!r}: {error}") from None
    return dates_of(rules, YEARS)


def _read_by_request(fields: Fields, needed: str) -> bool:
    implied = needed in SATISFIED_BY_CALL_REQUEST
    answer = bool(fields.get("call_requested_satisfies", bool, implied))
    if (implied and not answer) or (answer and needed in _NEVER_BY_REQUEST):
        fields.bad("call_requested_satisfies", f"{str(answer).lower()} contradicts consent_needed: {needed}")
    return answer


def _read_hours(fields: Fields) -> Weekly | None:
    """`{mon-fri: [09:00-20:00], sat: [09:00-17:00]}`; a day left out is closed; no hours at all: the row sets none."""
    written = fields.get("hours", dict, None)
    if written is None:
        return None
    if not written:
        fields.bad("hours", "no day is given: a row without any hour would forbid everything")
    week: dict[int, tuple[Interval, ...]] = {}
    for days, spans in written.items():
        first, _, last = str(days).partition("-")
        if first not in _DAYS or (last or first) not in _DAYS or _DAYS.index(last or first) < _DAYS.index(first):
            fields.bad("hours", f"{days!r} is not a day or a range of days such as mon-fri")
        if not isinstance(spans, list) or not spans:
            fields.bad("hours", f"{days}: expected a list such as [09:00-20:00]; leave out a day that is closed")
        read = sorted(_read_span(fields, str(span)) for span in spans)
        for (_, end), (start, _) in pairwise(read):
            if start < end:
                fields.bad("hours", f"{days}: {', '.join(map(str, spans))} overlap")
        for weekday in range(_DAYS.index(first), _DAYS.index(last or first) + 1):
            if weekday in week:
                fields.bad("hours", f"{_DAYS[weekday]} is given twice")
            week[weekday] = tuple(read)
    with fields.about("hours"):
        return checked_week(week)


def _read_span(fields: Fields, text: str) -> Interval:
    found = _SPAN.fullmatch(text)
    if found is None:
        fields.bad("hours", f"{text!r} is not a span such as 09:00-20:00")
    start, end = (int(found[n]) * 60 + int(found[n + 1]) for n in (1, 3))
    if end <= start or end > 1440:
        fields.bad("hours", f"{text!r} ends before it starts or after midnight; the day ends at 24:00")
    return start, end


def _read_cap(row: Fields, row_id: str, entry: Any) -> LawCap:
    fields = Fields(row.file, f"row {row_id}: caps", entry, _CAP_FIELDS, row.line)
    longest = int(LONGEST_CAP.total_seconds())
    spans = {name: fields.count(name) for name in ("window_s", "min_gap_s")}
    for name, seconds in spans.items():
        if seconds is not None and seconds > longest:
            fields.bad(name, f"{seconds} is more than {longest} (60 days): older touches are not looked at")
    with fields.about("max"):
        cap = Cap(fields.count("max"), spans["window_s"], fields.get("per_local_day", bool, False), spans["min_gap_s"],
                  row_id)  # fmt: skip
    after = fields.choice("after", get_args(After), "every_touch")
    return LawCap(cap, fields.choices("counts", get_args(Channel)), after)
