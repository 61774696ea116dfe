"""The next deadline of a lead that somebody has to hear of: one at a time, earliest first (REQ 23, 73, 74). Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from speedlead.domain.acceptance import Acceptance
from speedlead.domain.lead import LeadState
from speedlead.domain.plan import CEILING

# the lead was talked to, or it is its turn: nobody has to take it any more
_TALKED = frozenset({"connected", "answered", "booked", "nurturing"})
# what a person of ours has to come back to; a reply has a target of its own
_COME_BACK = frozenset({"inquired", "unreachable", "nurturing"})
# what a lead that became hotter is owed again
_OF_A_ROUND = frozenset({"assignment", "first_attempt"})


@dataclass(slots=True)
class Watch:
    """What is known beside the lead's own state. `reported`: targets that were looked at when they were due.

    `round`: of the lead, which begins anew when it becomes hotter; `reported` has it by `named`.
    """

    acceptance: Acceptance = field(default_factory=Acceptance)
    assigned_at: datetime | None = None
    assign_due: datetime | None = None
    reminded: bool = False
    reported: set[str] = field(default_factory=set)
    round: int = 1

    def again(self, number: int) -> None:
        self.round, self.reminded = number, False

    def round_of(self, target: str) -> int:
        return self.round if target in _OF_A_ROUND else 1


@dataclass(frozen=True, slots=True)
class Due:
    at: datetime
    what: Literal["escalate", "remind", "breach"]
    target: str = ""


def next_due(
    lead: LeadState, watch: Watch, *, calling: bool, coming: datetime | None, known: bool = True
) -> Due | None:
    """None: nothing is due by itself. `calling`: reps are being rung for it, and whoever takes the call takes the lead.

    `coming`: when the plan's next touch goes, as far as that is `known` yet; a deadline that it keeps is nothing to
    remind anybody of.
    """
    if lead.ending is not None or lead.paused or lead.opened is None:
        return None
    helped = calling or not known or (coming is not None and lead.due is not None and coming < lead.due)
    return min(_all(lead, watch, lead.opened, calling, helped), key=lambda due: due.at, default=None)


def _all(lead: LeadState, watch: Watch, opened: datetime, calling: bool, helped: bool) -> Iterator[Due]:
    kind = lead.follow_up.kind if lead.follow_up is not None else None
    acceptance = watch.acceptance
    if kind not in _TALKED and not acceptance.accepted:
        seconds = lead.cadence.accept.get(lead.lead_type)
        ends = acceptance.ends(None if seconds is None else timedelta(seconds=seconds))
        if ends is not None and not calling:
            yield Due(ends, "escalate")
        if acceptance.began is not None and seconds is not None:
            yield from _target(watch, "acceptance", acceptance.began + CEILING)
    if watch.assign_due is not None and (watch.assigned_at is None or watch.assigned_at > watch.assign_due):
        yield from _target(watch, "assignment", watch.assign_due)
    if lead.due is not None and lead.first_attempt_at is None and kind in (None, "unreachable"):
        yield from _target(watch, "first_attempt", lead.due)
        half = _half_time(max(opened, watch.assigned_at or opened), lead.due)
        if not watch.reminded and not helped and half < lead.due:
            yield Due(half, "remind")
    stages = lead.cadence.stages
    if lead.follow_up is not None and kind == "connected" and "qualification" in stages:
        yield from _target(watch, "qualification", lead.follow_up.since + timedelta(seconds=stages["qualification"]))
    if lead.follow_up is not None and kind in _COME_BACK and "follow_up" in stages:
        yield from _target(watch, "follow_up", lead.follow_up.since + timedelta(seconds=stages["follow_up"]))


def _target(watch: Watch, target: str, at: datetime) -> Iterator[Due]:
    if named(target, watch.round_of(target)) not in watch.reported:
        yield Due(at, "breach", target)


def named(target: str, number: int) -> str:
    """The target as one of a round: `first_attempt`, and `first_attempt-r2` after the lead became hotter."""
    return target if number == 1 else f"{target}-r{number}"


def _half_time(start: datetime, due: datetime) -> datetime:
    return start + max(timedelta(0), due - start) / 2
