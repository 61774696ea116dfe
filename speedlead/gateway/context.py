"""What the gateway's routes share: the parts of `GatewayDeps` and what is made from them once."""

import asyncio
import contextlib
from collections.abc import Awaitable

import structlog

from speedlead.contracts import LeadStart
from speedlead.domain.plan import Plan
from speedlead.gateway.cors import Cors
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.guards import Guard
from speedlead.gateway.limits import TokenBuckets, networks
from speedlead.intake import CHANNELS, Rules
from speedlead.mappings.doors import load_doors
from speedlead.plan_shelf import in_use

# the relay says about a second; this holds when it does not keep its word
RELAY_S = 1.5

log = structlog.stdlib.get_logger("speedlead.gateway")


class Context:
    def __init__(self, deps: GatewayDeps) -> None:
        """Raises MappingError."""
        settings = deps.settings
        self.deps = deps
        self.guard = Guard(settings, deps.credentials)
        self.cors = Cors(settings, self.guard.origins)
        self.counters = deps.counters
        self.by_address = TokenBuckets(settings.intake_rate_per_minute_address)
        self.by_key = TokenBuckets(settings.intake_rate_per_minute_key)
        self.proxies = networks(settings.trusted_proxies)
        self.mappings = load_doors(settings)
        self._home = home_country(settings.company_phone or settings.twilio_from)
        self._rules: tuple[Plan, Rules, Rules] | None = None

    @property
    def form_rules(self) -> Rules:
        return self._rules_of_plan()[1]

    @property
    def api_rules(self) -> Rules:
        return self._rules_of_plan()[2]

    def _rules_of_plan(self) -> tuple[Plan, Rules, Rules]:
        """Made again when another plan comes into use: it says which intents and channels there are."""
        plan = in_use(self.deps.plan)
        if self._rules is None or self._rules[0] is not plan:
            self._rules = plan, *rules_of(plan, self._home)
        return self._rules

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


def rules_of(plan: Plan, home: str) -> tuple[Rules, Rules]:
    """Of plain forms, and of the API."""
    intents = tuple(name for names in plan.intents.values() for name in names)
    channels = CHANNELS.union(*(target.when.channel or () for target in plan.targets))
    form = Rules(intents, home, default_source="website", default_channel="form", channels=channels, lenient=True)
    return form, Rules(intents, home, default_source="api", default_channel="api", channels=channels)


def home_country(number: str) -> str:
    """The country of the company's own number: where a number without any hint is looked for first."""
    from phonenumbers import NumberParseException, parse, region_code_for_number

    try:
        return region_code_for_number(parse(number)) or "US"
    except NumberParseException:
        return "US"
