"""Place a step in time. The answer, with the data it used, is recorded in history and as a row of `placement`."""

from datetime import datetime

from temporalio import activity

from activities.planning import Planning
from speedlead.contracts import PlaceRequest, PlaceResult
from speedlead.domain.placing import Impossible, PastTouch, Placed
from speedlead.domain.plan import Step, Track
from speedlead.domain.schedule import Wanted, delayed, heaviest, schedule
from speedlead.records import LeadRecord, Leads, Placement, Touches


class Placing:
    def __init__(self, *, leads: Leads, touches: Touches, planning: Planning) -> None:
        self._leads = leads
        self._touches = touches
        self._planning = planning

    @activity.defn
    async def place(self, request: PlaceRequest) -> PlaceResult:
        """The instant of the last of `steps`; the ones before it have no usable channel and anchor it all the same."""
        lead = await self._leads.read(request.lead_id)
        asker = self._planning.asker(lead)
        found = schedule(
            self._planning.place,
            asker,
            _wanted(request),
            await self._planning.team(lead),
            await self._history(request),
        )
        answer, last = found.answer, request.steps[-1]
        placed = answer if isinstance(answer, Placed) else None
        result = PlaceResult(
            at=placed and placed.at,
            reason=answer.reason if isinstance(answer, Impossible) else heaviest(answer.reasons),
            valid_until=placed and placed.valid_until,
            reasons=answer.reasons,
            zones=asker.place.zones,
            anchors=found.anchors,
            versions=dict(self._planning.versions),
        )
        await self._leads.placed(_row(request, found.earliest, result))
        if placed is not None:
            await self._leads.next_touch(lead.lead_id, last.id, placed.at, result.reason or "next_step")
            await self._tell_delay(lead, last, found.earliest, placed)
        return result

    async def _history(self, request: PlaceRequest) -> tuple[PastTouch, ...]:
        if all(step.channel != "call" for step in request.steps):
            return ()
        return await self._touches.history(request.lead_id, min(request.opened, request.due))

    async def _tell_delay(self, lead: LeadRecord, step: Step, earliest: datetime, placed: Placed) -> None:
        """A step that a rule moved says so in the story."""
        reasons = delayed(step, earliest, placed)
        if not reasons:
            return
        await self._leads.story(
            lead.lead_id,
            kind="deferred",
            at=earliest,
            step=step.id,
            reason=heaviest(placed.reasons),
            data={
                "channel": step.channel,
                "reasons": list(reasons),
                "next_at": placed.at.isoformat(),
                **placed.versions,
            },
            dedupe=f"placed:{step.id}:{placed.at.isoformat()}",
        )


def _row(request: PlaceRequest, earliest: datetime, result: PlaceResult) -> Placement:
    return Placement(
        lead_id=request.lead_id,
        step=request.touch_step or request.steps[-1].id,
        earliest=earliest,
        at=result.at,
        valid_until=result.valid_until,
        reason=result.reason,
        reasons=result.reasons,
        zones=result.zones,
        versions=result.versions,
    )


def _wanted(request: PlaceRequest) -> Wanted:
    track = Track(steps=request.track_steps, lead_time=request.lead_time) if request.track_steps else None
    return Wanted(
        request.steps,
        request.due,
        request.opened,
        track,
        request.anchors,
        request.not_before,
        request.manual,
        request.deadline,
    )
