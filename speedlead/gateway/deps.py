"""What the gateway is built from. Everything with a connection is made elsewhere and handed in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg

from speedlead.booking.offers import Offers
from speedlead.contracts import LeadStart, LeadStatus
from speedlead.credentials import Credentials
from speedlead.gateway.metrics import Counters
from speedlead.plan_shelf import Source
from speedlead.ports import Clock
from speedlead.preview.desk import Desk
from speedlead.returns import Returns
from speedlead.settings import Settings
from speedlead.store.voicemail import Voicemails
from speedlead.watch.ready import Ready


class Relay(Protocol):
    async def deliver_now(self, lead_id: str) -> None:
        """Tries to deliver the lead's messages at once; waits about a second at most and never raises."""
        ...

    async def start_now(self, start: LeadStart) -> None:
        """The same for a new lead, whose start is known already."""
        ...


class Leads(Protocol):
    async def update(self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None) -> LeadStatus:
        """Asks the lead's workflow, once for each `key`. Raises the errors of `speedlead.cadence_errors`."""
        ...

    async def runs(self, lead_id: str) -> bool:
        """Does the lead's workflow run? Raises LeadUnavailable."""
        ...

    async def forget(self, lead_id: str) -> bool:
        """Deletes what Temporal has of the lead's workflows; False when it does not answer."""
        ...


@dataclass(frozen=True, slots=True)
class LegPermit:
    """May the lead be dialled now? `say` is what the rep hears when not; `reason` its short code.

    `voicemail`: what is done should a machine answer.
    """

    allowed: bool
    to: str | None
    caller_id: str
    lead_leg_id: str
    reason: str | None
    say: str
    voicemail: Voicemails = "stay"


class Line(Protocol):
    """A running call, by the provider's id."""

    async def redirect(self, call_id: str, url: str) -> None:
        """The call goes on with the document at `url`. Raises SendError."""
        ...

    async def hang_up(self, call_id: str) -> None:
        """Raises SendError."""
        ...


class LegGate(Protocol):
    async def claim_lead_leg(self, leg_id: str) -> LegPermit:
        """Passes the gate for the lead's leg of the rep's leg `leg_id` and claims it.

        The same answer when the same rep's leg asks again: Twilio repeats a request whose answer it lost.
        """
        ...


@dataclass(frozen=True)
class GatewayDeps:
    """`plan` knows what new leads start on; `ready` names each part the gateway needs and whether it answers.

    `desk` makes previews with the team as it is now; it raises StoreUnavailable.
    """

    pool: "asyncpg.Pool[Any]"
    settings: Settings
    credentials: Credentials
    clock: Clock
    plan: Source
    relay: Relay
    leads: Leads
    leg_gate: LegGate
    returns: Returns
    ready: Callable[[], Awaitable[Ready]]
    desk: Callable[[], Awaitable[Desk]]
    line: Line
    # what /metrics says besides the counters; empty where nobody looks
    figures: Callable[[], Awaitable[str]] | None = None
    counters: Counters = field(default_factory=Counters)
    # None: leads are offered no times
    offers: Offers | None = None
