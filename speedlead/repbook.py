"""Reads files of reps, YAML or CSV. All faults are told at once, each with its line and field."""

import re
from pathlib import Path

from pydantic import ValidationError

from speedlead.checked_csv import rows_of
from speedlead.checked_yaml import FileFault, parse, read_text
from speedlead.domain.rep_entry import RepEntry, RepFile
from speedlead.jurisdictions import check_jurisdiction

_LISTS = ("territories", "products", "languages", "channels")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_COLUMNS = tuple(RepEntry.model_fields)


class RepFileError(FileFault):
    """A file of reps that cannot be used; the text is for the person who wrote the file."""


def load_reps(file: Path) -> tuple[RepEntry, ...]:
    """The file's ending says what it is. Raises RepFileError with one line per fault; then nothing of it is used."""
    try:
        text = read_text(file)
        if file.suffix.lower() == ".csv":
            return _from_csv(text.removeprefix("\ufeff"), str(file))
        if file.suffix.lower() not in (".yaml", ".yml"):
            raise FileFault(f"{file}: expected a file that ends with .yaml, .yml or .csv")
        return parse(RepFile, text, str(file), whole="reps", context=check_jurisdiction).reps
    except FileFault as fault:
        raise RepFileError(str(fault)) from None


def _from_csv(text: str, name: str) -> tuple[RepEntry, ...]:
    faults: list[str] = []
    reps: list[RepEntry] = []
    seen: dict[str, int] = {}
    for line, row in rows_of(text, name, _COLUMNS, faults):
        try:
            rep = RepEntry.model_validate(from_cells(row), context=check_jurisdiction)
        except ValidationError as error:
            faults += [
                f"{name}:{line}: {'.'.join(map(str, fault['loc'])) or 'row'}: "
                f"{str(fault['msg']).removeprefix('Value error, ')}"
                for fault in error.errors()
            ]
            continue
        if rep.email in seen:
            faults.append(f"{name}:{line}: email: {rep.email} stands in line {seen[rep.email]} already")
        seen.setdefault(rep.email, line)
        reps.append(rep)
    if not faults and not reps:
        faults.append(f"{name}: expected one rep at least")
    if faults:
        raise FileFault("\n".join(faults))
    return tuple(reps)


def from_cells(row: dict[str, str]) -> dict[str, object]:
    """The cells as the YAML file would have them; an empty cell is left out."""
    given: dict[str, object] = {name: cell.strip() for name, cell in row.items() if cell.strip()}
    for name in _LISTS:
        if name in given:
            given[name] = _split(str(given[name]))
    if "hours" in given:
        given["hours"] = _week(str(given["hours"]))
    if "time_off" in given:
        spans = [span.partition("..") for span in _split(str(given["time_off"]))]
        given["time_off"] = [{"from": first, "to": last or first} for first, _, last in spans]
    return given


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def _week(cell: str) -> object:
    """`mon-fri 09:00-12:00 13:00-17:00; sat 10:00-14:00`; what is not so written is left for the model to refuse."""
    week: dict[str, list[str]] = {}
    for part in _split(cell):
        days, *spans = part.split()
        first, dash, last = days.partition("-")
        names = [first]
        if dash and {first, last} <= set(_DAYS) and _DAYS.index(first) <= _DAYS.index(last):
            names = list(_DAYS[_DAYS.index(first) : _DAYS.index(last) + 1])
        elif dash or not re.fullmatch("[a-z]{3}", first):
            return cell
        for name in names:
            week.setdefault(name, []).extend(spans)
    return week
