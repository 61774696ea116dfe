"""Counts the page's usual periods before somebody asks: half a year of a million leads takes minutes of one core.

What is counted goes into the table `fact_count`, where every process finds it. Nothing of it stays in memory here:
pages keep what they are asked for. One gateway of all does it; it counts one question at a time, with one core of the
database, and waits while its own pages are asked for figures.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

import structlog

from speedlead.domain.business import Calendars
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers.asking import Asking
from speedlead.gateway.numbers.panels import Panel
from speedlead.gateway.numbers.shelf import Shelf
from speedlead.numbers.filters import DEFAULT_PERIOD, Filter
from speedlead.numbers.kept import Kept
from speedlead.store import counts

# the first page of a start comes first
FIRST_AFTER_S, EVERY_S = 30.0, 1_200.0
# younger counts are still quick to bring up to date
YOUNG = timedelta(minutes=45)
# a house of fewer leads counts half a year in less than a second
MANY = 20_000

log = structlog.get_logger(__name__)


class Beforehand:
    """`panels` of the whole house, for each of `periods`; the page's own period comes first. `shelf`: the pages'."""

    def __init__(
        self, deps: GatewayDeps, calendars: Calendars, panels: Sequence[Panel], periods: Sequence[str], shelf: Shelf
    ) -> None:
        self._deps, self._calendars, self._panels, self._shelf = deps, calendars, panels, shelf
        self._periods = sorted(periods, key=lambda period: period != DEFAULT_PERIOD)

    async def keep(self) -> None:
        """Until cancelled. What cannot be counted now is tried again in the next round."""
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            began = time.monotonic()
            try:
                await self.once()
            except Exception as error:
                log.warning("no figures could be counted beforehand", error=type(error).__name__)
            await asyncio.sleep(max(FIRST_AFTER_S, EVERY_S - (time.monotonic() - began)))

    async def once(self) -> bool:
        """False: the house is small, or another gateway is at it."""
        async with self._deps.pool.acquire() as conn:
            if not await counts.more_leads_than(conn, MANY):
                return False
            async with counts.alone(conn) as alone:
                for period in self._periods if alone else ():
                    # with the connection the right to be the only one is gone
                    if conn.is_closed():
                        return False
                    await self._count(period)
            return alone

    async def _count(self, period: str) -> None:
        filters = Filter.of({"period": period}, self._deps.clock.wall())
        asking = Asking(self._deps, self._calendars, filters, Shelf(self._deps, Kept(YOUNG, self._shelf.idle)))
        for panel in self._panels:
            try:
                await panel.read(asking)
            except Exception as error:
                log.warning("figures could not be counted beforehand", panel=panel.name, period=period,
                            error=type(error).__name__)  # fmt: skip
