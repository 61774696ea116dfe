"""All chores of this house, by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from speedlead.calendarbook import load_calendars
from speedlead.chores.calendars import calendars_chore
from speedlead.chores.notify_setup import build_notifier
from speedlead.chores.oncall import oncall_chore
from speedlead.chores.pool import Dealer, pool_chore
from speedlead.chores.runner import Chore
from speedlead.chores.sla import sla_chore
from speedlead.credentials import Credentials
from speedlead.ics_fetch import Fetcher
from speedlead.ports import Clock
from speedlead.providers.assemble import Senders
from speedlead.settings import Settings
from speedlead.store.waiting_pool import WaitingPool


@dataclass(frozen=True)
class Means:
    """What chores work with. They run where the worker runs."""

    pool: "asyncpg.Pool[Any]"
    settings: Settings
    credentials: Credentials
    senders: Senders
    clock: Clock
    dealer: Dealer


def build_chores(means: Means) -> Sequence[Chore]:
    return (
        pool_chore(WaitingPool(means.pool), means.dealer, means.clock),
        oncall_chore(means.pool, means.settings, means.clock),
        sla_chore(means.pool, load_calendars(means.settings.calendars_file)[0], means.clock),
        calendars_chore(means.pool, means.clock, Fetcher(means.settings.calendar_networks)),
        *build_notifier(means.pool, means.settings, means.credentials, means.senders, means.clock).chores(),
    )
