"""When a lead gets its owner: at once, shortly before its opening, or when peak hours are over (REQ 26).

Leads of a night or a weekend are not given away in the order in which they came: everybody's load would be decided by
who wrote first. They wait, and are dealt hot ones first, with the loads of the morning.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from speedlead.domain.routing_rules import Deal, Peak
from speedlead.domain.scoring import Decision

# a lead that peak hours hold back gets its owner this long before it is due: the five minutes in which one accepts
LEFT_FOR_THE_OWNER = timedelta(minutes=5)
# what is not given up for a lead that waits: it waits for the shift, and for who is busy
_WAITS_FOR = frozenset({"off_shift", "rep_busy"})


@dataclass(frozen=True, slots=True)
class Hold:
    """A lead that gets no owner before `until`; `reason` is `waits_for_shift` or `waits_for_peak`."""

    reason: str
    until: datetime


def hold(
    lead_type: str, *, open_at: datetime, due: datetime | None, now: datetime, there: bool, deal: Deal,
    peak: Peak | None,
) -> Hold | None:  # fmt: skip
    """`there`: is somebody who fits on shift now? Then the lead has its owner before it opens, whenever that is."""
    morning = open_at - deal.before(lead_type)
    if not there and morning > now:
        return Hold("waits_for_shift", morning)
    if peak is None or lead_type not in peak.hold:
        return None
    ends = peak.ends(now)
    latest = due - LEFT_FOR_THE_OWNER if due is not None else None
    until = min((at for at in (ends, latest) if at is not None), default=None)
    return Hold("waits_for_peak", until) if until is not None and until > now else None


def for_waiting(decision: Decision) -> Decision:
    """What was decided about a lead that has waited already: it goes on waiting rather than to somebody off shift."""
    return Decision(None, (), decision.scores) if _WAITS_FOR.intersection(decision.gave_up) else decision
