"""Plays leads of the last weeks under something else, as the page /whatif asked: one run at a time, begun at once."""

from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.calendarbook import load_calendars
from speedlead.chores.runner import Chore
from speedlead.planbook import load_plan
from speedlead.ports import Clock
from speedlead.settings import Settings
from speedlead.store import whatif as rows
from speedlead.store.transactions import transact
from speedlead.whatif import asked
from speedlead.whatif.child import Stopped, play_apart
from speedlead.whatif.house import gather
from speedlead.whatif.told import Told
from speedlead.whatif.work import WhatIfRefused

NAME = "whatif"
# what a process that died has left is begun again
_EVERY = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class WhatIf:
    def __init__(self, pool: "asyncpg.Pool[Any]", settings: Settings, clock: Clock) -> None:
        """Raises CalendarError."""
        self._pool, self._settings, self._clock = pool, settings, clock
        self._calendars, _ = load_calendars(settings.calendars_file)

    def chore(self) -> Chore:
        return Chore(NAME, _EVERY, self.round, wake=rows.CHANNEL)

    async def round(self) -> str | None:
        done = 0
        while run := await transact(self._pool, lambda conn: rows.take(conn, self._clock.wall())):
            await self._one(run)
            done += 1
        return f"{done} played" if done else None

    async def _one(self, run: rows.Run) -> None:
        result: Told | None = None
        problem = None
        try:
            result = await self._play(run)
        except Stopped:
            return
        except (WhatIfRefused, asked.AskedWrongly) as refused:
            problem = str(refused)
        except Exception as error:
            # the next one in the row has its turn all the same
            log.error("a replay failed", run=run.run_id, error=type(error).__name__)
            problem = f"It could not be played: {type(error).__name__}."
        kept, wall = None if result is None else result.kept(), self._clock.wall()
        await transact(self._pool, lambda conn: rows.end(conn, run.run_id, wall, result=kept, problem=problem))

    async def _play(self, run: rows.Run) -> Told:
        wish = asked.read(run.asked)
        # the leads of the time before somebody asked, also where the run had to wait
        work = await gather(
            self._pool, self._settings, self._calendars, wish.frame, run.created_wall,
            file_plan=lambda: load_plan(self._settings.plan_file), plan=wish.other_plan,
            team=lambda reps: wish.other_team(reps, self._calendars),
        )  # fmt: skip

        async def progressed(played: int) -> bool:
            total = len(work.prospects)
            return await transact(self._pool, lambda conn: rows.progressed(conn, run.run_id, played, total))

        if not await progressed(0):
            raise Stopped
        return await play_apart(work, progressed)
