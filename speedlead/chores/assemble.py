"""All chores of this house, by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from speedlead.calendarbook import load_calendars
from speedlead.chores.audit import audit_chore
from speedlead.chores.booking import Booked, booking_chores
from speedlead.chores.calendars import calendars_chore
from speedlead.chores.chat import chat_chore
from speedlead.chores.duplicates import duplicates_chore
from speedlead.chores.flow_check import FlowCheck
from speedlead.chores.hooks_setup import build_courier
from speedlead.chores.hygiene import hygiene_chore
from speedlead.chores.notify_setup import build_notifier
from speedlead.chores.oncall import oncall_chore
from speedlead.chores.pool import Dealer, pool_chore
from speedlead.chores.quality import quality_chore
from speedlead.chores.retention import retention_chore
from speedlead.chores.review import review_chore
from speedlead.chores.right_clock import by_the_right_clock
from speedlead.chores.rollup import rollup_chores
from speedlead.chores.runner import Chore
from speedlead.chores.sla import sla_chore
from speedlead.chores.steering import steering_chore
from speedlead.chores.stuck import GoingOn, Stuck
from speedlead.chores.unquoted import unquoted
from speedlead.chores.watchdog import Watchdog, Workflows
from speedlead.chores.whatif import WhatIf
from speedlead.credentials import Credentials
from speedlead.ics_fetch import Fetcher
from speedlead.ports import Clock
from speedlead.providers.assemble import Senders
from speedlead.quality.rulebook import load_quality
from speedlead.settings import Settings
from speedlead.steering import Leads
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
    leads: Leads
    workflows: Workflows
    going_on: GoingOn
    # None: booking is off
    booked: Booked | None = None


def _quality(means: Means) -> Chore:
    settings = means.settings
    rules, secret = load_quality(settings.quality_file), means.credentials.secret_bytes
    return quality_chore(means.pool, rules, means.clock, secret, settings.house_zone)


def build_chores(means: Means) -> Sequence[Chore]:
    retention = retention_chore(
        means.pool,
        means.clock,
        means.credentials.secret_bytes,
        leads_days=means.settings.keep_leads_days,
        story_days=means.settings.keep_story_days,
    )
    flow = FlowCheck(means.pool, means.clock, means.settings.public_url, means.credentials.api_key.get_secret_value())
    chores = (
        pool_chore(WaitingPool(means.pool), means.dealer, means.clock),
        oncall_chore(means.pool, means.settings, means.clock),
        sla_chore(means.pool, load_calendars(means.settings.calendars_file)[0], means.clock),
        steering_chore(means.pool, means.leads, means.clock),
        calendars_chore(means.pool, means.clock, Fetcher(means.settings.calendar_networks)),
        *build_notifier(means.pool, means.settings, means.credentials, means.senders, means.clock).chores(),
        *build_courier(means.pool, means.settings, means.credentials, means.clock).chores(),
        *booking_chores(means.booked, means.pool, means.settings, means.credentials, means.senders.mailer, means.clock),
        chat_chore(means.pool, means.clock),
        audit_chore(means.pool, means.settings, means.clock),
        duplicates_chore(means.pool, means.clock, merges=means.settings.merge_certain_duplicates),
        review_chore(means.pool, means.settings, means.credentials, means.senders.mailer, means.clock),
        hygiene_chore(means.pool, means.settings, means.credentials, means.clock),
        by_the_right_clock(means.pool, means.clock, retention),
        by_the_right_clock(means.pool, means.clock, _quality(means)),
        Watchdog(means.pool, means.workflows, means.clock).chore(),
        *rollup_chores(means.pool, means.clock),
        WhatIf(means.pool, means.settings, means.clock).chore(),
        Stuck(means.pool, means.going_on, means.clock, at_most=means.settings.restarts_at_once).chore(),
        *([flow.chore()] if means.settings.flow_check else []),
    )
    return [unquoted(chore) for chore in chores]
