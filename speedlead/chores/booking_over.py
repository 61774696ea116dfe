"""After a meeting: its rep is asked what came of it; where nobody came, the lead goes back to a call."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.booking.offers import Offers
from speedlead.chores.runner import Chore
from speedlead.ports import Clock
from speedlead.store import bookings, meetings_over
from speedlead.store.bookings import BookingRefused
from speedlead.store.leads import LeadStore
from speedlead.store.meetings_over import Over
from speedlead.store.rows import put_notice
from speedlead.store.transactions import transact

EVERY = timedelta(minutes=1)
AT_ONCE = 200


@dataclass(frozen=True)
class BookingOver:
    pool: "asyncpg.Pool[Any]"
    clock: Clock
    offers: Offers

    def chore(self) -> Chore:
        return Chore("booking.over", EVERY, self.look)

    async def look(self) -> str | None:
        found = await meetings_over.over(self.pool, self.clock.wall(), AT_ONCE)
        done = [await self._one(met) for met in found]
        return ", ".join(f"{done.count(what)} {what}" for what in dict.fromkeys(done) if what) or None

    async def _one(self, met: Over) -> str | None:
        now, rules = self.clock.business(met.clock_offset_us), self.offers.rules
        if met.spoken or met.closed_at is not None:
            await transact(self.pool, lambda conn: bookings.took_place(conn, met.id, now))
            return "took place"
        if now >= met.ends_at + timedelta(seconds=rules.no_show_after):
            return await self._missed(met)
        if met.asked_at is None and now >= met.ends_at + timedelta(seconds=rules.ask_after):
            await transact(self.pool, lambda conn: self._ask(conn, met))
            return "asked about"
        return None

    async def _missed(self, met: Over) -> str | None:
        now = self.clock.business(met.clock_offset_us)

        async def work(conn: Any) -> None:
            lead = await LeadStore(conn).read(met.lead_id)
            again = self.offers.again(lead, now + timedelta(seconds=self.offers.rules.again_after))
            await bookings.missed(conn, self.clock, met.id, again, "nobody_joined")

        try:
            await transact(self.pool, work)
        except BookingRefused:  # somebody of ours was faster
            return None
        return "missed"

    async def _ask(self, conn: Any, met: Over) -> None:
        now = self.clock.business(met.clock_offset_us)
        await meetings_over.asked(conn, met.id, now)
        rep_id = met.rep_id or met.owner_id
        await put_notice(
            conn, audience="rep" if rep_id else "manager", kind="meeting_over", at=now, lead_id=met.lead_id,
            rep_id=rep_id, due=met.ends_at + timedelta(seconds=self.offers.rules.no_show_after),
            dedupe=f"meeting_over:{met.id}:{met.ends_at.isoformat()}",
        )  # fmt: skip
