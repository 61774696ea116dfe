"""A plan as text for people: written from a stored one, compared with another, and with other targets put in."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from speedlead.domain.plan import Plan, Step, Target
from speedlead.domain.plan_reach import LEAD_TYPES

_CHANNELS = ("call", "sms", "email")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def text_of(plan: Plan) -> str:
    """A plan file that reads back as the same plan."""
    body: dict[str, Any] = {
        "id": plan.id,
        "version": plan.version,
        # Postgres has its own order of keys
        "intents": {name: list(plan.intents[name]) for name in LEAD_TYPES if name in plan.intents},
        "hours": {
            channel: {_DAYS[day]: [_clock(span) for span in spans] for day, spans in sorted(week.items())}
            for channel, week in sorted(plan.hours.items(), key=lambda hours: _CHANNELS.index(hours[0]))
        },
        "targets": [target_data(target) for target in plan.targets],
        "accept": _spans(plan.accept),
        "stages": _spans(plan.stages),
        "answers": _spans(plan.answers),
        "aims": [{"id": a.id, "what": a.what, "within": span(a.seconds), "source": a.source} for a in plan.aims],
        "tracks": {name: _track(plan.tracks[name]) for name in LEAD_TYPES},
    }
    return yaml.safe_dump(
        {name: value for name, value in body.items() if value not in ({}, [])},
        sort_keys=False, allow_unicode=True, width=118, default_flow_style=None,
    )  # fmt: skip


def compared(old: Plan, new: Plan) -> list[str]:
    """The lines of a unified diff, without its two heads; empty when both say the same."""
    names = f"{old.id} v{old.version}", f"{new.id} v{new.version}"
    made = difflib.unified_diff(text_of(old).splitlines(), text_of(new).splitlines(), *names, lineterm="", n=2)
    return [line for line in made if not line.startswith(("---", "+++"))]


def with_targets(text: str, targets: Sequence[Mapping[str, Any]]) -> str:
    """The plan file with these targets in place of its own; everything else, comments too, stays as it was written."""
    lines = text.splitlines(keepends=True)
    begins = next((n for n, line in enumerate(lines) if re.match(r"targets\s*:", line)), None)
    block = ["targets:\n", *(f"  - {_flow(target)}\n" for target in targets)]
    if begins is None:
        return text.rstrip("\n") + "\n" + "".join(block)
    ends = next((n for n in range(begins + 1, len(lines)) if re.match(r"[a-z#]", lines[n])), len(lines))
    return "".join([*lines[:begins], *block, "\n", *lines[ends:]])


def target_data(target: Target) -> dict[str, Any]:
    """As a plan file has it."""
    when = target.when.model_dump(exclude_none=True, mode="json")
    found: dict[str, Any] = {"id": target.id, "when": when}
    if target.assign is not None:
        found["assign"] = span(target.assign)
    if target.attempts:
        found["attempts"] = [span(seconds) for seconds in target.attempts]
    if target.same_business_day:
        found["same_business_day"] = True
    if target.replaces is not None:
        found["replaces"] = target.replaces
    return found | {"source": target.source}


def span(seconds: int) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _spans(named: Mapping[Any, int]) -> dict[str, str]:
    return {str(name): span(seconds) for name, seconds in sorted(named.items())}


def _track(track: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"mode": track.mode}
    found |= {name: span(getattr(track, name)) for name in ("ring", "accept_within", "lead_time", "settle")}
    said = track.voicemail.model_dump(exclude_none=True)
    return (
        found
        | ({"voicemail": said} if said != {"do": "stay"} else {})
        | {"steps": [dict(_step(step)) for step in track.steps]}
    )


def _step(step: Step) -> Iterator[tuple[str, Any]]:
    yield from (("id", step.id), ("channel", step.channel), ("after", step.after))
    for name in ("delay", "by", "min_gap"):
        if seconds := getattr(step, name):
            yield name, span(seconds)
    if step.local_days:
        yield "local_days", step.local_days
    if step.slot is not None:
        yield "slot", _clock(step.slot)
    for name in ("template", "instead"):
        if word := getattr(step, name):
            yield name, word


def _clock(times: Sequence[int]) -> str:
    start, end = times
    return f"{start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}"


def _flow(value: Mapping[str, Any]) -> str:
    text = yaml.safe_dump(dict(value), default_flow_style=True, sort_keys=False, width=10**6, allow_unicode=True)
    return text.strip()
