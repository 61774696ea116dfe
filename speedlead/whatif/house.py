"""What a replay takes from the house as it is now: the plan in use, our people, and the leads that came."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from speedlead.domain.business import Calendars
from speedlead.domain.plan import Plan
from speedlead.records import RepRecord
from speedlead.settings import Settings
from speedlead.store import plans
from speedlead.store.past_leads import first_lead, past_leads
from speedlead.store.reps import read_reps
from speedlead.store.transactions import transact
from speedlead.whatif.work import Frame, Team, WhatIfRefused, Work

# the other plan, given the one in use; the other team, given who is there now
OtherPlan = Callable[[Any, Plan], Awaitable[Plan]]
OtherTeam = Callable[[Sequence[RepRecord]], Team]


async def gather(
    pool: Any, settings: Settings, calendars: Calendars, frame: Frame, at: datetime, *, file_plan: Callable[[], Plan],
    plan: OtherPlan, team: OtherTeam,
) -> Work:  # fmt: skip
    """`file_plan`: what a house goes by that has published none. Raises WhatIfRefused."""

    async def read(conn: Any) -> Work:
        in_use = await plans.in_use(conn)
        now = file_plan() if in_use is None else await plans.plan_of(conn, *in_use)
        then = await plan(conn, now)
        reps = [rep for rep in await read_reps(conn, calendars) if not rep.manager]
        other = team(reps)
        prospects, of_all = await past_leads(conn, at - timedelta(days=frame.days), at, frame.most)
        if not prospects:
            raise WhatIfRefused("days", f"expected leads to play, got none of the last {frame.days} days")
        return Work(
            frame, now, then, [rep.shifts for rep in reps], other, prospects, of_all, await first_lead(conn) or at, at,
            settings.law_file, settings.calendars_file,
        )  # fmt: skip

    return await transact(pool, read, within_s=60)
