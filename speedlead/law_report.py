"""What `speedlead law show` prints: a table for people, or JSON with the same facts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from speedlead import times, wording
from speedlead.domain import lawful
from speedlead.domain.law import LawBook, LawRow
from speedlead.domain.placing import Consents, PastTouch, Placer
from speedlead.domain.zones import Evidence, Place

_VERDICTS = {"now": "lawful now", "later": "not now", "never": "not at all"}
_MANY = {"call": "calls", "sms": "texts", "email": "e-mails", "call_automated": "automated calls",
         "email_marketing": "advertising by e-mail"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """`unused`: options that said nothing about a place."""

    at: datetime
    version: str
    place: Place
    unused: tuple[str, ...]
    answers: tuple[lawful.ChannelAnswer, ...]


def make(
    book: LawBook,
    placer: Placer,
    place: Place,
    evidence: Evidence,
    channels: Sequence[lawful.Kind],
    at: datetime,
    consents: Consents,
    history: Sequence[PastTouch],
) -> Report:
    answers = tuple(lawful.answer(book, placer, place, channel, at, consents, history) for channel in channels)
    begins = {"postcode": "post code", "region": "region", "phone_e164": "phone number", "tz": "time zone"}
    unused = tuple(
        phrase
        for name, phrase in begins.items()
        if getattr(evidence, name) and not any(why.startswith(phrase) for why in place.why)
    )
    return Report(at, book.version, place, unused, answers)


def as_json(report: Report) -> str:
    """Instants are ISO 8601; each also on the clock of every zone that the lead may be in."""
    place = report.place
    named = dict(place.named_by)
    return json.dumps(
        {
            "at": report.at.isoformat(),
            "law": report.version,
            "place": {
                "known": place.known,
                "zones": [
                    {"zone": zone, "local": times.local(report.at, zone).isoformat(), "why": named.get(zone, ()),
                     "business_hours": zone in place.business_zones}
                    for zone in place.zones
                ],
                "jurisdictions": [
                    {"name": name, "why": named.get(name, ()), "by_area_code_only": name in place.presumed}
                    for name in (*place.jurisdictions, *place.presumed)
                ],
                "why": place.why,
                "unused": report.unused,
            },
            "channels": [_channel(answer, place) for answer in report.answers],
        },
        indent=2,
        ensure_ascii=False,
    )  # fmt: skip


def _channel(answer: lawful.ChannelAnswer, place: Place) -> dict[str, Any]:
    return {
        "channel": answer.channel,
        "verdict": answer.verdict,
        "at": answer.at and answer.at.isoformat(),
        "local": {zone: times.local(answer.at, zone).isoformat() for zone in place.zones} if answer.at else {},
        "until": answer.until and answer.until.isoformat(),
        "reasons": [{"code": code, "text": wording.reason(code, answer.channel)} for code in answer.reasons],
        "rows": [_row(row) for row in answer.rows],
        "switched_off": [{"id": off.id, "by": off.change.by, "reason": off.change.reason} for off in answer.off],
    }


def _row(answer: lawful.RowAnswer) -> dict[str, Any]:
    row = answer.row
    return {
        "id": row.id,
        "jurisdiction": row.jurisdiction,
        "why": answer.named_by,
        "area_code_presumption": row.area_code_presumption,
        "in_force": answer.in_force,
        "effective_from": row.effective_from and row.effective_from.isoformat(),
        "effective_to": row.effective_to and row.effective_to.isoformat(),
        "windows": [
            {
                "zone": w.zone,
                "local_date": w.local.date().isoformat(),
                "hours": [_span(*s) for s in w.hours],
                "why": w.why,
            }
            for w in answer.windows
        ],
        "hours_lifted": answer.lifted,
        "caps": _caps(row),
        "consent_needed": row.consent_needed,
        "call_requested_satisfies": row.call_requested_satisfies,
        "consent_satisfied": answer.satisfied,
        "inquiry_days": row.inquiry_days,
        "certainty": row.certainty,
        "consent_certainty": row.consent_certainty,
        "source": row.source,
        "note": row.note,
        "changed": {"by": row.change.by, "reason": row.change.reason, "file": row.change.file} if row.change else None,
    }


def show(report: Report) -> None:
    """Tables on the terminal."""
    from rich.console import Console
    from rich.markup import escape

    out = Console(highlight=False, soft_wrap=True)
    place, named = report.place, dict(report.place.named_by)
    out.print(f"[bold]Law {escape(report.version)}[/] at {report.at.isoformat(timespec='minutes')}; not legal advice\n")
    where = _table("where the lead may be", "local time there", "because of")
    for zone in place.zones:
        belief = "" if zone in place.business_zones else ", for law only"
        where.add_row(zone, times.clock(report.at, zone), escape("; ".join(named.get(zone, ())) + belief))
    for name in (*place.jurisdictions, *place.presumed):
        where.add_row(name, "", escape("; ".join(named.get(name, ()))))
    if place.known:
        out.print(where)
    else:
        out.print("[bold]Nobody knows where the lead is.[/] " + wording.sentence("unknown_location"))
    for phrase in report.unused:
        out.print(f"The {phrase} says nothing about a place.")
    for answer in report.answers:
        _show_channel(out, answer, place)
    rows = {row.row.key: row.row for answer in report.answers for row in answer.rows}
    if rows:
        out.print("\n[bold]Sources[/] (A law read, B summary read, C vendor's table, D unconfirmed; of hours/consent)")
    for row in rows.values():
        out.print(escape(f"  {row.id} {row.certainty}/{row.consent_certainty}: {row.source}. {row.note}").rstrip())


def _show_channel(out: Any, answer: lawful.ChannelAnswer, place: Place) -> None:
    from rich.markup import escape

    out.print(f"\n[bold]{wording.channel(answer.channel)}: {_VERDICTS[answer.verdict]}[/]")
    for code in answer.reasons:
        out.print(f"  {escape(wording.reason(code, answer.channel))}")
    if answer.at is not None:
        when = ", ".join(f"{times.clock(answer.at, zone)} {times.zone_label(zone)}" for zone in place.zones)
        if answer.verdict == "later":
            out.print(f"  lawful next: {when or answer.at.isoformat()}")
        if answer.until is not None and place.zones:
            zone = place.zones[0]
            out.print(f"  and until {times.clock(answer.until, zone)} {times.zone_label(zone)}")
    if answer.rows:
        table = _table("row", "hours that day", "limits", "consent", "certain")
        for row in answer.rows:
            table.add_row(*map(escape, _cells(row, answer.channel)), style=None if row.in_force else "dim")
        out.print(table)
    for off in answer.off:
        out.print(escape(f"  {off.id} is switched off by {off.change.by}: {off.change.reason}"))


def _cells(answer: lawful.RowAnswer, channel: str) -> tuple[str, ...]:
    row = answer.row
    name = row.id + (f" from {row.effective_from}" if row.effective_from else "")
    name += f" until {row.effective_to}" if row.effective_to else ""
    if row.change is not None:
        name += f", changed by {row.change.by}: {row.change.reason}"
    if not answer.in_force:
        return name, "not in force", "", "", _certain(row)
    zones: dict[str, list[str]] = {}
    for window in answer.windows:
        hours = ", ".join(_span(*span) for span in window.hours) or window.why
        zones.setdefault(hours, []).append(times.zone_label(window.zone))
    windows = [f"{hours} {', '.join(of)}" for hours, of in zones.items()] or ["none of its own"]
    # a text needs its own ticked box, whatever the row asks for calls
    needed = "ticked box" if channel == "sms" and row.consent_needed != "unknown" else row.consent_needed
    consent = f"{needed.replace('_', ' ')}: {'given' if answer.satisfied else 'MISSING'}"
    return (
        name,
        "lifted by the lead" if answer.lifted else "\n".join(windows),
        "\n".join(_caps(row)),
        consent,
        _certain(row),
    )


def _certain(row: LawRow) -> str:
    """Certainty of the hours and of the consent."""
    return f"{row.certainty}/{row.consent_certainty}"


def _caps(row: LawRow) -> list[str]:
    kinds = {"every_touch": "", "silent": " after a silent call", "refusal": " after a refusal"}
    found = []
    for each in row.caps:
        cap, what = each.cap, " or ".join(_MANY[name] for name in each.counts)
        if cap.max is not None:
            span = "local day" if cap.window_s is None else times.span(cap.window_s)
            found.append(f"{cap.max} {what} in {span}{kinds[each.after]}")
        if cap.min_gap_s is not None:
            found.append(f"no {what} for {times.span(cap.min_gap_s)}{kinds[each.after]}")
    return found


def _span(start: int, end: int) -> str:
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


def _table(*columns: str) -> Any:
    from rich import box
    from rich.table import Table

    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
