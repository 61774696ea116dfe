"""Every few minutes: reps' own calendars, whose busy times count when leads are given away."""

import asyncio
import hashlib
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.chores.runner import Chore
from speedlead.ics import CalendarFault
from speedlead.ics_child import read_apart
from speedlead.ics_fetch import Fetcher
from speedlead.ports import Clock
from speedlead.store import rep_calendars
from speedlead.store.rep_calendars import WAKE, RepCalendar
from speedlead.store.transactions import transact

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=5)
AHEAD = timedelta(days=60)
# the same entries reach new days as time goes on
EXPANDED_EVERY = timedelta(hours=12)
AT_ONCE = 4
# when the provider wrote the file, which differs each time and says nothing
_STAMPS = re.compile(rb"^(DTSTAMP|LAST-MODIFIED|CREATED)[^\n]*\n", re.MULTILINE)


def calendars_chore(pool: "asyncpg.Pool[Any]", clock: Clock, fetcher: Fetcher) -> Chore:
    return Chore("calendars.read", EVERY, lambda: read_all(pool, clock, fetcher), wake=WAKE)


async def read_all(pool: "asyncpg.Pool[Any]", clock: Clock, fetcher: Fetcher) -> str | None:
    """One that fails keeps nobody else's from being read."""
    await transact(pool, rep_calendars.forget_gone)
    known = await transact(pool, rep_calendars.calendars)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(calendar: RepCalendar) -> bool:
        async with slots:
            wall = clock.wall()
            try:
                await _read(pool, calendar, fetcher, wall)
            except CalendarFault as fault:
                log.warning("calendar not read", rep_id=calendar.rep_id, reason=fault.code)
                problem = fault.code
                await transact(pool, lambda conn: rep_calendars.note_failure(conn, calendar, problem, wall))
                return False
        return True

    read = await asyncio.gather(*(one(calendar) for calendar in known))
    if not read:
        return None
    return f"{sum(read)} read" + (f", {read.count(False)} not" if not all(read) else "")


async def _read(pool: "asyncpg.Pool[Any]", calendar: RepCalendar, fetcher: Fetcher, wall: datetime) -> None:
    """Raises CalendarFault."""
    fresh = calendar.expanded_wall is not None and wall - calendar.expanded_wall < EXPANDED_EVERY
    marks = (calendar.etag, calendar.modified) if fresh else (None, None)
    fetched = await fetcher.fetch(calendar.url, *marks)
    digest = _digest(calendar, fetched.body) if fetched.body is not None else calendar.digest
    if fetched.body is None or (fresh and digest == calendar.digest):
        await transact(pool, lambda conn: rep_calendars.note_same(conn, calendar, wall))
        return
    start = wall.replace(microsecond=0)
    found = await read_apart(
        fetched.body.decode("utf-8", "replace"), zone=calendar.zone, email=calendar.email,
        start=start, end=start + AHEAD,
    )  # fmt: skip
    read = replace(calendar, etag=fetched.etag, modified=fetched.modified, digest=digest)
    await transact(pool, lambda conn: rep_calendars.note_read(conn, read, found.spans, found.remark, wall))


def _digest(calendar: RepCalendar, body: bytes) -> str:
    """Of what the busy times depend on: another zone makes other days of the same entries."""
    whose = f"{calendar.zone}\n{calendar.email}\n".encode()
    return hashlib.sha256(whose + _STAMPS.sub(b"", body)).hexdigest()
