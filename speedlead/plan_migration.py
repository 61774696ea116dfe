"""What moving open leads to another plan version would do, before anybody is moved: lead by lead, and step by step.

Each lead is rebuilt from its rows, with a call that found nobody of ours and stays due, and asked `decide` twice, on
its own plan and on the other one. What only its workflow knows is not in it, such as the hour that a rule named: the
lead itself looks again when it is asked. A lead that is paused is asked as of its resumption: when its pause ends, or
now where it has no end.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from speedlead.domain.cadence import Act, Await, Finish, HandOver, Remind, Substitute, decide
from speedlead.domain.lead import LeadState, Owed
from speedlead.domain.plan import Cadence
from speedlead.domain.replanning import cannot_move, move
from speedlead.domain.settling import STAYS_DUE
from speedlead.lead_rows import state_of
from speedlead.ports import Clock
from speedlead.store.starts import build_start

# claimed, or a call whose end nobody has reported
_UNDER_WAY = """
select step from touch where lead_id = $1 and (state = 'claimed' or channel = 'call' and state = 'sent'
    and call_result is null) order by planned_at limit 1"""


_OWED = """
select step, planned_at as at, next_at, reason from touch where lead_id = $1 and purpose = 'plan'
    and channel = 'call' and state = 'deferred' and reason = any($2::text[]) order by planned_at"""


@dataclass(frozen=True, slots=True)
class Next:
    """What comes next: a step, or in words what is waited for. `at` by the plan alone, before the calendar.

    `ends`: nothing does, and the lead is closed at once.
    """

    what: str
    at: datetime | None
    step: bool
    ends: bool = False


@dataclass(frozen=True, slots=True)
class LeadMove:
    """`passed_over`: steps of the new plan that it leaves behind. `under_way`: the touch that ends first.

    `paused`: `before` and `after` are what comes once it is resumed.
    """

    lead_id: str
    lead_type: str
    before: Next
    after: Next | None
    passed_over: tuple[str, ...] = ()
    under_way: str | None = None
    refused: str | None = None
    paused: bool = False

    @property
    def later_by(self) -> timedelta | None:
        if self.after is None or not self.after.step or self.after.at is None or self.before.at is None:
            return None
        return self.after.at - self.before.at

    @property
    def closes(self) -> bool:
        """It has nothing left on the other plan: the move closes it (once resumed), and no move back opens it."""
        return self.after is not None and self.after.ends and not self.before.ends


@dataclass(frozen=True, slots=True)
class StepMove:
    """All leads of a type that stand at `before` and would go on with `after`; None: they cannot go there."""

    lead_type: str
    before: str
    after: str | None
    leads: int
    under_way: int
    passed_over: tuple[str, ...]
    least: timedelta | None
    most: timedelta | None
    refused: str | None
    paused: bool = False


async def foresee(conn: Any, leads: Sequence[str], to: Cadence, clock: Clock) -> list[LeadMove]:
    """Leads that have closed meanwhile are left out. Reads only."""
    found = []
    for lead_id in leads:
        start = await build_start(conn, lead_id, again=True)
        if start is None:
            continue
        offset = await conn.fetchval("select clock_offset_us from lead where id = $1", lead_id)
        under_way = await conn.fetchval(_UNDER_WAY, lead_id)
        lead, now = state_of(start), clock.business(offset)
        owes(lead, await conn.fetch(_OWED, lead_id, list(STAYS_DUE)), now)
        found.append(moved(lead, to, now, under_way))
    return found


def owes(lead: LeadState, put_off: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Takes in the calls that found nobody of ours, rows of `touch`; the last one stays due."""
    steps = {lead.touch_step(step.id): step.id for step in lead.track.steps}
    for row in put_off:
        if (step := steps.get(row["step"])) is not None:
            lead.settle(step, "deferred", row["at"], "call", row["reason"])
            lead.owed = Owed(step, row["next_at"] or now)


def moved(lead: LeadState, to: Cadence, now: datetime, under_way: str | None = None) -> LeadMove:
    """Leaves `lead` as it is."""
    paused, resumed_at = lead.paused, max(now, lead.paused_until or now)
    before = _next_resumed(lead, resumed_at)
    refused = cannot_move(lead, to)
    if refused is not None:
        return LeadMove(lead.lead_id, lead.lead_type, before, None, (), under_way, refused, paused)
    other = copy.deepcopy(lead)
    passed = tuple(skip.step for skip in move(other, to, now))
    after = _next_resumed(other, resumed_at)
    return LeadMove(lead.lead_id, lead.lead_type, before, after, passed, under_way, None, paused)


def by_step(moves: Sequence[LeadMove]) -> list[StepMove]:
    """One row for each place and where it leads to, the fullest first."""
    groups: dict[tuple[str, str, str | None, tuple[str, ...], str | None, bool], list[LeadMove]] = {}
    for one in moves:
        after = one.after.what if one.after is not None else None
        key = (one.lead_type, one.before.what, after, one.passed_over, one.refused, one.paused)
        groups.setdefault(key, []).append(one)
    rows = []
    for (lead_type, before, after, passed, refused, paused), found in groups.items():
        shifts = [one.later_by for one in found if one.later_by is not None]
        rows.append(
            StepMove(
                lead_type, before, after, len(found), sum(one.under_way is not None for one in found), passed,
                min(shifts, default=None), max(shifts, default=None), refused, paused,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (-row.leads, row.lead_type, row.before, row.paused))


def _next_resumed(lead: LeadState, at: datetime) -> Next:
    if not lead.paused:
        return _next(lead, at)
    resumed = copy.deepcopy(lead)
    resumed.resume(at)
    return _next(resumed, at)


def _next(lead: LeadState, now: datetime) -> Next:
    if lead.opened is None:
        return Next("routing", None, False)
    match decide(lead, now):
        case Act(step=step, earliest=earliest):
            return Next(step.id, max(now, earliest + timedelta(days=step.local_days)), True)
        case Substitute(step=step, due=due):
            return Next(step.id, due, True)
        case Await(until=until, why=why):
            return Next(why, until, False)
        case Remind(kind=kind):
            return Next(kind, now, False)
        case Finish(reason=reason):
            return Next(reason, now, False, ends=True)
        case HandOver():
            return Next("no_channel", now, False)
    return Next("pause_over", now, False)
