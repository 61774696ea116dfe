"""`speedlead script`: check a rep's qualification script before it is used, and show it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Qualification scripts for reps: check and show.")

ScriptFile = Annotated[Path | None, typer.Argument(help="A script file; without one, every script in use")]


@app.command()
def check(file: ScriptFile = None) -> None:
    """Questions, answers and where they lead; one line per fault, exit 1."""
    from datetime import UTC, datetime

    from speedlead.scriptbook import ScriptError, load_script, load_scripts, warnings
    from speedlead.settings import load_settings

    try:
        found = [(load_script(file), str(file))] if file else list(load_scripts(load_settings().templates_dir).values())
    except ScriptError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    for script, name in found:
        for line in warnings(script, name, datetime.now(UTC).date()):
            print(line, file=sys.stderr)
        print(f"{script.id} version {script.version}: {len(script.questions)} questions, nothing wrong")


@app.command()
def show(file: ScriptFile = None) -> None:
    """Every question with its answers and what each leads to."""
    from rich.console import Console
    from rich.markup import escape

    from speedlead import wording
    from speedlead.scriptbook import ScriptError, load_script, load_scripts
    from speedlead.settings import load_settings

    try:
        in_use = {} if file else load_scripts(load_settings().templates_dir)
        found = [load_script(file)] if file else [script for script, _ in in_use.values()]
    except ScriptError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    console = Console(highlight=False)
    for script in found:
        kept = f"version {script.version}, kept by {script.owner}, to be read again by {script.review_by}"
        console.print(f"[bold]{escape(script.title)}[/bold], {escape(kept)}\n{escape(script.opening)}\n")
        for question in script.questions:
            console.print(f"[bold]{question.id}[/bold]  {escape(question.ask)}")
            for answer in question.answers:
                leads_to = answer.next or wording.OUTCOMES[str(answer.suggests)]
                why = f" ({escape(answer.disqualify)})" if answer.disqualify else ""
                console.print(f"  - {escape(answer.say)} → {leads_to}{why}")
            console.print()
