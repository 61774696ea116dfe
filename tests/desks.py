"""Previews for tests of the gateway: the product's calendar, the reps of the test's database."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from speedlead import lawbook
from speedlead.calendarbook import load_calendars
from speedlead.closures import HolidayClosures
from speedlead.domain.placing import Placer
from speedlead.foresight import Foresight
from speedlead.place_finder import PlaceFinder
from speedlead.planbook import load_plan
from speedlead.preview.desk import Desk, whose
from speedlead.records import team_of
from speedlead.store.leads import LeadStore
from speedlead.store.transactions import transact

CALENDARS, _ = load_calendars()
PLACER, PLACES = Placer(lawbook.load(), HolidayClosures(), {"tzdata": "test"}, CALENDARS), PlaceFinder()


def desk_on(pool: Any, now: Callable[[], datetime]) -> Callable[[], Awaitable[Desk]]:
    async def desk() -> Desk:
        reps = await transact(pool, lambda conn: LeadStore(conn, CALENDARS).reps())
        foresight = Foresight(plan=load_plan(), placer=PLACER, places=PLACES, team=team_of(reps))
        return Desk(foresight, "US", whose(reps), now())

    return desk
