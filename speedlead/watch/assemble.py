"""What a process says of itself and of the house: built once from its connections."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import asyncpg
from temporalio.client import Client

from speedlead.gateway.metrics import Counters
from speedlead.ports import Clock
from speedlead.settings import Settings
from speedlead.watch.exposition import Exposition
from speedlead.watch.house import House
from speedlead.watch.readiness import Readiness
from speedlead.watch.sdk import SdkMetrics


@dataclass(frozen=True)
class Watch:
    readiness: Readiness
    exposition: Exposition
    counters: Counters


def build_watch(
    pool: "asyncpg.Pool[Any]",
    client: Client,
    settings: Settings,
    clock: Clock,
    *,
    queues: Collection[str] = (),
    sdk: SdkMetrics | None = None,
) -> Watch:
    """`queues`: those that a worker of this process serves; `sdk` only where the client was connected with it."""
    counters = Counters()
    readiness = Readiness(pool, client, clock, works=queues)
    house = House(pool, clock, settings.data_dir)
    return Watch(readiness, Exposition(house, readiness, counters, clock, sdk), counters)
