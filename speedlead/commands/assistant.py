"""`speedlead assistant`: check what the conversation assistant may say, and try it, before any lead meets it."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from speedlead.assistant.turn import Model
    from speedlead.domain.assistant import Facts

app = typer.Typer(no_args_is_help=True, help="The conversation assistant: check its facts, and try it.")

FactsFile = Annotated[Path | None, typer.Argument(help="A file of facts; without one, the one of the settings")]


@app.command()
def check(file: FactsFile = None) -> None:
    """Read the facts as the start does; one line per fault, exit 1."""
    from datetime import UTC, datetime

    from speedlead.assistant.factbook import warnings

    facts, name = _facts(file)
    for line in warnings(facts, name, datetime.now(UTC).date()):
        print(line, file=sys.stderr)
    print(
        f"{name}: version {facts.version}, {len(facts.facts)} facts in {facts.language!r}, "
        f"{len(facts.ask)} questions, nothing wrong"
    )


@app.command("try")
def try_it(
    file: FactsFile = None,
    answers: Annotated[
        Path | None, typer.Option(help="A file with a proposal as JSON in each line, instead of the model")
    ] = None,
) -> None:
    """A conversation in the terminal: one line is one message of a lead. Nothing is sent, booked or stored."""
    facts, _ = _facts(file)
    asyncio.run(_talk(facts, _model(answers)))


async def _talk(facts: "Facts", model: "Model") -> None:
    from speedlead.assistant.factbook import questions_of
    from speedlead.assistant.turn import take_turn
    from speedlead.domain.assistant import HandOver, Limits, Line, Situation
    from speedlead.optout import opt_out_scope
    from speedlead.scriptbook import DEFAULT_SCRIPT, load_scripts
    from speedlead.settings import load_settings

    settings = load_settings()
    script = load_scripts(settings.templates_dir)[DEFAULT_SCRIPT][0]
    lines: list[Line] = []
    given: dict[str, str] = {}
    for turn, text in enumerate(sys.stdin, 1):
        lines.append(Line("lead", text.strip()))
        situation = Situation(
            channel="chat",
            company=settings.company_name,
            facts=facts,
            lines=tuple(lines),
            turn=turn,
            introduced=turn > 1,
            wants_no_more=opt_out_scope(text, "sms") is not None,
            questions=questions_of(facts, script, given),
            limits=Limits(turns=settings.assistant_turns, seconds=settings.assistant_seconds),
        )
        turned = await take_turn(model, situation)
        usage, verdict = turned.usage, turned.verdict
        given |= {one.question: one.answer for one in verdict.learned}
        if verdict.text is not None:
            lines.append(Line("assistant", verdict.text))
            print(f"assistant: {verdict.text}")
        if usage is not None:
            print(f"  ({usage.model}: {usage.tokens_in} tokens in, {usage.tokens_out} out, {usage.ms} ms)")
        if isinstance(verdict, HandOver):
            from speedlead import wording

            detail = f": {verdict.detail}" if verdict.detail else ""
            print(f"  left to a person: {wording.reason(verdict.reason)}{detail}")
            return


def _facts(file: Path | None) -> "tuple[Facts, Path]":
    from speedlead.assistant.factbook import FactsError, check_spoken, load_facts
    from speedlead.scriptbook import DEFAULT_SCRIPT, ScriptError, load_scripts
    from speedlead.settings import load_settings

    settings = load_settings()
    name = file or settings.assistant_facts_file
    if name is None:
        print("expected a file of facts, or SPEEDLEAD_ASSISTANT_FACTS_FILE", file=sys.stderr)
        raise typer.Exit(2)
    try:
        facts = load_facts(name, load_scripts(settings.templates_dir)[DEFAULT_SCRIPT][0])
        if settings.assistant_voice:
            check_spoken(facts, name)
        return facts, name
    except (FactsError, ScriptError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None


def _model(answers: Path | None) -> "Model":
    from speedlead.assistant.assemble import model_of
    from speedlead.assistant.factbook import FactsError
    from speedlead.assistant.scripted import Scripted
    from speedlead.settings import load_settings

    try:
        if answers is not None:
            return Scripted(answers)
        settings = load_settings()
        if settings.assistant_model is None:
            print("expected SPEEDLEAD_ASSISTANT_MODEL, or --answers with a file of proposals", file=sys.stderr)
            raise typer.Exit(2)
        return model_of(settings)
    except FactsError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
