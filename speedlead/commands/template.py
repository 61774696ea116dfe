"""`speedlead template`: check message templates before they are used, list them, and preview one."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from speedlead.composing.show import Shown
    from speedlead.records import LeadRecord
    from speedlead.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Message templates: check, list and preview.")


@app.command()
def check(
    folder: Annotated[Path | None, typer.Argument(help="A folder of templates; without one, the one in use")] = None,
) -> None:
    """Read every template and script as the start does; one line per finding, exit 1 unless all are warnings.

    With a database at hand, a text that changed without a higher version is found as well.
    """
    from datetime import UTC, datetime

    from speedlead.composer import ComposeError
    from speedlead.composing.assemble import editions_of, read_composer
    from speedlead.composing.lint import lint
    from speedlead.scriptbook import load_scripts, warnings
    from speedlead.settings import load_settings

    settings = load_settings()
    if folder is not None:
        settings = settings.model_copy(update={"templates_dir": folder})
    today = datetime.now(UTC).date()
    try:
        composer, editions = read_composer(settings), editions_of(settings)
        found = lint(composer, today)
        lines = [str(finding) for finding in found]
        for script, file in load_scripts(settings.templates_dir).values():
            lines += warnings(script, file, today)
        changed = asyncio.run(_changed(settings))
    except ComposeError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    for line in (*lines, *changed):
        print(line, file=sys.stderr)
    if changed or any(not finding.warning for finding in found):
        raise typer.Exit(1)
    languages = ", ".join(sorted(composer.book.words))
    print(f"{len(editions)} files in {languages}: nothing wrong" + (f", {len(lines)} warnings" if lines else ""))


@app.command(name="list")
def list_() -> None:
    """Every template in use: its version, who owns it, and when somebody has to read it again."""
    from rich.console import Console
    from rich.table import Table

    from speedlead.composer import ComposeError
    from speedlead.composing.assemble import editions_of
    from speedlead.settings import load_settings

    try:
        editions = editions_of(load_settings())
    except ComposeError as error:
        _refuse(str(error))
    table = Table("channel", "template", "language", "version", "owner", "review by")
    for e in sorted(editions, key=lambda e: (e.channel, e.id, e.language)):
        table.add_row(e.channel, e.id, e.language, str(e.version), e.owner, str(e.review_by))
    Console().print(table)


@app.command()
def preview(
    template: Annotated[str, typer.Argument(help="Such as acknowledgement or missed_you")],
    lead: Annotated[str | None, typer.Option(help="A lead's id")] = None,
    sample: Annotated[bool, typer.Option("--sample", help="A lead that is nobody")] = False,
    lang: Annotated[str | None, typer.Option(help="Such as de; without it, the lead's own")] = None,
    channel: Annotated[str | None, typer.Option(help="email or sms; without it, every one that it has")] = None,
) -> None:
    """Show a message as a lead would get it: subject, text and HTML, or the text message with its segments."""
    from rich.console import Console
    from rich.markup import escape

    from speedlead.composer import ComposeError
    from speedlead.composing.assemble import read_composer
    from speedlead.composing.samples import SAMPLE
    from speedlead.composing.show import show
    from speedlead.settings import load_settings

    if (lead is None) != sample:
        _refuse("--lead: expected one of --lead ID and --sample")
    settings = load_settings()
    console = Console(highlight=False)
    try:
        composer = read_composer(settings)
        who = SAMPLE if lead is None else asyncio.run(_lead(settings, lead))
        channels = [channel] if channel else [c for c in ("email", "sms") if composer.book.languages(c, template)]
        made: list[Shown] = [show(composer, each, template, who, lang) for each in channels or ["email"]]
    except (ComposeError, LookupError) as error:
        _refuse(str(error))
    for shown in made:
        console.print(f"[bold]{escape(shown.message.edition)}[/bold]")
        if shown.counted is None:
            console.print(f"Subject: {escape(shown.message.subject or '')}\n\n{escape(shown.message.text)}")
            console.print(f"[dim]{escape(shown.message.html or '')}[/dim]")
        else:
            counted = shown.counted
            console.print(escape(shown.message.text), soft_wrap=True)
            console.print(f"[dim]{counted.encoding}, {counted.units} units, segments: {counted.segments}[/dim]\n")


async def _lead(settings: "Settings", lead_id: str) -> "LeadRecord":
    import uuid

    import asyncpg

    from speedlead.embedded.where import database_of
    from speedlead.store.leads import LeadStore
    from speedlead.store.pool import open_pool

    url = database_of(settings)
    if url is None:
        raise LookupError(
            "SPEEDLEAD_DATABASE_URL: expected for --lead while no `speedlead up` runs on this data folder"
        )
    try:
        uuid.UUID(lead_id)
    except ValueError:
        raise LookupError(f"--lead: expected a lead's id, got {lead_id!r}") from None
    try:
        pool = await open_pool(url)
    except (OSError, asyncpg.PostgresError) as error:
        raise LookupError(f"the database does not answer: {error}") from None
    try:
        return await LeadStore(pool).read(lead_id)
    finally:
        await pool.close()


async def _changed(settings: "Settings") -> list[str]:
    """Texts that changed without a higher version, as the database knows them; none without a database."""
    import asyncpg

    from speedlead.composing.assemble import editions_of
    from speedlead.embedded.where import database_of
    from speedlead.store.templates import conflicts

    url = database_of(settings)
    if url is None:
        return []
    try:
        connection = await asyncpg.connect(url, timeout=5)
    except (OSError, asyncpg.PostgresError) as error:
        print(f"versions were not compared: the database does not answer: {error}", file=sys.stderr)
        return []
    try:
        return await conflicts(connection, editions_of(settings))
    except asyncpg.UndefinedTableError:
        return []  # a database that is still to be migrated knows no versions
    finally:
        await connection.close()


def _refuse(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    raise typer.Exit(2)
