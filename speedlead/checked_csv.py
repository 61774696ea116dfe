"""A CSV file read row by row; every fault is one line: file, line, and what was expected."""

import csv
import io
from collections.abc import Collection, Iterator

from speedlead.checked_yaml import FileFault


def rows_of(
    text: str, name: str, columns: Collection[str], faults: list[str], *, needed: Collection[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and cells, without the spaces around them; a row of another length is added to `faults` instead.

    Raises FileFault where the first line has an unknown column, one twice, or lacks one, and where it is no CSV at all.
    """
    # Excel puts a byte-order mark before the first column, and semicolons where a comma is for decimals
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    between = ";" if ";" in head and "," not in head else ","
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True, delimiter=between)
    try:
        had = [column.strip() for column in rows.fieldnames or ()]
        if unknown := [column for column in had if column not in columns]:
            raise FileFault(f"{name}:1: unknown column {unknown[0]!r}; expected some of {', '.join(columns)}")
        if twice := [column for column in had if had.count(column) > 1]:
            raise FileFault(f"{name}:1: the column {twice[0]!r} stands twice")
        if missing := [column for column in needed if column not in had]:
            raise FileFault(f"{name}:1: expected the column {missing[0]!r}; have {', '.join(had) or 'none'}")
        rows.fieldnames = had
        for row in rows:
            if None in row or None in row.values():
                faults.append(f"{name}:{rows.line_num}: expected {len(had)} cells, as in the first line")
            else:
                yield rows.line_num, {column: cell.strip() for column, cell in row.items()}
    except csv.Error as error:
        raise FileFault(f"{name}:{rows.line_num}: not readable as CSV: {error}") from None
