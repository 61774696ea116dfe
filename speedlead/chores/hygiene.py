"""Once a week, and when somebody asks: the whole base is looked at (REQ 106); what is left of a look goes on."""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.chores.runner import Chore
from speedlead.credentials import Credentials
from speedlead.hygiene.assemble import desk_of
from speedlead.hygiene.desk import HygieneDesk
from speedlead.ports import Clock
from speedlead.settings import Settings
from speedlead.store.hygiene_findings import CHANNEL, Run
from speedlead.store.review_rows import had_leads

NAME = "hygiene"
# when nothing is due this costs two reads; a process that dies in a look is followed by another within that time
EVERY = timedelta(minutes=10)


def hygiene_chore(pool: "asyncpg.Pool[Any]", settings: Settings, credentials: Credentials, clock: Clock) -> Chore:
    desk = desk_of(pool, settings, credentials, clock)
    return Chore(NAME, EVERY, lambda: look(pool, desk), wake=CHANNEL)


async def look(pool: "asyncpg.Pool[Any]", desk: HygieneDesk) -> str | None:
    """A house that has never had a lead has nothing to be looked at, unless somebody asks."""
    if await had_leads(pool, desk.clock.wall()):
        await desk.begin_due()
    run = await desk.go_on()
    return said(run) if run else None


def said(run: Run) -> str:
    return f"{run.looked_at} people: {sum(run.findings.values())} to be put right, {run.repaired} repaired"
