"""A table as a page shows it and as a file of comma-separated values holds it: the same rows, other words for units."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from speedlead import times

Kind = Literal["text", "count", "share", "seconds", "number", "money"]
NONE = "–"
# a spreadsheet would take such a text for a formula
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Column:
    """`share` is 0 to 1, `seconds` a length of time, `money` an amount rounded as its currency is."""

    title: str
    kind: Kind = "text"


def count(title: str) -> Column:
    return Column(title, "count")


def share(title: str) -> Column:
    return Column(title, "share")


def seconds(title: str) -> Column:
    return Column(title, "seconds")


@dataclass(frozen=True, slots=True)
class Table:
    """A cell is None where nothing can be said: no lead, nothing due."""

    columns: tuple[Column, ...]
    rows: Sequence[tuple[Any, ...]]

    def shown(self) -> list[list[str]]:
        return [
            [shown(value, column.kind) for value, column in zip(row, self.columns, strict=True)] for row in self.rows
        ]

    def csv(self) -> str:
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow([_UNITS[column.kind].format(column.title) for column in self.columns])
        for row in self.rows:
            writer.writerow([_raw(value, column.kind) for value, column in zip(row, self.columns, strict=True)])
        return out.getvalue()


_UNITS: dict[Kind, str] = {
    "text": "{}", "count": "{}", "share": "{} (%)", "seconds": "{} (s)", "number": "{}", "money": "{}",
}  # fmt: skip


def shown(value: Any, kind: Kind) -> str:
    if value is None:
        return NONE
    match kind:
        case "count":
            return f"{value:,}"
        case "share":
            return percent(value)
        case "seconds":
            return times.span(value)
        case "number":
            return f"{value:.1f}"
        case "money":
            return f"{value:,}".replace("-", "−")
    return str(value)


def percent(part: float) -> str:
    """Never rounded up to a whole that it is not."""
    number = 100 * part
    digits = 0 if number in (0, 100) or 10 <= number < 99 else 1
    text = f"{number:.{digits}f}"
    return ("99.9" if text in ("100", "100.0") and number < 100 else text) + "\N{NO-BREAK SPACE}%"


def _raw(value: Any, kind: Kind) -> str:
    if value is None:
        return ""
    match kind:
        case "share":
            return f"{100 * value:.2f}"
        case "seconds" | "number":
            return f"{value:.2f}"
        case "count" | "money":
            return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
