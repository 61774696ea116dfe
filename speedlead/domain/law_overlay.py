"""Rows of the operators' own laid over the packaged ones. Pure; `speedlead.lawbook` reads the files.

An override rules on the dates that it names, [effective_from, effective_to); before and after them the packaged row
stays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from speedlead.domain.law import LawRow, SwitchedOff


def overlaid(base: Sequence[LawRow], rows: Sequence[LawRow], off: Sequence[SwitchedOff]) -> tuple[LawRow, ...]:
    """The rows in force together: a replaced row's successor stands in its place, new rows at the end."""
    overrides: list[LawRow | SwitchedOff] = [*rows, *off]
    known = {row.id for row in base}
    found: list[LawRow] = []
    for row in base:
        mine = [override for override in overrides if override.id == row.id]
        left = [row]
        for override in mine:
            left = [part for whole in left for part in _without(whole, override)]
        found += [*left, *(override for override in mine if isinstance(override, LawRow))]
    return (*found, *(row for row in rows if row.id not in known))


def clash(overrides: Iterable[LawRow | SwitchedOff]) -> LawRow | SwitchedOff | None:
    """An override whose dates overlap those of an earlier one of the same row."""
    seen: list[LawRow | SwitchedOff] = []
    for override in overrides:
        if any(other.id == override.id and _overlap(other, override) for other in seen):
            return override
        seen.append(override)
    return None


def _overlap(one: LawRow | SwitchedOff, other: LawRow | SwitchedOff) -> bool:
    return max(_start(one), _start(other)) < min(_end(one), _end(other))


def _without(row: LawRow, override: LawRow | SwitchedOff) -> list[LawRow]:
    """What is left of the row before and after the override's dates."""
    parts = []
    if _start(row) < _start(override):
        parts.append(replace(row, effective_to=min(_end(row), _start(override))))
    if _end(override) < _end(row):
        parts.append(replace(row, effective_from=max(_start(row), _end(override))))
    return [
        replace(
            part,
            effective_from=None if part.effective_from == date.min else part.effective_from,
            effective_to=None if part.effective_to == date.max else part.effective_to,
        )
        for part in parts
    ]


def _start(row: LawRow | SwitchedOff) -> date:
    return row.effective_from or date.min


def _end(row: LawRow | SwitchedOff) -> date:
    return row.effective_to or date.max
