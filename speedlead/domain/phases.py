"""Where the time of a missed target went, from the instants that are known (REQ 73). Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_PROVIDER = frozenset(
    {"provider_down", "provider_busy", "provider_config", "no_answer_from_provider", "no_call_result", "in_doubt"}
)
_NOBODY = frozenset({"rep_unavailable", "nobody_available", "not_accepted"})
# why the plan waits although nothing forbids it
_OF_THE_PLAN = frozenset({"", "due", "scheduled", "next_step", "plan", "waiting_for_answer", "slot"})


@dataclass(frozen=True, slots=True)
class Instants:
    """Of one lead, as far as it came. `rang`: a rep's phone rang for it first; `waits`: why its next touch waits."""

    opened: datetime
    assigned: datetime | None = None
    accepted: datetime | None = None
    rang: datetime | None = None
    attempted: datetime | None = None
    owned: bool = False
    waits: str = ""
    waits_until: datetime | None = None


def slow_phase(known: Instants, target: str, due: datetime, now: datetime) -> str:
    """A phase's name; of several that lasted, the longest."""
    if target in ("assignment", "acceptance", "qualification", "follow_up"):
        return {"assignment": "assignment", "acceptance": "acceptance"}.get(target, "own_work")
    if known.waits in _PROVIDER:
        return "provider"
    if not known.owned:
        return "assignment"
    if known.waits in _NOBODY:
        return "nobody_there"
    if known.waits not in _OF_THE_PLAN and known.waits_until is not None and known.waits_until > due:
        return "no_lawful_time"
    end = known.attempted or now
    taken = min((at for at in (known.accepted, known.rang) if at is not None), default=None)
    assigned = known.assigned or end
    spans = {
        "assignment": assigned - known.opened,
        "acceptance": (taken or end) - max(assigned, known.opened),
        "rang_too_long": end - known.rang if known.rang is not None else timedelta(0),
        "own_work": end - known.accepted if known.accepted is not None and known.rang is None else timedelta(0),
    }
    return max(spans, key=lambda phase: spans[phase])
