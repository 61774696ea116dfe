"""`speedlead oncall …`: who is on call when, who steps in, and what was worked."""

import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from speedlead.whoami import command_line, whoami

app = typer.Typer(no_args_is_help=True, help="On call: who is, who steps in, and the shifts that were worked.")

Work = Callable[[Any, Sequence[Any]], Awaitable[None]]
Cover = Annotated[str, typer.Argument(help="The id of the cover in the calendar file")]
First = Annotated[str, typer.Option("--from", help="First local day, such as 2026-12-24")]
Last = Annotated[str | None, typer.Option("--to", help="Last day, included; without it that one day")]
Level = Annotated[int, typer.Option(min=1, help="1 is rung first")]


@app.command()
def show(
    since: Annotated[str | None, typer.Option("--from", help="First local day; the present one without it")] = None,
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days")] = 14,
) -> None:
    """Who is on call in the coming days, from when to when, and why: the rotation, an override, or time off."""
    from rich.console import Console
    from rich.table import Table

    from speedlead.oncallweek import current_day, lines
    from speedlead.store.oncall import notes

    wanted = _date("--from", since) if since else None

    async def work(conn: Any, rosters: Sequence[Any]) -> None:
        first = wanted or current_day(rosters, datetime.now(UTC))
        found = list(lines(rosters, first, days, await notes(conn, first, first + timedelta(days=days))))
        if not rosters:
            print("The calendar file has no on-call cover with a rotation.")
            return
        table = Table("day", "hours", "cover", "level", "who", "why")
        for line in found:
            day, hours = f"{line.day:%a} {line.day}", f"{line.hours} {line.zone}"
            table.add_row(day, hours, line.cover, str(line.level), line.rep or "nobody", line.why)
        Console().print(table)

    _with_rosters(work)


@app.command()
def override(
    cover: Cover,
    rep: Annotated[str, typer.Argument(help="E-mail address of who steps in")],
    since: First,
    why: Annotated[str, typer.Option(help="The reason, for whoever looks at it later")],
    until: Last = None,
    level: Level = 1,
) -> None:
    """Somebody steps in on these local days, from hand-over to hand-over, whoever's turn it is."""
    from speedlead.clock import SystemClock
    from speedlead.store.oncall import Override, put_override

    first = _date("--from", since)
    asked = Override(cover, level, first, _date("--to", until) if until else first, rep, why)

    async def work(conn: Any, rosters: Sequence[Any]) -> None:
        await put_override(conn, rosters, asked, whoami(), SystemClock().business(0))
        await _noted(conn, "oncall override", cover, level, asked.first, asked.last)
        print(f"{cover}, level {level}: {rep} steps in from {asked.first} to {asked.last}")

    _with_rosters(work)


@app.command()
def remove(cover: Cover, since: First, until: Last = None, level: Level = 1) -> None:
    """Take overrides away: those days are the rotation's again."""
    from speedlead.clock import SystemClock
    from speedlead.store.oncall import remove_override

    first = _date("--from", since)
    last = _date("--to", until) if until else first

    async def work(conn: Any, rosters: Sequence[Any]) -> None:
        gone = await remove_override(conn, rosters, cover, level, first, last, SystemClock().business(0))
        await _noted(conn, "oncall remove", cover, level, first, last)
        print(f"{cover}, level {level}: {gone} days are the rotation's again")

    _with_rosters(work)


@app.command()
def export(
    since: First,
    until: Annotated[str, typer.Option("--to", help="Last local day, included")],
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, for a spreadsheet or payroll")] = False,
) -> None:
    """The shifts that were worked in the duties of these days, with the leads that were offered and taken in them."""
    first, last = _date("--from", since), _date("--to", until)
    if last < first:
        print(f"--to: {last} lies before {first}", file=sys.stderr)
        raise typer.Exit(2)

    async def work(conn: Any, _: Sequence[Any]) -> None:
        from speedlead.store.oncall import worked

        _print(await worked(conn, first, last), csv=csv)

    _with_rosters(work)


COLUMNS = ("email", "name", "cover", "level", "day", "starts_utc", "ends_utc", "zone", "starts_local", "ends_local",
           "minutes", "why", "leads_called", "leads_accepted")  # fmt: skip


def _print(shifts: Sequence[Any], *, csv: bool) -> None:
    import csv as writer

    from rich.console import Console
    from rich.table import Table

    rows = [
        (s.email, s.name, s.cover, str(s.level), str(s.day), f"{s.starts_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
         f"{s.ends_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", s.zone, f"{s.starts_local:%Y-%m-%d %H:%M}",
         f"{s.ends_local:%Y-%m-%d %H:%M}", str(s.minutes), s.why, str(s.called), str(s.accepted))
        for s in shifts
    ]  # fmt: skip
    if csv:
        out = writer.writer(sys.stdout, lineterminator="\n")
        # a name that begins like a formula would be run by a spreadsheet
        out.writerows([COLUMNS, *([f"'{cell}" if cell[:1] in "=+-@\t\r" else cell for cell in row] for row in rows)])
        return
    table = Table("who", "cover", "level", "local time", "minutes", "why", "called", "accepted")
    for s in shifts:
        span = f"{s.starts_local:%a %Y-%m-%d %H:%M} – {s.ends_local:%a %H:%M} {s.zone}"
        table.add_row(s.email, s.cover, str(s.level), span, str(s.minutes), s.why, str(s.called), str(s.accepted))
    Console().print(table)


def _date(option: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        print(f"{option}: expected a date such as 2026-12-21, got {text!r}", file=sys.stderr)
        raise typer.Exit(2) from None


async def _noted(conn: Any, action: str, cover: str, level: int, first: date, last: date) -> None:
    from speedlead.clock import SystemClock
    from speedlead.store import audit

    asked = {"cover": cover, "level": str(level), "from": str(first), "to": str(last)}
    change = audit.Change(None, command_line(), None, action, None, asked)
    await audit.end(conn, await audit.begin(conn, change, None, SystemClock().wall()), None, 0)


def _with_rosters(work: Work) -> None:
    """Runs `work(connection, rosters)` in one transaction. Exits with 1 and what is wrong, or 2 without a database."""
    import asyncio

    from speedlead.calendarbook import CalendarError, load_calendars
    from speedlead.embedded.where import database_of
    from speedlead.settings import load_settings
    from speedlead.store.oncall import OverrideRefused
    from speedlead.store.pool import open_pool
    from speedlead.store.reps import read_rosters
    from speedlead.store.transactions import StoreUnavailable, transact

    settings = load_settings()
    url = database_of(settings)
    if url is None:
        print("SPEEDLEAD_DATABASE_URL: expected while no `speedlead up` runs on this data folder", file=sys.stderr)
        raise typer.Exit(2)

    async def run() -> None:
        calendars, _ = load_calendars(settings.calendars_file)
        pool = await open_pool(url, size=2)

        async def whole(conn: Any) -> None:
            await work(conn, await read_rosters(conn, calendars))

        try:
            await transact(pool, whole)
        finally:
            await pool.close()

    try:
        asyncio.run(run())
    except (CalendarError, OverrideRefused) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    except (OSError, StoreUnavailable) as error:
        print(f"The database does not answer: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
