"""`speedlead law …`: what contact law says about one lead and moment, and whether a file of one's own can be used."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from speedlead.domain.lawful import Kind
    from speedlead.domain.placing import Consents
    from speedlead.domain.zones import Evidence

app = typer.Typer(no_args_is_help=True, help="Contact law: explain a moment, check a file of one's own.")

_CONSENTS = ("call", "sms")
_MOMENT = "2026-11-20T23:10-05:00 or 2026-11-20T23:10[America/New_York]"


@app.command()
def show(
    phone: Annotated[str | None, typer.Option(help="The lead's number, +1…")] = None,
    at: Annotated[str | None, typer.Option(help=f"The moment, such as {_MOMENT}; without it, now")] = None,
    country: Annotated[str | None, typer.Option(help="Code or name")] = None,
    postcode: Annotated[str | None, typer.Option()] = None,
    region: Annotated[str | None, typer.Option(help="State or province, such as FL or US-FL")] = None,
    tz: Annotated[str | None, typer.Option(help="Zone that the form reported, such as America/New_York")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="call, sms or email; without it, all three")] = None,
    call_requested: Annotated[
        bool, typer.Option(help="The inquiry showed a consent text and carried the number")
    ] = True,
    consent: Annotated[
        list[str] | None, typer.Option(help="A box that was ticked: call or sms; may be repeated")
    ] = None,
    inquired_at: Annotated[
        str | None, typer.Option(help="When the inquiry came; without it, at the moment itself")
    ] = None,
    agreed_at: Annotated[str | None, typer.Option(help="When the lead asked to be called")] = None,
    called_at: Annotated[list[str] | None, typer.Option(help="A call made before; may be repeated")] = None,
    texted_at: Annotated[list[str] | None, typer.Option(help="A text sent before; may be repeated")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
) -> None:
    """Where the lead may be, which rows of law apply, what they say at that moment, and when contact is lawful next."""
    from speedlead import law_report
    from speedlead.clock import SystemClock
    from speedlead.domain.placing import Consents, PastTouch
    from speedlead.domain.zones import Evidence

    moment = _instant("--at", at) if at else SystemClock().wall()
    evidence = Evidence(
        tz=_zone(tz), country=country, region=region, postcode=postcode, phone_e164=_phone(phone) if phone else None
    )
    past = [("call", "--called-at", text) for text in called_at or ()]
    past += [("sms", "--texted-at", text) for text in texted_at or ()]
    history = tuple(PastTouch(_instant(option, text), kind) for kind, option, text in past)
    ticked = _words("--consent", consent or [], _CONSENTS)
    consents = Consents(
        call_requested=call_requested and phone is not None,
        sms="sms" in ticked,
        call="call" in ticked,
        inquiry=phone is not None,
        inquiry_at=_instant("--inquired-at", inquired_at) if inquired_at else moment,
        agreed_at=_instant("--agreed-at", agreed_at) if agreed_at else None,
    )
    report = _report(evidence, moment, consents, history, channel or [])
    print(law_report.as_json(report)) if as_json else law_report.show(report)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="A file or folder as for SPEEDLEAD_LAW_FILE")]) -> None:
    """Read a file of one's own over the packaged rows; print what it changes, or one line per fault and exit 1."""
    from speedlead import lawbook

    try:
        book = lawbook.load(file)
    except lawbook.LawError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    packaged = {row.key for row in lawbook.load().rows}
    for row in book.rows:
        if row.change is not None:
            print(f"{row.id} ({row.jurisdiction}){_dates(row)}: replaced by {row.change.by}: {row.change.reason}")
        elif row.key not in packaged and not any(known == row.id for known, _ in packaged):
            print(f"{row.id} ({row.jurisdiction}){_dates(row)}: added")
    for off in book.off:
        print(f"{off.id} ({off.jurisdiction}){_dates(off)}: switched off by {off.change.by}: {off.change.reason}")
    print(f"law {book.version}: {len(book.rows)} rows, nothing wrong")


def _report(
    evidence: "Evidence", moment: datetime, consents: "Consents", history: tuple[Any, ...], channels: list[str]
) -> Any:
    from speedlead import law_report, lawbook, tzdata_version
    from speedlead.closures import HolidayClosures
    from speedlead.domain.lawful import CHANNELS
    from speedlead.domain.placing import Placer
    from speedlead.place_finder import PlaceFinder
    from speedlead.settings import load_settings

    wanted: tuple[Kind, ...] = _words("--channel", channels, CHANNELS) or CHANNELS
    try:
        book = lawbook.load(load_settings().law_file)
    except lawbook.LawError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from None
    placer = Placer(book, HolidayClosures(), {"tzdata": tzdata_version.release()})
    finder = PlaceFinder()
    if evidence.country and not finder.knows_country(evidence.country):
        _bad("--country", evidence.country, "a country code (ISO 3166) or name, such as US or Germany")
    return law_report.make(book, placer, finder.find(evidence), evidence, wanted, moment, consents, history)


def _instant(option: str, text: str) -> datetime:
    """An instant, or a wall clock with its zone in brackets that names exactly one."""
    from speedlead.domain.walltime import resolve_wall

    wall, bracket, zone = text.partition("[")
    try:
        moment = datetime.fromisoformat(wall)
    except ValueError:
        _bad(option, text, f"a moment such as {_MOMENT}")
    if not bracket:
        if moment.tzinfo is None:
            _bad(option, text, f"an offset or a zone as well: the clock of which place? Such as {_MOMENT}")
        return moment
    try:
        found = resolve_wall(zone.removesuffix("]"), moment)
    except ValueError as error:
        _bad(option, text, f"a moment such as {_MOMENT} ({error})")
    if found.kind == "nonexistent":
        _bad(option, text, "a time that exists: the clocks of that place skip it on that day")
    if found.kind == "ambiguous":
        _bad(option, text, "a time that happens once: clocks go back on that day; write the offset instead of the zone")
    return found.compatible


def _zone(text: str | None) -> str | None:
    from speedlead.domain.calendar import parse_zone

    try:
        return None if text is None else parse_zone(text)
    except ValueError:
        _bad("--tz", str(text), "an IANA zone such as America/New_York")


def _phone(text: str) -> str:
    import phonenumbers

    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        _bad("--phone", text, "a valid number with its country code, such as +13105550148")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _words(option: str, given: list[str], known: tuple[Any, ...]) -> tuple[Any, ...]:
    for word in given:
        if word not in known:
            _bad(option, word, " or ".join(known))
    return tuple(word for word in known if word in given)


def _dates(entry: Any) -> str:
    start, end = entry.effective_from, entry.effective_to
    return (f" from {start}" if start else "") + (f" until {end}" if end else "")


def _bad(option: str, got: str, expected: str) -> NoReturn:
    print(f"{option}: expected {expected}, got {got!r}", file=sys.stderr)
    raise typer.Exit(2)
