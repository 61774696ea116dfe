"""Who takes a lead, and what is missed: the activities behind the watcher of a lead (REQ 73, 74, 85, 88)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.clock import ActivityClock
from activities.planning import Planning
from activities.routing import Routing, on_shift
from speedlead.contracts import AcceptResult, BreachRequest, EscalateRequest, EscalateResult, TakeRequest
from speedlead.domain.scoring import Decision, decide
from speedlead.records import Leads, Moved, Standing, Taken


class Takers(Protocol):
    """The record of who takes what (`store/acceptance.py`)."""

    async def accept(self, lead_id: str, rep_id: str, now: datetime) -> Taken: ...

    async def escalate(
        self,
        lead_id: str,
        reason: str,
        decide: Callable[[Sequence[Standing], Sequence[str]], Decision],
        *,
        level: int,
        asked: Sequence[str],
        declined: Sequence[str],
        asked_at: datetime,
        team: Sequence[str],
        managers: Sequence[str],
        now: datetime,
    ) -> Moved: ...


class Breaches(Protocol):
    """The record of what was missed (`store/breaches.py`)."""

    async def found(self, lead_id: str, target: str, due: datetime, now: datetime, number: int = 1) -> str | None: ...


class Acceptance:
    def __init__(
        self, *, leads: Leads, takers: Takers, breaches: Breaches, routing: Routing, planning: Planning,
        clock: ActivityClock,
    ) -> None:  # fmt: skip
        self._leads = leads
        self._takers = takers
        self._breaches = breaches
        self._routing = routing
        self._planning = planning
        self._clock = clock

    @activity.defn(name="accept")
    async def accept(self, request: TakeRequest) -> AcceptResult:
        """Compare and set: the first of those who are asked has the lead. Non-retryable for a rep who is none."""
        lead = await self._leads.read(request.lead_id)
        if request.rep_id not in {rep.rep_id for rep in await self._leads.reps()}:
            raise ApplicationError(f"{request.rep_id}: expected an active rep", type="unknown", non_retryable=True)
        taken = await self._takers.accept(lead.lead_id, request.rep_id, self._clock.moment(lead.clock_offset_us).now)
        return AcceptResult(taken=taken.taken, owner_id=taken.owner_id, why=taken.why)

    @activity.defn(name="escalate")
    async def escalate(self, request: EscalateRequest) -> EscalateResult:
        """Asks the next one: the best by the same scores who was not asked before and is there now, then a manager."""
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        opening = await self._planning.opening(lead, max(lead.open_at or lead.submitted_at, lead.submitted_at))
        asked = await self._routing.ask(lead, opening, moment)
        # a minute is all they have: whoever is off shift is no backup
        rules = asked.rules.model_copy(
            update={"give_up": tuple(name for name in asked.rules.give_up if name != "shift")}
        )

        def best(standings: Sequence[Standing], tried: Sequence[str]) -> Decision:
            there = [asked.known(standing) for standing in standings if standing.rep_id not in tried]
            return decide(there, asked.wanted, rules)

        moved = await self._takers.escalate(
            lead.lead_id,
            request.reason,
            best,
            level=request.level,
            asked=request.asked,
            declined=request.asked if request.reason == "declined" else request.declined,
            asked_at=request.asked_at,
            team=asked.team,
            managers=[rep.rep_id for rep in asked.reps if rep.manager and on_shift(rep, moment.now, asked.facts)],
            now=moment.now,
        )
        return EscalateResult(owner_id=moved.owner_id, accepted=moved.accepted, level=moved.level)

    @activity.defn(name="breach")
    async def breach(self, request: BreachRequest) -> str | None:
        """Looks whether the target was missed, and tells the owner and the managers once; the slow phase."""
        lead = await self._leads.read(request.lead_id)
        now = self._clock.moment(lead.clock_offset_us).now
        return await self._breaches.found(request.lead_id, request.target, request.due_at, now, request.round)
