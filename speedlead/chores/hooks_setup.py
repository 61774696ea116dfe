"""The courier of this installation."""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.chores.hooks import Courier, HookRules
from speedlead.credentials import Credentials
from speedlead.hooks.address import parse_allowed
from speedlead.hooks.sending import opened
from speedlead.payloads import keys_of
from speedlead.ports import Clock
from speedlead.settings import Settings


def build_courier(pool: "asyncpg.Pool[Any]", settings: Settings, credentials: Credentials, clock: Clock) -> Courier:
    allowed = parse_allowed(settings.hook_hosts)
    wanted = HookRules(
        retry_for=timedelta(days=settings.hook_retry_days),
        dead_after=timedelta(days=settings.hook_dead_days),
        keep=timedelta(days=settings.keep_hook_days),
    )
    keys = keys_of(settings, credentials)
    return Courier(pool, clock, keys, wanted, lambda: opened(allowed), settings.public_url, settings.staff_url)
