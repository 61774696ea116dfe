"""Leads that came, played once more under a plan and a team. Pure: the same decisions as a running lead's.

It is the week of a lead that never answers (`speedlead/foresight.py`), with providers that accept everything and, while
anybody is on shift, somebody who is free. So touches are the most that there can be, and waits for a person the least.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from speedlead.foresight import UNFINISHED, Foresight, Prospect

_HOURS_48 = timedelta(hours=48)
_SOON = timedelta(minutes=5)
HOURS_OF_WEEK = 168


@dataclass(frozen=True, slots=True)
class Played:
    """One lead. `waited`: from the inquiry to the first touch besides the acknowledgement; None: there is none.

    `late`: the first attempt comes after its deadline. `touches_48h`: of the first 48 hours. `calls`: their instants.
    `unfinished`: the plan has not ended when it is looked at no further.
    """

    lead_type: str
    waited: timedelta | None
    late: bool
    touches_48h: int
    calls: tuple[datetime, ...]
    skipped: tuple[str, ...]
    unreached: bool
    unfinished: bool


def play(foresight: Foresight, prospect: Prospect) -> Played:
    """By the plan's own word for what is hot, warm or cold."""
    lead_type = foresight.plan.lead_type(prospect.intent)
    week = foresight.week(replace(prospect, lead_type=lead_type))
    human = [touch for touch in week.touches if touch.step != "ack-1"]
    sent = [touch for touch in human if touch.state == "sent"]
    first = sent[0].at if sent else None
    due = week.opening.due
    return Played(
        lead_type,
        None if first is None else first - prospect.submitted_at,
        due is not None and (first is None or first > due),
        sum(touch.at <= prospect.submitted_at + _HOURS_48 for touch in sent),
        tuple(touch.at for touch in sent if touch.channel == "call"),
        tuple(touch.reason or "unknown" for touch in human if touch.state == "skipped"),
        week.handed_over_at is not None,
        week.end_reason == UNFINISHED,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of all leads that were played; waits are seconds. `hours`: calls by hour of the week, Monday 00:00 first."""

    leads: int
    waited: tuple[float, ...]
    late: int
    touches_48h: int
    calls: int
    skipped: Counter[str]
    unreached: int
    unfinished: int
    hours: tuple[int, ...]

    @property
    def soon(self) -> int:
        return sum(seconds <= _SOON.total_seconds() for seconds in self.waited)

    def quantile(self, part: float) -> float | None:
        """The wait that this part of all leads does not exceed (nearest rank); None: fewer get a touch at all."""
        rank = max(1, ceil(part * self.leads - 1e-9))
        return self.waited[rank - 1] if rank <= len(self.waited) else None


def summed(played: Iterable[Played], zone: str) -> Outcome:
    """`zone`: of the hours."""
    rows = list(played)
    at = ZoneInfo(zone)
    hours = [0] * HOURS_OF_WEEK
    for row in rows:
        for call in row.calls:
            local = call.astimezone(at)
            hours[local.weekday() * 24 + local.hour] += 1
    return Outcome(
        len(rows),
        tuple(sorted(row.waited.total_seconds() for row in rows if row.waited is not None)),
        sum(row.late for row in rows),
        sum(row.touches_48h for row in rows),
        sum(len(row.calls) for row in rows),
        Counter(reason for row in rows for reason in row.skipped),
        sum(row.unreached for row in rows),
        sum(row.unfinished for row in rows),
        tuple(hours),
    )


@dataclass(frozen=True, slots=True)
class Compared:
    """`sooner`, `later`: leads whose first touch moved by a second or more; `lost`, `won`: that lost or got one."""

    now: Outcome
    then: Outcome
    sooner: int
    later: int
    lost: int
    won: int


def compare(
    prospects: Iterable[Prospect], now: Foresight, then: Foresight, zone: str, tick: Callable[[], None] = lambda: None
) -> Compared:
    """Plays each lead twice. `tick` after each."""
    before, after = [], []
    for prospect in prospects:
        before.append(play(now, prospect))
        after.append(play(then, prospect))
        tick()
    moved = Counter(_moved(a.waited, b.waited) for a, b in zip(before, after, strict=True))
    return Compared(
        summed(before, zone), summed(after, zone), moved["sooner"], moved["later"], moved["lost"], moved["won"]
    )


def _moved(now: timedelta | None, then: timedelta | None) -> str:
    if now is None or then is None:
        return "same" if now is then else "won" if now is None else "lost"
    if abs(then - now) < timedelta(seconds=1):
        return "same"
    return "sooner" if then < now else "later"
