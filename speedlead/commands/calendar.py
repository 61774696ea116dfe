"""`speedlead calendar …`: check the calendar against a file of cases."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Check business hours, holidays and time zones.")


@app.callback()
def calendar() -> None:
    pass  # keeps `check` a subcommand although it is the only one


@app.command()
def check(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON file of cases")]) -> None:
    """Compare the calendar with every row of FILE; print the rows that differ and exit with 1 if there are any."""
    from speedlead.vectors import check_file

    wrong = check_file(file)
    for row in wrong:
        print(row)
    if wrong:
        raise typer.Exit(1)
    print(f"{file}: all rows agree")
