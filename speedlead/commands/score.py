"""`speedlead score …`: how a lead was judged and why, and what the rules would make of it."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

# more people than there are
MOST_DIGITS = 10

app = typer.Typer(no_args_is_help=True, help="Points, lanes and their reasons (docs/enrichment.md).")


@app.callback()
def score() -> None:
    """Points, lanes and their reasons (docs/enrichment.md)."""


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="A file of rules; without one, those in use")] = None,
) -> None:
    """Read the rules as the start does; one line per fault."""
    book = _book(file)
    lanes = book.rules.lanes
    print(f"{book.file}: version {book.rules.version}, {len(book.rules.rules)} rules, nothing wrong")
    print(f"hot from {lanes.hot} points, warm from {lanes.warm}, cold from {lanes.cold}, low quality below")


@app.command()
def lead(
    lead_id: Annotated[str, typer.Argument(help="A lead's id")],
    file: Annotated[Path | None, typer.Option("--rules", help="What these rules would make of it")] = None,
) -> None:
    """What is known of a lead, by whom, and the points that it got; with --rules, what it would get."""
    from speedlead.command_database import with_database

    with_database(lambda conn: _lead(conn, lead_id, _book(file) if file is not None else None))


@app.command()
def sample(
    facts: Annotated[
        list[str] | None, typer.Argument(help="fact=value, such as tier=a employees=1200 free_mail=true")
    ] = None,
    lead_type: Annotated[str, typer.Option("--type", help="hot, warm or cold: what the form gives")] = "warm",
    file: Annotated[Path | None, typer.Option("--rules", help="A file of rules; without one, those in use")] = None,
) -> None:
    """What the rules make of a lead that is nobody."""
    from speedlead.domain.lanes import judge
    from speedlead.domain.sla import LeadFacts

    if lead_type not in ("hot", "warm", "cold"):
        _refuse(f"--type: expected hot, warm or cold, got {lead_type!r}")
    knows = dict(_fact(text) for text in facts or ())
    book = _book(file)
    judged = judge(book.rules, LeadFacts(lead_type, "other", "website"), knows)
    _print([(rule.id, rule.points, rule.why) for rule in judged.hits], judged.points, judged.lane, lead_type)


def _fact(text: str) -> Any:
    from speedlead.domain.knowing import NAMES

    name, equals, written = text.partition("=")
    if name not in NAMES or not equals or not written:
        _refuse(f"{text!r}: expected fact=value with one of {', '.join(NAMES)}")
    if NAMES[name] is bool and written not in ("true", "false"):
        _refuse(f"{name}: expected true or false, got {written!r}")
    if NAMES[name] is int and not (written.isascii() and written.isdecimal() and len(written) <= MOST_DIGITS):
        _refuse(f"{name}: expected a whole number of at most {MOST_DIGITS} digits, got {written[:40]!r}")
    return name, written == "true" if NAMES[name] is bool else NAMES[name](written)


async def _lead(conn: Any, lead_id: str, book: Any) -> int:
    import uuid

    from speedlead import wording
    from speedlead.domain.lanes import judge
    from speedlead.domain.sla import LeadFacts
    from speedlead.store.known_lead import known_of

    await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    try:
        found = await known_of(conn, str(uuid.UUID(lead_id)))
    except ValueError:
        found = None
    if found is None:
        print(f"LEAD_ID: expected a lead that was judged, got {lead_id!r}", file=sys.stderr)
        return 2
    for fact in found.facts:
        wrong = ", called wrong" if fact.wrong_at is not None else ""
        by = f"{wording.FACT_SOURCES[fact.source]}, {fact.confidence:.0%} sure, {fact.at:%Y-%m-%d %H:%M} UTC{wrong}"
        print(f"{wording.fact(fact.name)}: {wording.fact_value(fact.name, fact.value)} ({by})")
    if book is None:
        _print([(hit.id, hit.points, hit.why) for hit in found.hits], found.points, found.lane, found.came_as)
        return 0
    facts = LeadFacts(found.came_as, found.intent, found.source, found.segment, found.channel)
    judged = judge(book.rules, facts, found.knows, again=found.number > 1)
    _print([(rule.id, rule.points, rule.why) for rule in judged.hits], judged.points, judged.lane, found.came_as)
    return 0


def _print(hits: list[tuple[str, int, str]], points: int, lane: str, came_as: str) -> None:
    from speedlead import wording

    for name, given, why in hits:
        print(f"{given:+5}  {why} ({name})")
    print(f"{points:5}  {wording.LANES[lane]}, by its form {came_as}")


def _book(file: Path | None) -> Any:
    from speedlead.enrichment.rulebook import LanesError, load_lanes
    from speedlead.settings import load_settings

    try:
        return load_lanes(file or load_settings().lanes_file)
    except LanesError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None


def _refuse(text: str) -> Any:
    print(text, file=sys.stderr)
    raise typer.Exit(2)
