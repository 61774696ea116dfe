"""The text of `/metrics`, as Prometheus reads it: counters and state of this process, figures of the house."""

from collections.abc import Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from speedlead.gateway.metrics import Counters
from speedlead.ports import Clock
from speedlead.watch.house import House
from speedlead.watch.readiness import POLLED_WITHIN, Readiness
from speedlead.watch.ready import Ready
from speedlead.watch.sdk import SdkMetrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Exposition:
    def __init__(
        self, house: House, readiness: Readiness, counters: Counters, clock: Clock, sdk: SdkMetrics | None = None
    ) -> None:
        self._house, self._readiness, self._counters = house, readiness, counters
        self._clock, self._sdk = clock, sdk
        self._state = _State()
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        self._registry.register(self._state)
        house.register(self._registry)

    async def text(self) -> str:
        """Never raises because something is down: that is what it has to say."""
        self._state.ready = await self._readiness.ask()
        self._state.asked, self._state.now = self._readiness, self._clock.wall()
        if self._state.ready.parts.get("postgres"):
            await self._house.refresh()
        else:
            # a scrape that waits for a hanging server is lost, and with it what it would have said
            self._house.is_away()
        own = generate_latest(self._registry).decode()
        return own + self._counters.text() + (await self._sdk.text() if self._sdk is not None else "")


class _State(Collector):
    ready = Ready({})
    asked: Readiness | None = None
    now: datetime

    def collect(self) -> Iterable[Metric]:
        parts = GaugeMetricFamily("speedlead_part_ready", "1 when this process can use the part.", labels=("part",))
        for name, ready in self.ready.parts.items():
            parts.add_metric((name,), ready)
        yield parts
        if self.asked is None:
            return
        if self.asked.skew_s is not None:
            what = "This host's clock less the database's."
            yield GaugeMetricFamily("speedlead_clock_skew_seconds", what, self.asked.skew_s)
        labels = ("queue", "kind")
        backlog = GaugeMetricFamily("speedlead_queue_backlog", "Tasks that wait in a task queue, about.", labels=labels)
        age = GaugeMetricFamily("speedlead_queue_age_seconds", "Age of the oldest of them, about.", labels=labels)
        pollers = GaugeMetricFamily("speedlead_queue_pollers", "Workers that polled it lately.", labels=labels)
        for queue in self.asked.queues:
            backlog.add_metric((queue.name, queue.kind), queue.backlog)
            age.add_metric((queue.name, queue.kind), queue.age_s)
            pollers.add_metric((queue.name, queue.kind), len(queue.polled_since(self.now - POLLED_WITHIN)))
        yield from (backlog, age, pollers)

    def describe(self) -> Iterable[Metric]:
        return ()
