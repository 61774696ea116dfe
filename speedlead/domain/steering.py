"""What people of ours may ask of leads, and what each request has to say. Pure: names in, the update's payload out."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LONGEST_REASON = 80
# what a column of the type int holds
MOST_VERSIONS = 2**31 - 1
# leads a second: what one worker takes beside the leads that come in
PACE = 20.0
FASTEST = 200.0


class BadRequest(ValueError):
    """Names the field that is wrong and what was expected."""


@dataclass(frozen=True, slots=True)
class Action:
    """`update` is the workflow's; `needs` and `takes` are fields of its request beside who asks."""

    update: str
    words: str
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    # the lead's story tells the reason; of the others the audit does
    tells_reason: bool = False


ACTIONS: dict[str, Action] = {
    "pause": Action("pause", "Pause", takes=("until",), tells_reason=True),
    "resume": Action("resume", "Resume"),
    "reassign": Action("reassign", "Give to another owner", needs=("rep_id",), tells_reason=True),
    "skip": Action("skip", "Skip a step, or the next one", takes=("step",), tells_reason=True),
    "call_now": Action("call_now", "Call now"),
    "stop": Action("stop", "Stop for good", tells_reason=True),
    "change_plan": Action("change_plan", "Move to another plan", needs=("plan_id", "version")),
}

# of one lead at a time; its rows are put right first, and its audit names the fields and no values
CORRECT = "correct"
_ALL = ACTIONS | {CORRECT: Action("correct", "Correct the data", takes=("fields",))}


def action_of(name: str) -> Action:
    """Of a run, whatever it asks."""
    return _ALL[name]


def action_named(name: str) -> str:
    """`call-now` and `call_now` are the same. Raises BadRequest."""
    found = name.strip().lower().replace("-", "_")
    if found not in ACTIONS:
        raise BadRequest(f"action: expected one of {', '.join(ACTIONS)}, got {name!r}")
    return found


def checked(action: str, asked: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """What is asked, without what was left empty. Raises BadRequest."""
    known = action_of(action)
    given = {name: value for name, value in asked.items() if value not in (None, "")}
    for name in known.needs:
        if name not in given:
            raise BadRequest(f"{name}: expected for {action}")
    for name in given:
        if name not in (*known.needs, *known.takes):
            raise BadRequest(f"{name}: not expected for {action}")
    if "until" in given and _moment(given["until"]) is None:
        raise BadRequest(f"until: expected a moment with its zone such as 2026-11-30T09:00Z, got {given['until']!r}")
    if not 0 < len(reason) <= LONGEST_REASON or not reason.isprintable():
        raise BadRequest(f"reason: expected 1 to {LONGEST_REASON} printable characters")
    return given


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def payload(action: str, asked: Mapping[str, Any], *, by: str, reason: str) -> dict[str, Any]:
    """What the update is sent with."""
    return {**asked, "by": by} | ({"reason": reason} if action_of(action).tells_reason else {})


def mark_of(leads: Iterable[str]) -> str:
    """Of the leads that a preview showed: another one, or one less, gives another mark."""
    return hashlib.sha256(" ".join(sorted(leads)).encode()).hexdigest()


def plan_named(text: str) -> dict[str, Any]:
    """`inbound v4`, `inbound:4` -> {plan_id, version}. Raises BadRequest."""
    name, _, version = text.strip().replace(" v", ":").rpartition(":")
    number = int(version) if version.isascii() and version.isdigit() and len(version) <= 10 else 0
    if not name or not 1 <= number <= MOST_VERSIONS:
        raise BadRequest(f"plan: expected a name and a version such as inbound:4, got {text!r}")
    return {"plan_id": name, "version": number}
