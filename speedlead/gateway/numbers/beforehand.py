"""Counts the page's usual periods before somebody asks: half a year of a million leads takes minutes of one core.

What is counted goes into the table `fact_count`, where every process finds it; whoever has counted lately spares the
others. Nothing of it stays in memory here: pages keep what they are asked for.
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

# the first page of a start comes first
FIRST_AFTER_S, EVERY_S = 30.0, 1_200.0
# younger counts are still quick to bring up to date
YOUNG = timedelta(minutes=45)

log = structlog.get_logger(__name__)


class Beforehand:
    """`panels` of the whole house, for each of `periods`; the page's own period comes first."""

    def __init__(
        self, deps: GatewayDeps, calendars: Calendars, panels: Sequence[Panel], periods: Sequence[str]
    ) -> None:
        self._deps, self._calendars, self._panels = deps, calendars, panels
        self._periods = sorted(periods, key=lambda period: period != DEFAULT_PERIOD)

    async def keep(self) -> None:
        """Until cancelled. What cannot be counted now is tried again in the next round."""
        await asyncio.sleep(FIRST_AFTER_S)
        while True:
            began = time.monotonic()
            await self.once()
            await asyncio.sleep(max(FIRST_AFTER_S, EVERY_S - (time.monotonic() - began)))

    async def once(self) -> None:
        for period in self._periods:
            filters = Filter.of({"period": period}, self._deps.clock.wall())
            asking = Asking(self._deps, self._calendars, filters, Shelf(self._deps, Kept(YOUNG)))
            for panel in self._panels:
                try:
                    await panel.read(asking)
                except Exception as error:
                    log.warning("figures could not be counted beforehand", panel=panel.name, period=period,
                                error=type(error).__name__)  # fmt: skip
