"""The desk of this house, by its settings."""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.credentials import Credentials
from speedlead.gateway.context import home_country
from speedlead.hygiene.desk import HygieneDesk
from speedlead.hygiene.reading import Reader
from speedlead.ports import Clock
from speedlead.settings import Settings


def desk_of(pool: "asyncpg.Pool[Any]", settings: Settings, credentials: Credentials, clock: Clock) -> HygieneDesk:
    return HygieneDesk(
        pool,
        clock,
        Reader(home_country(settings.company_phone or settings.twilio_from)),
        credentials.secret_bytes,
        zone=settings.house_zone,
        at=settings.hygiene_at,
        critical=settings.hygiene_fields,
        repairs=settings.hygiene_repairs,
        keep=timedelta(days=settings.keep_leads_days),
    )
