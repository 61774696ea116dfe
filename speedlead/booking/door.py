"""Whether a message may name the booking page: asked from memory, so that no message waits for it."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.booking.offers import Offers
from speedlead.domain.booking import Span
from speedlead.domain.business import Calendars
from speedlead.domain.zones import Place
from speedlead.ports import Clock
from speedlead.records import LeadRecord, RepRecord
from speedlead.store import booking_rows
from speedlead.store.reps import read_reps

log = structlog.get_logger(__name__)

EVERY_S = 30.0


@dataclass
class _Known:
    """What was read a while ago, and what was worked out from it."""

    reps: tuple[RepRecord, ...]
    taken: Mapping[str, list[Span]]
    answers: dict[tuple[Place, str | None], bool] = field(default_factory=dict)


class BookingDoor:
    """`url`: the page of a lead. What it knows is half a minute old: the page itself asks anew."""

    def __init__(self, offers: Offers, calendars: Calendars, clock: Clock, url: Callable[[str], str]) -> None:
        self._offers = offers
        self._calendars = calendars
        self._clock = clock
        self._url = url
        self._known: _Known | None = None

    def link(self, lead: LeadRecord, now: datetime) -> str | None:
        """None while there is no time that this lead could choose, or nothing is known yet."""
        if self._known is None:
            return None
        try:
            return self._url(lead.lead_id) if self._has_any(self._known, lead, now) else None
        except Exception as error:  # whatever is wrong with times to book, the message goes out without them
            log.error("times to book not worked out", lead_id=lead.lead_id, error=type(error).__name__)
            return None

    def _has_any(self, known: _Known, lead: LeadRecord, now: datetime) -> bool:
        asked = self._offers.place(lead, None), lead.owner_id
        if asked not in known.answers:
            known.answers[asked] = self._offers.has_any(lead, known.reps, known.taken, now)
        return known.answers[asked]

    async def refresh(self, pool: "asyncpg.Pool[Any]") -> None:
        now = self._clock.business(0)
        end = now + timedelta(seconds=self._offers.rules.horizon) + timedelta(days=1)
        reps = await read_reps(pool, self._calendars)
        self._known = _Known(reps, await booking_rows.held(pool, now - timedelta(days=1), end))

    async def keep(self, pool: "asyncpg.Pool[Any]") -> None:
        """Until cancelled. Without a database what was known stays."""
        while True:
            try:
                await self.refresh(pool)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("times to book not read", error=type(error).__name__)
            await asyncio.sleep(EVERY_S)
