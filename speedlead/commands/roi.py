"""`speedlead roi`: what answering sooner is worth, by the example and by one's own data."""

import json
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

app = typer.Typer(help="What answering sooner is worth: a range, its sources, and what to look at when it falls.")

Text = str | None


@app.callback(invoke_without_command=True)
def roi(
    currency: Annotated[
        Text, typer.Option(help="ISO 4217, such as EUR; without it that of your bookkeeping, or USD")
    ] = None,
    rate_usd: Annotated[
        Text, typer.Option(help="What a dollar costs in that currency, for the examples in dollars")
    ] = None,
    rate_eur: Annotated[Text, typer.Option(help="What a euro costs in that currency, for the example in euros")] = None,
    leads: Annotated[Text, typer.Option(help="Leads a month")] = None,
    response_now: Annotated[Text, typer.Option(help="Minutes until they are answered now")] = None,
    response_then: Annotated[Text, typer.Option(help="Minutes until they are answered then")] = None,
    conversion: Annotated[Text, typer.Option(help="Per cent of leads that buy now")] = None,
    times: Annotated[Text, typer.Option(help="Times as many that buy then")] = None,
    times_careful: Annotated[Text, typer.Option(help="The same, carefully")] = None,
    deal_value: Annotated[Text, typer.Option(help="What a customer brings")] = None,
    tools: Annotated[Text, typer.Option(help="Tools, a month")] = None,
    people: Annotated[Text, typer.Option(help="More people, a month")] = None,
    other: Annotated[Text, typer.Option(help="Everything else, a month")] = None,
    one_off: Annotated[Text, typer.Option(help="Set-up, once")] = None,
    minutes_saved: Annotated[Text, typer.Option(help="Minutes of work saved for each lead")] = None,
    hour: Annotated[Text, typer.Option(help="What an hour of that work costs")] = None,
    lead_cost: Annotated[Text, typer.Option(help="What a lead costs")] = None,
    support: Annotated[Text, typer.Option(help="What the support of a customer costs")] = None,
    period: Annotated[str, typer.Option(help="Of the own data: 90d, 30d, 365d …")] = "90d",
    own: Annotated[
        bool, typer.Option("--own/--example", help="Fill in what the database knows, or the example alone")
    ] = True,
    evidence: Annotated[bool, typer.Option("--evidence", help="Every figure that is quoted, with its source")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON; amounts are text")] = False,
) -> None:
    """Reckon it. What is not given is measured where there is a database, else it is the example's."""
    typed = {name: text for name, text in locals().items() if isinstance(text, str) and name != "period"}
    if evidence:
        _evidence(as_json)
        return
    _reckon(typed, period, own, as_json)


def _reckon(typed: Mapping[str, str], period: str, own: bool, as_json: bool) -> None:
    import asyncio

    from speedlead.embedded.where import database_of
    from speedlead.lead_filter import FilterError
    from speedlead.roi import document
    from speedlead.roi.inputs import RoiRefused, read
    from speedlead.roi.measured import filled_in, own_views
    from speedlead.roi.reckon import reckon
    from speedlead.settings import load_settings

    url = database_of(load_settings()) if own else None
    found, checks = None, ()
    try:
        if url is not None:
            found, checks = asyncio.run(_measured(url, period))
        measured, default = filled_in(found, typed, "USD")
        inputs = read(typed, measured, default_currency=default)
        reckoned = reckon(inputs, own_views(found, inputs) if found is not None else ())
    except RoiRefused as error:
        for name, text in error.problems.items():
            print(f"--{name.replace('_', '-')}: {text}", file=sys.stderr)
        raise typer.Exit(2) from None
    except FilterError as error:
        print(f"--{error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except OSError as error:
        print(f"The database does not answer: {error}. `--example` needs none.", file=sys.stderr)
        raise typer.Exit(1) from None
    if as_json:
        known = (
            None if found is None else {"days": f"{found.days:.1f}", "leads": found.leads, "converted": found.converted}
        )
        print(json.dumps(document.as_json(reckoned, known, checks), indent=2))
        return
    _show(reckoned, found, checks)


async def _measured(url: str, period: str) -> Any:
    import asyncpg

    from speedlead.clock import SystemClock
    from speedlead.numbers.read import Numbers
    from speedlead.roi.measured import checks, measure
    from speedlead.store.pool import open_pool
    from speedlead.store.transactions import StoreUnavailable

    try:
        pool = await open_pool(url, size=2)
        try:
            numbers, now = Numbers(pool), SystemClock().wall()
            return await measure(pool, numbers, now, period), await checks(pool, numbers, now)
        finally:
            await pool.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, StoreUnavailable, TimeoutError) as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def _show(reckoned: Any, found: Any, checks: Any) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from speedlead.roi import document
    from speedlead.roi.inputs import FIELDS

    console = Console()
    for line in document.summary(reckoned):
        console.print(escape(line))
    given = Table("what", "value", "whose", "source", box=box.SIMPLE_HEAD, pad_edge=False)
    for field in FIELDS:
        value = reckoned.inputs.values[field.name]
        row = (field.label, document.value_text(reckoned.inputs, field), document.WHOSE[value.whose], value.source)
        given.add_row(*(escape(text) for text in row))
    console.print(given)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("a month")
    for month in reckoned.months:
        table.add_column(month.view.title, justify="right")
    for name, texts in document.months(reckoned):
        table.add_row(name, *texts)
    console.print(table)
    for check in checks:
        then = f" {check.then}" if check.state == "look" else ""
        said = escape(f"{check.area}: {check.title}: {check.says}.{then}")
        console.print(f"[{'red' if check.state == 'look' else 'dim'}]{check.state:<8}[/]{said}")
    if found is None:
        console.print("No database is set and no `speedlead up` runs here: nothing of it is measured.")
    elif not found.usable:
        console.print("There are no leads of a week yet: nothing of it is measured.")


def _evidence(as_json: bool) -> None:
    from rich.console import Console
    from rich.markup import escape

    from speedlead.roi.evidence import evidence

    book = evidence()
    if as_json:
        print(book.model_dump_json(indent=2))
        return
    console = Console()
    console.print(escape(book.note))
    for row in book.figures:
        console.print(f"{escape(row.says)} [dim]{escape(row.source)}[/]")
    for table in book.tables:
        console.print(f"\n[bold]{escape(table.title)}[/] [dim]{escape(table.source)}[/]")
        console.print(escape(" · ".join(table.columns)))
        for cells in table.rows:
            console.print(escape("  " + " · ".join(cells)))
