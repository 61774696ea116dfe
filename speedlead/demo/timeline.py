"""What happened to one lead, as a table for the screen: local time, touch, result, and why in plain words."""

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from speedlead import times, wording
from speedlead.demo.play import Played
from speedlead.store.view_models import Entry

# they say again what another line says
LEFT_OUT = frozenset({"call_progress", "reply_heard"})


def shown(played: Played) -> list[Entry]:
    return [entry for entry in played.entries if entry.kind not in LEFT_OUT]


def print_timeline(console: Console, played: Played) -> None:
    card, story = played.lead.card, played.story
    console.print(f"\n[bold]{escape(card.title)}[/]  {escape(story.title)}")
    facts = (card.lead_type, wording.intent(card.intent), times.zone_label(story.zone), wording.stage(card.stage))
    console.print(f"[dim]{escape(' · '.join(facts))}[/]")
    table = Table("when", "what", "step", "why", box=box.SIMPLE_HEAD, pad_edge=False)
    day = ""
    for entry in shown(played):
        today, _, clock = times.clock(entry.at, story.zone, seconds=True).rpartition(", ")
        table.add_row(f"{today if today != day else '':<10} {clock}", escape(_what(entry)), wording.step(entry.step),
                      escape(_why(entry, played)))  # fmt: skip
        day = today
    console.print(table)


def _what(entry: Entry) -> str:
    if entry.channel or not entry.result:
        return entry.what
    return f"{entry.what}: {', '.join(dict.fromkeys(entry.result.split(', ')))}"


def _why(entry: Entry, played: Played) -> str:
    if entry.kind == "sent" and (entry.step or "").startswith("ack-"):
        return f"promises: “{played.lead.promise_text}”"
    return entry.reason_text or ""
