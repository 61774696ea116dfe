"""One replay from its first lead to its last: what it takes, and the playing itself. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from speedlead.domain.opening import Shift
from speedlead.domain.placing import Placer
from speedlead.domain.plan import Plan
from speedlead.foresight import Foresight, Places, Prospect
from speedlead.whatif.replay import Outcome, compare
from speedlead.whatif.staffing import Hour, staffing
from speedlead.whatif.told import Told, told

# longer than any plan that answers an inquiry; a program may take years
LONGEST = timedelta(days=60)
# of each of our people
Team = Sequence[Sequence[Shift]]


class WhatIfRefused(Exception):
    """`field`: what was asked wrongly, by its name; `text`: what was expected."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"{field}: {text}")
        self.field, self.text = field, text


@dataclass(frozen=True, slots=True)
class Frame:
    """Leads of the last `days`, at most `most` from all over them. `zone`: of the hours of the week.

    `call_s`: how long a call holds somebody; `within_s`: in which 95 % of the calls have to find somebody free.
    """

    days: int = 30
    most: int = 500
    zone: str = "UTC"
    call_s: float = 180.0
    within_s: float = 180.0


@dataclass(frozen=True)
class Work:
    """`of_all`: leads that came in the period; `first`: when the first of all came. `at`: when it was asked.

    `law_file`, `calendars_file`: of the house, None: those that come along.
    """

    frame: Frame
    now: Plan
    then: Plan
    team_now: Team
    team_then: Team
    prospects: Sequence[Prospect]
    of_all: int
    first: datetime
    at: datetime
    law_file: Path | None = None
    calendars_file: Path | None = None


def carry_out(work: Work, placer: Placer, places: Places, tick: Callable[[], None] = lambda: None) -> Told:
    """`tick` after each lead. Raises WhatIfRefused."""

    def foresight(plan: Plan, team: Team) -> Foresight:
        # who takes turns counts as one
        whole = [shift.whole or shift for shifts in team for shift in shifts]
        return Foresight(plan=plan, placer=placer, places=places, team=whole, longest=LONGEST)

    frame = work.frame
    found = compare(
        work.prospects, foresight(work.now, work.team_now), foresight(work.then, work.team_then), frame.zone, tick
    )
    # an average week, of all leads where only some were played; before its first lead a house had no weeks
    days = min(frame.days, max(7, (work.at - work.first).days))
    part = 7 / days * work.of_all / len(work.prospects)
    local = work.at.astimezone(ZoneInfo(frame.zone))
    monday = datetime.combine(local.date() + timedelta(days=7 - local.weekday()), time(), local.tzinfo)

    def week(of: Outcome, team: Team) -> tuple[Hour, ...]:
        return staffing([calls * part for calls in of.hours], team, monday, call_s=frame.call_s,
                        within_s=frame.within_s)  # fmt: skip

    try:
        hours = week(found.now, work.team_now), week(found.then, work.team_then)
    except ValueError as error:
        raise WhatIfRefused("call_minutes", str(error)) from None
    return told(found, hours, of_all=work.of_all, days=frame.days)
