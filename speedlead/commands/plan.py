"""`speedlead plan`: check a plan file before it is used, show what it says, and preview what it does to one lead."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from speedlead.cited import in_words
from speedlead.plan_commands import add_to, said

if TYPE_CHECKING:
    from speedlead.preview.view import Preview

app = typer.Typer(no_args_is_help=True, help="Plans: check, show, preview; drafts, versions, moving leads.")

PlanFile = Annotated[Path | None, typer.Argument(help="A plan file; without one the packaged plan")]


@app.command()
def check(file: PlanFile = None) -> None:
    """Read a plan file and its templates, hold its promises against its steps, and play five typical leads."""
    from speedlead.checked_yaml import FileFault, read_text
    from speedlead.composer import ComposeError
    from speedlead.composing.assemble import build_composer
    from speedlead.plan_check import check_text
    from speedlead.planbook import load_plan, load_programs, packaged_plan
    from speedlead.preview.console import open_desk
    from speedlead.settings import load_settings

    name, settings = file or packaged_plan(), load_settings()
    try:
        plan = load_plan(file)
        programs = load_programs(plan, file) if plan.program is None else ()
        composer = build_composer(settings, plan, programs)
        checked = check_text(read_text(name), str(name), open_desk(settings, None), composer)
    except (FileFault, ComposeError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    said(checked)
    if not checked.may_be_published:
        raise typer.Exit(1)
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
            "step", "channel", "after", "when", "by", title=f"{lead_type}: {', '.join(plan.intents.get(lead_type, ()))}"
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
        targets.add_row(target.id, _span(target.assign) if target.assign else "", attempts, in_words(target.source))
    console.print(targets)


@app.command()
def preview(
    plan: Annotated[str | None, typer.Option(help="A plan file, or a plan's id; without it, the plan in use")] = None,
    lead_type: Annotated[str | None, typer.Option("--type", help="hot, warm or cold; without it, the intent's")] = None,
    phone: Annotated[str | None, typer.Option(help="The lead's number, such as +55 11 98765-4321")] = None,
    email: Annotated[str | None, typer.Option(help="The lead's address; without it, any")] = None,
    no_email: Annotated[bool, typer.Option("--no-email", help="The lead gave no address")] = False,
    at: Annotated[
        str | None,
        typer.Option(
            help="When the inquiry comes in: 2026-11-20T23:10-03:00, or without an offset on the lead's clock"
        ),
    ] = None,
    intent: Annotated[str | None, typer.Option(help="Such as pricing; without it, the type's first")] = None,
    source: Annotated[str | None, typer.Option(help="Such as paid_ads")] = None,
    segment: Annotated[str | None, typer.Option(help="Such as enterprise")] = None,
    country: Annotated[str | None, typer.Option(help="Two letters, such as BR")] = None,
    region: Annotated[str | None, typer.Option(help="State or province, such as FL or US-FL")] = None,
    postcode: Annotated[str | None, typer.Option()] = None,
    tz: Annotated[str | None, typer.Option(help="The browser's zone, such as America/Sao_Paulo")] = None,
    consent: Annotated[
        list[str] | None, typer.Option(help="A box that was ticked: sms, call or marketing; may be repeated")
    ] = None,
    call_requested: Annotated[bool, typer.Option(help="The form showed its consent text beside the number")] = True,
    png: Annotated[Path | None, typer.Option(help="Also write the picture to this PNG file")] = None,
    svg: Annotated[Path | None, typer.Option(help="Also write the picture to this SVG file")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table")] = False,
) -> None:
    """Show every touch that a lead would get who never answers: when on its clock, and why then."""
    import json

    from speedlead.checked_yaml import FileFault
    from speedlead.preview.console import open_desk, show
    from speedlead.preview.request import PreviewRefused
    from speedlead.settings import load_settings

    ticked = consent or []
    for word in ticked:
        if word not in ("sms", "call", "marketing"):
            _refuse("--consent", f"{word!r} is not a box of the form", "sms, call or marketing")
    if email is not None and no_email:
        _refuse("--no-email", "an address was given as well", "one of --email and --no-email")
    fields = {
        "type": lead_type, "intent": intent, "source": source, "segment": segment, "phone": phone,
        "email": None if no_email else email or "any", "country": country, "region": region, "postcode": postcode,
        "tz": tz, "at": at, "consent_sms": "yes" if "sms" in ticked else None,
        "consent_call": "yes" if "call" in ticked else None,
        "consent_marketing": "yes" if "marketing" in ticked else None,
        "consent_text": "shown" if call_requested else None,
    }  # fmt: skip
    try:
        desk = open_desk(load_settings(), plan)
        made = desk.preview({name: text for name, text in fields.items() if text is not None})
    except PreviewRefused as refused:
        for problem in refused.problems:
            _say(f"--{problem.field}", problem.reason, problem.expected)
        raise typer.Exit(2) from None
    except FileFault as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    if as_json:
        print(json.dumps(made.json() | {"team": desk.team_is}, indent=2, ensure_ascii=False))
    else:
        show(made, desk.team_is)
    _write(made, png, svg)


def _write(made: "Preview", png: Path | None, svg: Path | None) -> None:
    from speedlead.preview.png import to_png

    for option, file in (("--png", png), ("--svg", svg)):
        if file is None:
            continue
        picture = made.svg()
        try:
            file.write_bytes(to_png(picture) if option == "--png" else picture.encode())
        except OSError as error:
            print(f"{option}: {file}: cannot be written: {error.strerror}", file=sys.stderr)
            raise typer.Exit(1) from None
        print(f"picture: {file}", file=sys.stderr)


def _say(option: str, reason: str, expected: str) -> None:
    print(f"{option}: {reason}; expected {expected}", file=sys.stderr)


def _refuse(option: str, reason: str, expected: str) -> NoReturn:
    _say(option, reason, expected)
    raise typer.Exit(2)


add_to(app)


def _span(seconds: int) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
