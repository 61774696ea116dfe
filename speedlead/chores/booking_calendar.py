"""Writes meetings into our people's calendars, and reads when those are busy. A meeting stands whatever they answer."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.booking.accounts import Account
from speedlead.booking.caldav import CalDav, one_calendar
from speedlead.booking.invitation import invitation
from speedlead.chores.runner import Chore
from speedlead.ics import CalendarFault, Span
from speedlead.ics_child import read_apart
from speedlead.ports import Clock
from speedlead.store import booking_calendars as rows
from speedlead.store.booking_calendars import ToWrite
from speedlead.store.leads import LeadStore
from speedlead.store.rows import put_notice
from speedlead.store.transactions import transact

log = structlog.get_logger(__name__)

WRITE_EVERY, READ_EVERY = timedelta(seconds=30), timedelta(minutes=5)
AT_ONCE = 4
MOST = 200
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
# so many times in a row are no bad moment of a server any more
TOLD_AFTER = 3


@dataclass(frozen=True)
class BookingCalendar:
    """`accounts`: by the rep's address."""

    pool: "asyncpg.Pool[Any]"
    clock: Clock
    accounts: Mapping[str, Account]
    company: str
    organizer: str
    horizon_s: int

    def chores(self) -> Sequence[Chore]:
        writing = Chore("booking.calendar", WRITE_EVERY, self.write, wake="booking")
        return (writing, Chore("booking.busy", READ_EVERY, self.read))

    # ── our meetings ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def write(self) -> str | None:
        found = await rows.to_write(self.pool, self.clock.wall(), MOST)
        free = asyncio.Semaphore(AT_ONCE)

        async def one(item: ToWrite) -> bool:
            async with free:
                return await self._write(item)

        done = await asyncio.gather(*(one(item) for item in found))
        return f"{sum(done)} written, {done.count(False)} not" if done else None

    async def _write(self, item: ToWrite) -> bool:
        met = item.met
        account = self.accounts.get((met.rep_email or "").lower())
        if account is None:
            await rows.written(self.pool, met, "none")
            return True
        try:
            if item.erased or met.state == "cancelled":
                await CalDav(account).delete(met.id)
            else:
                await CalDav(account).put(met.id, await self._entry(item))
        except CalendarFault as fault:
            problem = fault.code
            await transact(self.pool, lambda conn: self._failed(conn, item, problem))
            return False
        await rows.written(self.pool, met, "written")
        return True

    async def _entry(self, item: ToWrite) -> str:
        lead = await LeadStore(self.pool).read(item.met.lead_id)
        return invitation(
            item.met, None, company=self.company, organizer=self.organizer,
            domain=self.organizer.rpartition("@")[2], lead_name=lead.name, lead_email=lead.email,
            wall=self.clock.wall(), phone=lead.phone,
        )  # fmt: skip

    async def _failed(self, conn: Any, item: ToWrite, problem: str) -> None:
        log.warning("meeting not in the calendar", booking_id=item.met.id, reason=problem)
        pause = min(FIRST_PAUSE * 2 ** min(item.tries, 10), LONGEST_PAUSE)
        await rows.not_written(conn, item.met, problem, self.clock.wall() + pause)
        if item.tries + 1 == TOLD_AFTER:
            await put_notice(
                conn, audience="rep", kind="meeting_not_in_calendar", reason=problem,
                at=self.clock.business(item.met.clock_offset_us), lead_id=item.met.lead_id, rep_id=item.met.rep_id,
                due=item.met.starts_at, dedupe=f"meeting_not_in_calendar:{item.met.id}:{item.met.sequence}",
            )  # fmt: skip

    # ── busy times ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def read(self) -> str | None:
        reps = await rows.reps_of(self.pool, self.accounts)
        await rows.forget_others(self.pool, [rep["id"] for rep in reps])
        free = asyncio.Semaphore(AT_ONCE)

        async def one(rep: Any) -> bool:
            async with free:
                return await self._read(rep)

        done = await asyncio.gather(*(one(rep) for rep in reps))
        return f"{sum(done)} read" + (f", {done.count(False)} not" if not all(done) else "") if done else None

    async def _read(self, rep: Any) -> bool:
        """What was read before stays where this fails."""
        start = self.clock.wall().replace(microsecond=0)
        end = start + timedelta(seconds=self.horizon_s) + timedelta(days=2)
        ours = await rows.names(self.pool, rep["id"])
        try:
            texts = await CalDav(self.accounts[rep["email"]]).entries(start, end, ours)
            spans: Sequence[Span] = ()
            if texts:
                text = one_calendar(texts)
                found = await read_apart(text, zone=rep["zone"], email=rep["email"], start=start, end=end)
                spans = found.spans
        except CalendarFault as fault:
            log.warning("calendar not read", rep_id=rep["id"], reason=fault.code)
            now = self.clock.business(0)
            await put_notice(
                self.pool, audience="ops", kind="calendar_failing", at=now, rep_id=rep["id"], reason=fault.code,
                dedupe=f"caldav:{rep['id']}:{now:%Y-%m-%d}",
            )  # fmt: skip
            return False
        await transact(self.pool, lambda conn: rows.put_busy(conn, rep["id"], spans))
        return True
