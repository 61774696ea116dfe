"""Booking on a database of its own: one rep in New York from 9 to 18, and leads there; the clock stands still."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from speedlead.booking.offers import Offers
from speedlead.domain.booking import BookingRules
from speedlead.planbook import load_plan
from speedlead.store import bookings
from speedlead.store.booking_rows import Booking
from speedlead.store.bookings import Wish
from speedlead.store.transactions import transact
from tests.desks import CALENDARS, PLACER, PLACES
from tests.store.hand_made import HandClock, put, put_lead

# Monday 23 November 2026, 10:00 in New York; Thursday is Thanksgiving
NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
TUESDAY_10 = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
WEEK = {str(day): [[540, 1080]] for day in range(5)}
ANN, BEN = ("00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000b2")
ADA = "aaaaaaaa-0000-4000-8000-000000000000"


@dataclass
class Meetings:
    pool: Any
    rules: BookingRules = field(default_factory=BookingRules)
    clock: HandClock = field(default_factory=lambda: HandClock(NOW))

    @property
    def offers(self) -> Offers:
        return Offers(PLACER, PLACES, load_plan(), CALENDARS, self.rules)

    async def rep(self, rep_id: str = ANN, name: str = "Ann Berg", **columns: Any) -> str:
        values = {"id": rep_id, "name": name, "email": f"{name.split()[0].lower()}@acme.example",
                  "phone": "+12125550100", "zone": "America/New_York", "weekly": WEEK, "capacity": 200}  # fmt: skip
        await put(self.pool, "rep", **(values | columns))
        return rep_id

    async def lead(self, lead_id: str = ADA, **columns: Any) -> str:
        values = {"name": "Ada Lovelace", "email": f"{lead_id[:8]}@example.com", "phone": "+12125550142",
                  "tz": "America/New_York", "country": "US", "region": "NY", "created": NOW - timedelta(minutes=5),
                  "stage": "assigned", "owner_id": ANN, "open_at": NOW - timedelta(minutes=5)}  # fmt: skip
        await put_lead(self.pool, lead_id, **(values | columns))
        return lead_id

    async def free(self, lead_id: str = ADA, **asked: Any) -> list[datetime]:
        async with self.pool.acquire() as conn:
            return list((await self.offers.offered(conn, lead_id, self.clock.now, **asked)).times)

    async def book(self, lead_id: str = ADA, at: datetime = TUESDAY_10, reps: tuple[str, ...] = (ANN,)) -> Booking:
        wish = Wish(lead_id, at, reps, "America/New_York")
        return await transact(
            self.pool, lambda conn: bookings.book(conn, self.clock, load_plan(), self.rules, wish), within_s=60
        )  # fmt: skip

    async def rows(self, statement: str, *values: Any) -> list[Any]:
        return list(await self.pool.fetch(statement, *values))

    async def signals(self, lead_id: str = ADA) -> list[dict[str, Any]]:
        found = await self.rows("select kind, payload from message where lead_id = $1 order by seq", lead_id)
        return [{"kind": row["kind"], **row["payload"]} for row in found]
