"""The outside source of this installation, if it has one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from speedlead.enrichment.source import Asking, HttpSource, parse_fields
from speedlead.hooks.address import parse_allowed
from speedlead.settings import Settings


@asynccontextmanager
async def open_source(settings: Settings) -> AsyncIterator[HttpSource | None]:
    if settings.company_source_url is None:
        yield None
        return
    secret = settings.company_source_secret
    source = HttpSource(
        Asking(
            settings.company_source_url,
            parse_fields(settings.company_source_fields),
            settings.company_source_header,
            secret.get_secret_value() if secret is not None else None,
            parse_allowed(settings.company_source_hosts),
        )
    )
    try:
        yield source
    finally:
        await source.close()
