"""`speedlead calendar …`: check the calendar against a file of cases, and show business calendars."""

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Check and show business hours, holidays and time zones.")


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


@app.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="A calendar file; without one the one in use")] = None,
    since: Annotated[str | None, typer.Option("--from", help="First day, such as 2026-12-21; today without it")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days")] = 7,
) -> None:
    """The coming days of every calendar in FILE: hours, closures, half days, and who is on call."""
    from rich.console import Console
    from rich.table import Table

    from speedlead.calendarbook import CalendarError, load_calendars
    from speedlead.calendarweek import week_of
    from speedlead.planbook import load_plan
    from speedlead.settings import load_settings

    settings = load_settings()
    try:
        first = date.fromisoformat(since) if since else datetime.now(UTC).date()
        calendars, _ = load_calendars(file or settings.calendars_file)
        plan = load_plan(settings.plan_file)
    except CalendarError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    except ValueError:
        print(f"--from: expected a date such as 2026-12-21, got {since!r}", file=sys.stderr)
        raise typer.Exit(2) from None
    console = Console()
    for name, rows in week_of(calendars, plan.hours["call"], [first + timedelta(days=n) for n in range(days)]):
        table = Table("day", "open", "why", "on call", title=name)
        for row in rows:
            table.add_row(f"{row.day:%a} {row.day}", row.open or "closed", row.why, row.on_call)
        console.print(table)
