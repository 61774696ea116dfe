"""`speedlead lead …`: look at leads, with the read models of the pages, and steer them."""

import uuid
from datetime import datetime
from typing import Annotated, Any

import typer

from speedlead.command_database import with_database
from speedlead.lead_commands import add_steering
from speedlead.person_commands import add_person_commands

app = typer.Typer(no_args_is_help=True, help="Look at leads and steer them.")

LeadId = Annotated[str, typer.Argument(help="The lead's id, or its first eight characters")]


@app.command()
def show(lead_id: LeadId) -> None:
    """Print who the lead is and everything that happened, in the lead's local time."""
    with_database(lambda conn: _show(conn, lead_id))


@app.command()
def explain(lead_id: LeadId) -> None:
    """Say what happened last, what comes next and when, why, and what would change it."""
    with_database(lambda conn: _explain(conn, lead_id))


@app.command(name="list")
def list_(
    stage: Annotated[str, typer.Option(help="Only this stage")] = "",
    lead_type: Annotated[str, typer.Option("--type", help="hot, warm or cold")] = "",
    owner: Annotated[str, typer.Option(help="E-mail address of the owner; none: leads without one")] = "",
    source: Annotated[str, typer.Option(help="Only this source")] = "",
    plan: Annotated[str, typer.Option(help="inbound or inbound:4")] = "",
    breached: Annotated[str, typer.Option(help="yes: a target was missed; no: none was")] = "",
    next_before: Annotated[str, typer.Option(help="Next touch before this moment: 2026-11-23T15:00Z")] = "",
    program: Annotated[str, typer.Option(help="none, all, nurture or customer; with --plan all, else none")] = "",
    state: Annotated[str, typer.Option(help="open, closed or all")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
) -> None:
    """List leads, what is due first on top."""
    given = {"state": state, "stage": stage, "type": lead_type, "owner": owner, "source": source, "plan": plan,
             "breached": breached, "next_before": next_before, "program": program}  # fmt: skip
    with_database(lambda conn: _list(conn, given, limit))


add_steering(app)
add_person_commands(app)


async def full_id(conn: Any, text: str) -> str | None:
    """The id of exactly one lead; a short one may be given."""
    from speedlead.store import views

    try:
        return str(uuid.UUID(text))
    except ValueError:
        return await views.lead_by_prefix(conn, text)


async def _show(conn: Any, text: str) -> int:
    from rich.markup import escape

    from speedlead import times, wording
    from speedlead.store import views

    lead_id = await full_id(conn, text)
    view = await views.lead_view(conn, lead_id) if lead_id else None
    if view is None or lead_id is None:
        return _missing(text)
    card = view.card
    out = _console()
    # what a lead wrote is data: square brackets in a name are no markup
    kind = f"{card.lead_type} · {wording.intent(card.intent)} · {wording.stage(card.stage)}"
    out.print(f"[bold]{escape(card.title)}[/]  {kind}")
    out.print(escape(f"lead {lead_id} · {card.company or 'no company'} · owner {card.owner_name or 'nobody yet'}"))
    doubt = "" if card.zone_known else " (where the lead is, is not known)"
    out.print(f"times in {times.zone_label(card.zone)}{doubt}\n")
    table = _table("when", "what", "step", "why")
    for entry in await views.timeline(conn, lead_id):
        what = entry.what if entry.result is None or entry.channel else f"{entry.what}: {entry.result}"
        table.add_row(times.clock(entry.at, entry.zone, seconds=True), escape(what), wording.step(entry.step),
                      escape(entry.reason_text or ""))  # fmt: skip
    out.print(table)
    return 0


async def _explain(conn: Any, text: str) -> int:
    from rich.markup import escape

    from speedlead import telling, times
    from speedlead.clock import SystemClock
    from speedlead.store import views

    lead_id = await full_id(conn, text)
    told = await views.explain(conn, lead_id) if lead_id else None
    if told is None or lead_id is None:
        return _missing(text)
    now = SystemClock().business(told.clock_offset_us)

    def when(at: datetime) -> str:
        return f"{times.clock(at, told.zone, seconds=True)} {times.zone_label(told.zone)}, {times.relative(at, now)}"

    lines = [("owner", told.owner_name or "nobody yet"), *telling.lines(told.told, when)]
    out = _console()
    for name, value in lines:
        out.print(f"[dim]{name:<11}[/]{escape(value)}")
    await _explain_owner(conn, lead_id, out)
    return 0


async def _explain_owner(conn: Any, lead_id: str, out: Any) -> None:
    """Why this rep, and everybody else's score with what speaks against them."""
    from rich.markup import escape

    from speedlead.store.assignments import why_this_rep

    why = await why_this_rep(conn, lead_id)
    if why is None:
        return
    out.print(f"[dim]{'this rep':<11}[/]{escape(why.sentence)}{', but it has another owner now' if why.since else ''}")
    if not why.considered:
        return
    table = _table("rep", "score", *(f"{part} ×{weight:g}" for part, weight in why.weights.items()), "why not")
    for one in why.considered:
        table.add_row(escape(one.name), f"{one.score:.2f}", *(f"{one.parts[part]:.2f}" for part in why.weights),
                      one.why_not)  # fmt: skip
    out.print(table)


async def _list(conn: Any, given: dict[str, str], limit: int) -> int:
    import sys
    from dataclasses import replace

    from rich.markup import escape

    from speedlead import times, wording
    from speedlead.clock import SystemClock
    from speedlead.lead_filter import read_filter
    from speedlead.steer_command import owner_named
    from speedlead.store import views

    try:
        filters = read_filter({**given, "owner": await owner_named(conn, given["owner"])})
    except ValueError as wrong:
        print(wrong, file=sys.stderr)
        return 2
    clock = SystemClock()
    table = _table("lead", "type", "intent", "stage", "owner", "created, UTC", "next", "why")
    for card in await views.open_leads(conn, replace(filters, limit=limit)):
        now = clock.business(card.clock_offset_us)
        at = card.next_touch_at
        coming = f"{wording.step(card.next_step)} {times.relative(at, now)}" if at else "–"
        table.add_row(card.lead_id[:8], card.lead_type, wording.intent(card.intent), wording.stage(card.stage),
                      escape(card.owner_name or "–"), times.clock(card.created_at, "UTC"), coming,
                      wording.reason(card.why))  # fmt: skip
    _console().print(table)
    return 0


def _console() -> Any:
    from rich.console import Console

    return Console(highlight=False)


def _table(*columns: str) -> Any:
    from rich import box
    from rich.table import Table

    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)


def _missing(text: str) -> int:
    import sys

    print(f"{text}: no such lead, or more than one begins like this; `speedlead lead list` shows them", file=sys.stderr)
    return 1
