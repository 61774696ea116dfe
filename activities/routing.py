"""Route: find the opening, pick the owner, in one short step (REQ 64, 65, 75-80)."""

from datetime import datetime

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.clock import ActivityClock
from activities.planning import Planning
from speedlead.contracts import ReassignTo, RouteRequest, RouteResult
from speedlead.domain.opening import next_shift, serving
from speedlead.domain.sla import LeadFacts
from speedlead.records import LeadRecord, Leads, RepRecord, team_of


class Routing:
    def __init__(self, *, leads: Leads, planning: Planning, clock: ActivityClock) -> None:
        self._leads = leads
        self._planning = planning
        self._clock = clock

    @activity.defn
    async def route(self, request: RouteRequest) -> RouteResult:
        """Opens the lead's clock and gives it an owner; without anybody, says why and when somebody is there."""
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        opening = await self._planning.opening(lead, request.submitted_at)
        await self._leads.opened(
            lead.lead_id,
            open_at=opening.open_at,
            due=opening.due,
            target=opening.target,
            zone=opening.zone,
            offset_us=moment.offset_us,
        )
        owner = await self._owner(lead, max(opening.open_at, moment.now), moment.now)
        if owner is not None:
            await self._leads.tell(
                lead.lead_id,
                dedupe=f"assigned:{owner}:{lead.inquiry_number}",
                audience="rep",
                kind="new_lead" if lead.inquiry_number == 1 else "new_inquiry",
                at=moment.now,
                rep_id=owner,
                due=opening.due,
            )
            return RouteResult(owner_id=owner, open_at=opening.open_at, due_at=opening.due)
        await self._leads.tell(
            lead.lead_id, dedupe="nobody", audience="manager", kind="nobody_available", at=moment.now, due=opening.due
        )
        reps = await self._leads.reps()
        return RouteResult(
            owner_id=None,
            open_at=opening.open_at,
            due_at=opening.due,
            reason="rep_unavailable",
            next_available_at=next_shift(serving(team_of(reps), self._planning.facts(lead)), moment.now),
        )

    async def _owner(self, lead: LeadRecord, at: datetime, now: datetime) -> str | None:
        """The known owner first; else who is on shift when the lead opens, least loaded, longest without a lead."""
        reps = await self._leads.reps()
        if any(rep.rep_id == lead.owner_id for rep in reps):
            return lead.owner_id
        able = [
            rep
            for rep in reps
            if not rep.manager and rep.presence != "away" and rep.weight > 0 and rep.open_leads < rep.capacity
        ]
        facts = self._planning.facts(lead)
        on_shift = [rep for rep in able if available(rep, at, facts)] or able
        for rep in sorted(on_shift, key=lambda rep: rep.open_leads / rep.weight):
            if lead.owner_id is not None:  # the owner has left us
                await self._leads.reassign(lead.lead_id, rep.rep_id, now, "owner_left")
                return rep.rep_id
            try:
                return await self._leads.assign(lead.lead_id, rep.rep_id, now)
            except LookupError:
                continue  # filled up since we looked
        return None

    @activity.defn
    async def reassign(self, request: ReassignTo) -> str:
        """Raises a non-retryable error naming the rep when there is no such rep."""
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        try:
            await self._leads.reassign(lead.lead_id, request.rep_id, moment.now, request.reason)
        except LookupError as error:
            raise ApplicationError(str(error), type="unknown", non_retryable=True) from None
        await self._leads.tell(
            lead.lead_id,
            dedupe=f"reassigned:{request.rep_id}:{moment.now.isoformat()}",
            audience="rep",
            kind="reassigned",
            at=moment.now,
            rep_id=request.rep_id,
            due=lead.first_attempt_due,
        )
        return request.rep_id


def available(rep: RepRecord, at: datetime, facts: LeadFacts) -> bool:
    """On shift, or on call for such a lead, and not away. Presence is about now; a shift is about any time."""
    return rep.presence == "available" and any(shift.holds(at) for shift in serving(rep.shifts, facts))
