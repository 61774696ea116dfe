"""On call: writes down what was worked, and says a day ahead who steps in and where nobody is left."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg

from speedlead.calendarbook import load_calendars
from speedlead.chores.runner import Chore
from speedlead.domain.business import Calendars
from speedlead.domain.roster import Duty, Roster
from speedlead.ports import Clock
from speedlead.settings import Settings
from speedlead.store.oncall import record
from speedlead.store.reps import read_rosters
from speedlead.store.rows import put_notice
from speedlead.store.transactions import transact
from speedlead.times import local

NAME = "oncall.record"
# a shift stands in the export soon after it is over
_EVERY = timedelta(minutes=1)
# long enough to find somebody, short enough to be about tomorrow
_AHEAD = timedelta(days=1)
_DAY = timedelta(days=1)


def oncall_chore(pool: "asyncpg.Pool[Any]", settings: Settings, clock: Clock) -> Chore:
    """Raises CalendarError."""
    calendars, _ = load_calendars(settings.calendars_file)

    async def round_() -> str | None:
        return await transact(pool, lambda conn: keep(conn, calendars, clock.business(0)))

    return Chore(NAME, _EVERY, round_)


async def keep(conn: Any, calendars: Calendars, now: datetime) -> str | None:
    """One round; the caller holds the transaction."""
    written = 0
    for roster in await read_rosters(conn, calendars):
        written += await record(conn, roster, now)
        await _tell(conn, roster, now)
    return f"{written} shifts recorded" if written else None


async def _tell(conn: Any, roster: Roster, now: datetime) -> None:
    today = local(now, roster.zone).date()
    for day in (today - _DAY, today, today + _DAY):
        spans = roster.hours(day)
        if not spans or not now < spans[0][0] <= now + _AHEAD:
            continue
        begins = f"{roster.cover.id}, {local(spans[0][0], roster.zone):%a %d %b %H:%M} ({roster.zone})"
        for duty in roster.duties(day):
            key = f"{roster.cover.id}:{duty.level}:{day}"
            if duty.rep is None:
                await put_notice(
                    conn, audience="manager", kind="nobody_on_call", at=now, reason=f"Level {duty.level} of {begins}",
                    dedupe=f"nobody_on_call:{key}",
                )  # fmt: skip
            elif duty.why == "override" or _is_off(duty):
                rep_id = await conn.fetchval("select id from rep where lower(email) = $1", duty.rep)
                await put_notice(
                    conn, audience="rep", kind="on_call_instead", at=now, rep_id=rep_id,
                    reason=f"Level {duty.level} of {begins}", dedupe=f"on_call_instead:{key}:{duty.rep}",
                )  # fmt: skip


def _is_off(duty: Duty) -> bool:
    return any(why == "time_off" for _, why in duty.passed)
