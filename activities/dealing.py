"""A lead of the waiting pool gets its owner: the same decision as for a new lead, as soon as somebody has room."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from activities.clock import ActivityClock
from activities.planning import Planning
from activities.routing import Asked, Routing
from speedlead.domain.dealing import for_waiting, hold
from speedlead.domain.scoring import Decision, decide, is_away
from speedlead.records import Leads, Standing

# leads that came at night are dealt this long before they open, and no sooner (`deal` of the routing file)
_SOON = timedelta(minutes=5)


class Waiting(Protocol):
    """The pool as the dealer sees it (`store/waiting_pool.py`)."""

    async def take(
        self,
        lead_id: str,
        inquiry_number: int,
        decide: Callable[[Sequence[Standing]], Decision],
        *,
        team: Sequence[str],
        weights: Mapping[str, float],
        peak: str | None,
        now: datetime,
    ) -> str | None: ...


class Dealer:
    """Runs where the activities run, and outside of them: no lead's workflow has to ask."""

    def __init__(
        self, *, leads: Leads, waiting: Waiting, routing: Routing, planning: Planning, clock: ActivityClock
    ) -> None:
        self._leads = leads
        self._waiting = waiting
        self._routing = routing
        self._planning = planning
        self._clock = clock

    async def anybody_there(self) -> bool:
        """Is it worth looking? Somebody has room and is on shift, now or when a lead that opens soon does."""
        now = self._clock.moment().now
        return any(
            not rep.manager
            and rep.weight > 0
            and rep.open_leads < rep.capacity
            and rep.presence != "busy"
            and not is_away(rep.presence, rep.away_until, now)
            and any(shift.holds(at) for shift in rep.shifts for at in (now, now + _SOON))
            for rep in await self._leads.reps()
        )

    async def deal(self, lead_id: str) -> str | None:
        """The id of who got the lead; None where it goes on waiting, has an owner, or has closed."""
        lead = await self._leads.read(lead_id)
        if lead.open_at is None:
            return None
        moment = self._clock.moment(lead.clock_offset_us)
        # its clock was opened when it was routed: of this opening only the channel and what follows from it count
        opening = await self._planning.opening(lead, max(lead.open_at, lead.submitted_at))
        asked = await self._routing.ask(lead, opening, moment)
        if hold(
            lead.lead_type, open_at=lead.open_at, due=lead.first_attempt_due, now=moment.now, there=True,
            deal=asked.rules.deal, peak=asked.peak,
        ):  # fmt: skip
            return None
        return await self._waiting.take(
            lead.lead_id,
            lead.inquiry_number,
            lambda standings: _best(asked, standings),
            team=asked.team,
            weights=asked.weights,
            peak=asked.peak_id,
            now=moment.now,
        )


def _best(asked: Asked, standings: Sequence[Standing]) -> Decision:
    """A shift is given up last, and then not at all: it is what the lead waits for."""
    last = sorted(asked.rules.give_up, key="shift".__eq__)
    rules = asked.rules.model_copy(update={"give_up": tuple(last)})
    return for_waiting(decide([asked.known(standing) for standing in standings], asked.wanted, rules))
