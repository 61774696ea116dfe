"""Tells managers when too few first attempts of a team are in time; notes when missed targets were met at last."""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.chores.runner import Chore
from speedlead.domain.business import Calendars
from speedlead.ports import Clock
from speedlead.store.breaches import end_breaches
from speedlead.store.sla_share import shares, tell_low
from speedlead.store.transactions import transact

EVERY = timedelta(minutes=1)
# REQ 74: below that it is critical
LEAST_PERCENT = 95
# of fewer leads one alone would be an alarm
LEAST_LEADS = 5
NO_TEAM = "everybody"
NOBODYS = "nobody's leads"


def sla_chore(pool: "asyncpg.Pool[Any]", calendars: Calendars, clock: Clock) -> Chore:
    def team_of(email: str | None) -> str:
        if email is None:
            return NOBODYS
        team = calendars.team_of(email)
        return NO_TEAM if team is None else team.id

    async def run() -> str | None:
        wall = clock.wall()

        async def look(conn: Any) -> str | None:
            ended = await end_breaches(conn)
            low = {
                team: share
                for team, share in (await shares(conn, team_of, wall)).items()
                if share.due >= LEAST_LEADS and share.percent < LEAST_PERCENT
            }
            for team, share in low.items():
                await tell_low(conn, team, share, wall)
            said = [f"{team} {share.percent:.0f} %" for team, share in low.items()] + [f"{ended} ended"] * bool(ended)
            return ", ".join(said) or None

        return await transact(pool, look)

    return Chore("sla.share", EVERY, run)
