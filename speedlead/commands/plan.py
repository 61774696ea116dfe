"""`speedlead plan`: check a plan file before it is used, and show what it says."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Plan files: check and show.")

PlanFile = Annotated[Path | None, typer.Argument(help="A plan file; without one the packaged plan")]


@app.command()
def check(file: PlanFile = None) -> None:
    """Read a plan file and every template it names; one line per fault, exit 1."""
    from speedlead.composer import ComposeError, Composer
    from speedlead.planbook import PlanError, load_plan

    try:
        plan = load_plan(file)
        composer = Composer("Company", None)
        for channel, template in plan.templates():
            composer.check(channel, template)
    except (PlanError, ComposeError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    steps = sum(len(track.steps) for track in plan.tracks.values())
    print(f"{plan.id} version {plan.version}: {steps} steps, {len(plan.targets)} targets, nothing wrong")


@app.command()
def show(file: PlanFile = None) -> None:
    """The steps of each lead type, and every target with its source."""
    from rich.console import Console
    from rich.table import Table

    from speedlead.planbook import PlanError, load_plan

    try:
        plan = load_plan(file)
    except PlanError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    console = Console()
    for lead_type, track in plan.tracks.items():
        table = Table(
            "step", "channel", "after", "when", "by", title=f"{lead_type}: {', '.join(plan.intents[lead_type])}"
        )
        for step in track.steps:
            slot = f", {_clock(step.slot[0])}-{_clock(step.slot[1])}" if step.slot else ""
            when = (
                f"{step.local_days} day{'s' * (step.local_days > 1)} later"
                if step.local_days
                else f"+{_span(step.delay)}"
                if step.delay
                else "at once"
            )
            by = _span(step.by) if step.by else ""
            table.add_row(step.id, step.channel, step.after, when + slot, by)
        console.print(table)
    targets = Table("target", "assign", "attempts", "source", title="targets")
    for target in plan.targets:
        attempts = ", ".join(map(_span, target.attempts)) or ("same business day" if target.same_business_day else "")
        targets.add_row(target.id, _span(target.assign) if target.assign else "", attempts, target.source)
    console.print(targets)


def _span(seconds: int) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
