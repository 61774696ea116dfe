"""What `/metrics` says of the whole house: read from rows at most every ten seconds, however often it is asked."""

import asyncio
import shutil
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from speedlead.ports import Clock
from speedlead.store.figures import FIGURES, Row, acknowledged_in, read_figures

EVERY = timedelta(seconds=10)
# REQ 1: within 30 seconds; the others show how far from it
BUCKETS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30)
# a lead counts once, at this age: by then its acknowledgement has come or is missing
COUNTED_AT = timedelta(minutes=1)
# after a pause no more than this is counted at one go
_LOOK_BACK = timedelta(hours=1)

_UNREADABLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class House(Collector):
    """Every process says the same of the house, so what several say is taken as `max`, never added up."""

    def __init__(self, pool: "asyncpg.Pool[Any]", clock: Clock, data_dir: Path) -> None:
        self._pool, self._clock, self._data_dir = pool, clock, data_dir
        self._lock = asyncio.Lock()
        self._read_at: datetime | None = None
        self._rows: dict[str, list[Row]] = {}
        self._failed = 0
        self._up = False
        self._counted_until = clock.wall() - COUNTED_AT
        self.acknowledgements = Histogram(
            "speedlead_acknowledgement_seconds",
            "From a lead's inquiry to its acknowledgement; one that has none after a minute counts as a minute.",
            ("type",), buckets=BUCKETS_S, registry=None,
        )  # fmt: skip
        for lead_type in ("hot", "warm", "cold"):
            self.acknowledgements.labels(lead_type)

    async def refresh(self) -> None:
        """Never raises: a database that is away is a figure of its own, and the old ones are dropped."""
        async with self._lock:
            wall = self._clock.wall()
            if self._read_at is not None and wall - self._read_at < EVERY:
                return
            try:
                async with asyncio.timeout(EVERY.total_seconds()):
                    self._rows, self._failed = await read_figures(self._pool, wall)
                    await self._count_acknowledgements(wall)
                self._up = True
            except _UNREADABLE:
                self.is_away()
            self._read_at = wall

    def is_away(self) -> None:
        self._rows, self._up, self._read_at = {}, False, None

    async def _count_acknowledgements(self, wall: datetime) -> None:
        until = wall - COUNTED_AT
        after = max(self._counted_until, until - _LOOK_BACK)
        for lead_type, took in await acknowledged_in(self._pool, after, until):
            seconds = COUNTED_AT.total_seconds() if took is None else max(took, 0)
            self.acknowledgements.labels(lead_type).observe(seconds)
        self._counted_until = until

    def register(self, registry: CollectorRegistry) -> None:
        registry.register(self)
        registry.register(self.acknowledgements)

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("speedlead_database_up", "1 when the figures below could be read.", float(self._up))
        yield GaugeMetricFamily("speedlead_figures_failed", "Figures that could not be read.", self._failed)
        for figure in FIGURES:
            family = GaugeMetricFamily(f"speedlead_{figure.name}", figure.help, labels=figure.labels)
            for labels, value in self._rows.get(figure.name, ()):
                family.add_metric(labels, value)
            yield family
        disk = shutil.disk_usage(self._data_dir)
        yield GaugeMetricFamily("speedlead_disk_free_bytes", "Free space where the data folder is.", disk.free)
        yield GaugeMetricFamily("speedlead_disk_size_bytes", "All of it.", disk.total)

    def describe(self) -> Iterable[Metric]:
        """Nothing is read to register it."""
        return ()
