"""The law that is in use: the packaged tables (`speedlead/law/*.yaml`) and the operators' own files laid over them.

A file has `as_of`, `rows`, `quiet_dates`; a file of the operators also `off`. There a row whose `id` is that of a
packaged one replaces it, on the dates it names, and says why (`reason`) and who decided (`by`); so does every entry of
`off`. Any other row is added.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from speedlead import marked_yaml
from speedlead.domain.law import HOUSE, LawBook, LawRow, SwitchedOff
from speedlead.domain.law_overlay import clash, overlaid
from speedlead.law_rows import YEARS, LawError, read_dates, read_off, read_row
from speedlead.marked_yaml import Marked

__all__ = ["FOLDER", "YEARS", "LawError", "load"]

FOLDER = Path(__file__).parent / "law"


@dataclass
class _Files:
    """What stands in the files of one folder. `where`: rows and entries of `off` by identity, lists by name."""

    as_of: str = ""
    digest: str = ""
    rows: list[LawRow] = field(default_factory=list)
    off: list[SwitchedOff] = field(default_factory=list)
    dates: dict[str, frozenset[date]] = field(default_factory=dict)
    where: dict[int | str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def load(own: Path | None = None) -> LawBook:
    """The packaged book; with `own`, a file or a folder of `*.yaml`, that laid over it. Raises LawError.

    The version is the newest `as_of` and a digest of the content; own files add a digest of theirs.
    """
    base = _read(FOLDER)
    _check(base, base.dates)
    if own is None:
        return LawBook(f"{base.as_of}+{base.digest}", tuple(base.rows), base.dates)
    mine = _read(own, own=True)
    dates = base.dates | mine.dates
    _check_overrides(base, mine)
    _check(mine, dates)
    as_of = max(base.as_of, mine.as_of)
    version = f"{as_of}+{base.digest}+own.{mine.digest}"
    return LawBook(version, overlaid(base.rows, mine.rows, mine.off), dates, tuple(mine.off))


def _read(source: Path, *, own: bool = False) -> _Files:
    found, digest = _Files(), hashlib.sha256()
    files = sorted(source.glob("*.yaml")) if source.is_dir() else [source]
    if not files:
        raise LawError(f"{source}: no *.yaml in this folder")
    for file in files:
        name = str(file) if own else file.name
        try:
            raw = file.read_bytes()
            data = marked_yaml.read(raw.decode("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
            raise LawError(f"{name}: cannot be read: {error}") from None
        digest.update(raw)
        _read_file(found, name, data, {"as_of", "rows", "quiet_dates", *(("off",) if own else ())})
    found.digest = digest.hexdigest()[:8]
    if not found.faults and not (found.rows or found.off or found.dates):
        found.faults.append(f"{source}: no rows found")
    return found


def _read_file(found: _Files, name: str, data: Any, allowed: set[str]) -> None:
    expected = ", ".join(sorted(allowed))
    if not isinstance(data, Marked):
        found.faults.append(f"{name}:1: expected a mapping with {expected}")
        return

    def bad(key: str, problem: str) -> None:
        found.faults.append(f"{name}:{data.lines.get(key, data.line)}: field {key}: {problem}")

    for key in sorted(set(data) - allowed):
        bad(key, f"unknown field; there are {expected}")
    as_of = data.get("as_of")
    if isinstance(as_of, date):
        found.as_of = max(found.as_of, str(as_of))
    else:
        bad("as_of", "expected a date such as 2027-01-31")
    if not isinstance(data.get("quiet_dates") or Marked(), Marked):
        bad("quiet_dates", "expected a mapping of lists of days")
    else:
        _read_lists(found, name, data.get("quiet_dates") or Marked())
    for kind in ("rows", "off"):
        if not isinstance(data.get(kind) or [], list):
            bad(kind, "expected a list")
        else:
            _read_entries(found, name, kind, data)


def _read_lists(found: _Files, name: str, lists: Marked) -> None:
    for key, entry in lists.items():
        where = f"{name}:{lists.lines[key]}: quiet_dates {key}"
        if key in found.dates:
            found.faults.append(f"{where}: another file has a list of this name")
        read = _guarded(found, read_dates, name, key, entry, lists.lines[key])
        if read is not None:
            found.dates[key], found.where[key] = read, where


def _read_entries(found: _Files, name: str, kind: str, data: Marked) -> None:
    for number, entry in enumerate(data.get(kind) or [], 1):
        line = entry.line if isinstance(entry, Marked) else data.lines[kind]
        read = _guarded(found, read_row if kind == "rows" else read_off, name, number, entry, line)
        if read is not None:
            (found.rows if kind == "rows" else found.off).append(read)
            found.where[id(read)] = f"{name}:{line}: {kind.removesuffix('s')} {read.id}"


def _guarded(found: _Files, read: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return read(*arguments)
    except LawError as error:
        found.faults.append(str(error))
        return None


def _check(files: _Files, dates: dict[str, frozenset[date]]) -> None:
    """Names that rows use, and ids that clash. Raises LawError with every fault of the files."""
    faults = files.faults
    for row in files.rows:
        unknown = (key for key in row.quiet_dates if key not in dates)
        known = ", ".join(sorted(dates))
        faults += [f"{files.where[id(row)]}: field quiet_dates: no list is called {key!r}; there are {known}"
                   for key in unknown]  # fmt: skip
    twice = clash((*files.rows, *files.off))
    if twice is not None:
        faults.append(f"{files.where[id(twice)]}: field id: another entry with this id is for the same dates")
    if faults:
        raise LawError("\n".join(faults))


def _check_overrides(base: _Files, mine: _Files) -> None:
    """What an override must say, and what it must not do. Adds to the faults of `mine`."""
    for key in sorted(mine.dates.keys() & base.dates.keys()):
        mine.faults.append(
            f"{mine.where[key]}: there is a packaged list of this name: choose another and replace the rows that use it"
        )
    packaged = {row.id: row for row in base.rows}
    overrides: list[LawRow | SwitchedOff] = [*mine.rows, *mine.off]
    for entry in overrides:
        old = packaged.get(entry.id)

        def bad(name: str, problem: str, where: str = mine.where[id(entry)]) -> None:
            mine.faults.append(f"{where}: field {name}: {problem}")

        if old is None:
            if isinstance(entry, SwitchedOff):
                bad("id", f"no packaged row is called {entry.id!r}")
            continue
        if old.jurisdiction != entry.jurisdiction:
            bad("jurisdiction", f"the packaged row {old.id} is for {old.jurisdiction!r}")
        if isinstance(entry, SwitchedOff):
            if old.jurisdiction == HOUSE:
                bad("id", "this row holds where no law is known: it may be replaced, not switched off")
            continue
        if entry.change is None:
            bad("reason", "is missing, as is by: this row replaces a packaged one")
        if missing := sorted(set(old.channels) - set(entry.channels)):
            other = ", ".join(missing)
            bad(
                "channels", f"the packaged row is for {other} too: name all, or switch it off and add one of another id"
            )
