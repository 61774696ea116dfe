"""`speedlead mapping …`: how what other systems send is read (docs/mappings.md)."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Leads, statuses, tickets and payments from other systems.")


@app.command(name="list")
def list_() -> None:
    """List the mappings, and which are open."""
    doors = _doors()
    print(f"{'name':<18}  {'kind':<8}  {'signed':<8}  {'address':<22}  state")
    for mapping in doors.mappings.values():
        closed = doors.why_closed(mapping)
        print(f"{mapping.name:<18}  {mapping.kind:<8}  {mapping.signature.scheme:<8}  {'/in/' + mapping.name:<22}  "
              f"{'closed: ' + closed if closed else 'open'}")  # fmt: skip


@app.command()
def check(files: Annotated[list[Path], typer.Argument(help="Mapping files")]) -> None:
    """Check mapping files. Every fault is listed with its line."""
    from speedlead.mappings.book import MappingError, load_mapping

    wrong = False
    for file in files:
        try:
            mapping = load_mapping(file)
        except MappingError as error:
            print(error, file=sys.stderr)
            wrong = True
            continue
        print(f"{file}: {mapping.kind}, {len(mapping.fields)} fields")
        for text in _doubts(mapping):
            print(f"{file}: note: {text}")
    raise typer.Exit(1 if wrong else 0)


@app.command(name="try")
def try_(
    mapping: Annotated[str, typer.Argument(help="A mapping file, or the name of a mapping that is in use")],
    sample: Annotated[
        Path | None, typer.Option(help="A payload as it was sent; without one, the sample that comes with the mapping")
    ] = None,
    headers: Annotated[
        Path | None, typer.Option(help="Its headers, `Name: value` a line: then the signature is checked too")
    ] = None,
    content_type: Annotated[str | None, typer.Option(help="If there is no such header: of a form")] = None,
) -> None:
    """Show what would be made of a payload, field by field. Nothing is written; 0 if something would be made."""
    from speedlead.mappings.book import MappingError, load_mapping
    from speedlead.mappings.dry_run import FORM, JSON, sample_of

    doors = _doors()
    try:
        found = doors.mappings.get(mapping) or load_mapping(Path(mapping))
    except MappingError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    try:
        given = _headers(headers.read_text("latin-1")) if headers else {}
        if sample is not None:
            kind, body = FORM if sample.suffix == ".form" else JSON, sample.read_bytes()
        elif (packaged := sample_of(found)) is not None:
            kind, body = packaged[0], packaged[1].encode()
        else:
            raise ValueError("--sample: expected a file: this mapping comes without a sample")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    raise typer.Exit(_try(doors, found, given, given.get("content-type") or content_type or kind, body))


def _try(doors: Any, mapping: Any, headers: dict[str, str], kind: str, body: bytes) -> int:
    from speedlead.clock import SystemClock
    from speedlead.gateway.context import home_country, rules_of
    from speedlead.mappings.dry_run import dry_run
    from speedlead.mappings.making import Unusable
    from speedlead.mappings.payload import Unreadable, read_payload
    from speedlead.planbook import PlanError, load_plan
    from speedlead.settings import load_settings

    settings = load_settings()
    if headers:
        print(f"signature: {_signed(doors, mapping, headers, body, settings.public_url)}")
    try:
        plan = load_plan(settings.plan_file)
        payload = asyncio.run(read_payload(kind, body))
        rules, _ = rules_of(plan, home_country(settings.company_phone or settings.twilio_from))
        found = dry_run(mapping, payload, rules, SystemClock().wall(), doors.ticket_cost)
    except PlanError as error:
        print(error, file=sys.stderr)
        return 2
    except (Unreadable, Unusable) as error:
        print(f"nothing would be made: {error}", file=sys.stderr)
        return 1
    if found.passed_over:
        print("passed over: the mapping's `where` is not met")
    for number, part in enumerate(found.parts, 1):
        print(f"{'part ' + str(number) + ', ' if len(found.parts) > 1 else ''}id: {part.key or 'none'}")
        for line in part.lines:
            note = f"  ({line.note})" if line.note else ""
            print(f"  {line.field:<18}  {_short(line.value):<40}  from {line.origin}{note}")
        for name, value in part.made:
            print(f"  → {name}" + (f": {_short(value, 200)}" if value else ""))
        for text in part.left_out:
            print(f"  left out: {text}")
        if part.reason:
            print(f"  nothing would be made: {part.reason}")
    return 0 if found.works else 1


def _signed(doors: Any, mapping: Any, headers: dict[str, str], body: bytes, public_url: str) -> str:
    from speedlead.clock import SystemClock
    from speedlead.mappings.signing import Forged, Sent, verified_by

    try:
        secrets = doors.secrets_of(mapping)
        url = f"{public_url}/in/{mapping.name}"
        signed_by = verified_by(mapping.signature, secrets, Sent("POST", url, "", headers, body), SystemClock().wall())
        return f"right, by {signed_by}"
    except ValueError as error:
        return str(error)
    except Forged as error:
        if not secrets:
            return f"no secret in {doors.secrets / mapping.secret_name}"
        return "too old, or ahead of our clock" if error.why == "stale" else "not right"


def _doubts(mapping: Any) -> list[str]:
    """What works and yet should be known."""
    found = []
    if mapping.id is None and mapping.kind == "lead":
        found.append("no `id`: what a sender sends again after ten minutes is another inquiry")
    timed = mapping.signature.scheme in ("stripe", "standard") or mapping.signature.timestamp is not None
    if not timed and mapping.id is None and mapping.kind == "lead":
        found.append("no `id` and no time stamp: whoever has seen a request could send it again")
    if mapping.signature.query is not None:
        found.append("a secret in an address stands in the logs of every proxy; prefer a header")
    if mapping.signature.scheme == "none":
        found.append("unsigned: anybody may send leads; SPEEDLEAD_MAPPINGS_UNSIGNED has to name it")
    return found


def _headers(text: str) -> dict[str, str]:
    """Raises ValueError."""
    found = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ValueError(f"--headers: line {number}: expected `Name: value`")
        found[name.strip().lower()] = value.strip()
    return found


def _short(text: str, most: int = 40) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _doors() -> Any:
    from speedlead.mappings.book import MappingError
    from speedlead.mappings.doors import load_doors
    from speedlead.settings import load_settings

    try:
        return load_doors(load_settings())
    except MappingError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
