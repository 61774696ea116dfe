"""What the picture says of a lead: one short line per thing that happened, with its shape and local time."""

from dataclasses import dataclass
from datetime import datetime

from speedlead import times, wording
from speedlead.demo.play import Played
from speedlead.demo.timeline import shown
from speedlead.store.view_models import Entry

SHAPES = ("call", "email", "sms", "inquiry", "reply", "notified", "outcome", "opt_out", "closed")
_TOUCHES = frozenset(wording.TOUCH_STATES)
# who owns the lead is said once in the table; the picture is about touches
_LEFT_OUT = frozenset({"assigned", "repeat", "classified", "enriched"})
_LONGEST = 24


@dataclass(frozen=True)
class Line:
    """`at` is the lead's wall clock, without a zone. `shape` is one of SHAPES; `done` False: it was not sent."""

    at: datetime
    shape: str
    text: str
    tip: str
    done: bool = True


def lines_of(played: Played) -> list[Line]:
    entries = [entry for entry in shown(played) if entry.kind not in _LEFT_OUT]
    return [line for entry in entries if (line := _line(entry, played)) is not None]


def _line(entry: Entry, played: Played) -> Line | None:
    at = times.local(entry.at, played.story.zone)
    shape, text = _shape_and_text(entry, played)
    if shape not in SHAPES:
        return None
    tip = f"{times.clock(entry.at, played.story.zone, seconds=True)} · {entry.what}"
    tip += f" · {entry.reason_text}" if entry.reason_text else ""
    short = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return Line(at, shape, short, tip, done=entry.kind not in ("skipped", "failed", "deferred"))


def _shape_and_text(entry: Entry, played: Played) -> tuple[str, str]:
    if entry.kind in _TOUCHES:
        return str(entry.channel), _touch(entry)
    if entry.kind == "outcome":
        return entry.kind, _outcome(entry, played)
    texts = {
        "inquiry": wording.intent(played.lead.card.intent),
        "reply": "the lead replies",
        "notified": "manager told" if entry.reason == "no_channel" else "owner told",
        "opt_out": "opts out",
        "closed": "plan done" if played.lead.card.close_reason == "plan_completed" else "closed",
    }
    return entry.kind, texts.get(entry.kind, entry.what)


def _touch(entry: Entry) -> str:
    if entry.kind != "sent":
        return wording.step(entry.reason or entry.kind)
    if (entry.step or "").startswith("ack-"):
        return "acknowledged"
    if entry.channel == "call":
        return entry.result or "call"
    return wording.channel(entry.channel)


def _outcome(entry: Entry, played: Played) -> str:
    """The one logged at that instant: the story's line has only its words."""
    near = min(played.lead.logged, key=lambda logged: abs(logged.at - entry.at))
    return wording.result(near.outcome or near.call_result)
