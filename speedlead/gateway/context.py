"""What the gateway's routes share: the parts of `GatewayDeps` and what is made from them once."""

import asyncio
import contextlib
from collections.abc import Awaitable

import structlog

from speedlead.contracts import LeadStart
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.guards import Guard
from speedlead.gateway.limits import TokenBuckets, networks
from speedlead.gateway.metrics import Counters
from speedlead.intake import CHANNELS, Rules

# the relay says about a second; this holds when it does not keep its word
RELAY_S = 1.5

log = structlog.stdlib.get_logger("speedlead.gateway")


class Context:
    def __init__(self, deps: GatewayDeps) -> None:
        settings = deps.settings
        self.deps = deps
        self.guard = Guard(settings, deps.credentials)
        self.counters = Counters()
        self.by_address = TokenBuckets(settings.intake_rate_per_minute_address)
        self.by_key = TokenBuckets(settings.intake_rate_per_minute_key)
        self.proxies = networks(settings.trusted_proxies)
        intents = tuple(name for names in deps.plan.intents.values() for name in names)
        home = home_country(settings.company_phone or settings.twilio_from)
        channels = CHANNELS.union(*(target.when.channel or () for target in deps.plan.targets))
        self.form_rules = Rules(
            intents, home, default_source="website", default_channel="form", channels=channels, lenient=True
        )
        self.api_rules = Rules(intents, home, default_source="api", default_channel="api", channels=channels)

    async def deliver_now(self, *lead_ids: str | None) -> None:
        """The fast path. The message is committed, so whatever happens here, the relay delivers it."""
        for lead_id in dict.fromkeys(lead_ids):
            if lead_id is not None:
                await self._try(lead_id, self.deps.relay.deliver_now(lead_id))

    async def start_now(self, start: LeadStart) -> None:
        """The fast path of a new lead."""
        await self._try(start.lead_id, self.deps.relay.start_now(start))

    async def _try(self, lead_id: str, delivery: Awaitable[None]) -> None:
        try:
            async with asyncio.timeout(RELAY_S):
                await delivery
        except Exception as error:
            self.counters.add("fast_delivery_failed")
            with contextlib.suppress(Exception):
                log.warning("not delivered at once", lead_id=lead_id, error=type(error).__name__)


def home_country(number: str) -> str:
    """The country of the company's own number: where a number without any hint is looked for first."""
    from phonenumbers import NumberParseException, parse, region_code_for_number

    try:
        return region_code_for_number(parse(number)) or "US"
    except NumberParseException:
        return "US"
