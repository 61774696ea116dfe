"""Place a step in time. The answer, with the data it used, is recorded in history and on the lead's row."""

from datetime import datetime, timedelta

from temporalio import activity

from activities.planning import Planning
from speedlead.contracts import PlaceRequest, PlaceResult
from speedlead.domain.cadence import planned
from speedlead.domain.calendar import add_local_days
from speedlead.domain.placing import Impossible, Placed
from speedlead.domain.plan import Step, Track
from speedlead.records import LeadRecord, Leads, Touches


class Placing:
    def __init__(self, *, leads: Leads, touches: Touches, planning: Planning) -> None:
        self._leads = leads
        self._touches = touches
        self._planning = planning

    @activity.defn
    async def place(self, request: PlaceRequest) -> PlaceResult:
        """The instant of the last of `steps`; the ones before it have no usable channel and anchor it all the same."""
        lead = await self._leads.read(request.lead_id)
        anchors = dict(request.anchors)
        answer: Placed | Impossible | None = None
        for step in request.steps:
            answer = await self._place(lead, step, request, anchors)
            anchors[step.id] = answer.at if isinstance(answer, Placed) else self._due(step, request, anchors)
        assert answer is not None
        last = request.steps[-1]
        if isinstance(answer, Impossible):
            return PlaceResult(at=None, reason=answer.reason, reasons=answer.reasons, anchors=anchors)
        await self._leads.next_touch(
            lead.lead_id, last.id, answer.at, answer.reasons[0] if answer.reasons else "next_step"
        )
        return PlaceResult(
            at=answer.at,
            valid_until=answer.valid_until,
            reasons=answer.reasons,
            anchors=anchors,
            versions=dict(answer.versions),
        )

    async def _place(
        self, lead: LeadRecord, step: Step, request: PlaceRequest, anchors: dict[str, datetime]
    ) -> Placed | Impossible:
        zones = self._planning.where(lead).business_zones
        earliest = self._due(step, request, anchors)
        if step.local_days:
            # without a zone a local day is 24 hours; only an e-mail can go to an unknown place anyway
            day = timedelta(days=step.local_days)
            earliest = add_local_days(earliest, step.local_days, zones) if zones else earliest + day
        if request.not_before is not None and step is request.steps[-1]:
            earliest = max(earliest, request.not_before)
        history = await self._touches.history(lead.lead_id, earliest) if step.channel == "call" else ()
        question = self._planning.question(
            lead, step.channel, earliest, slot=step.slot, history=history, business=not request.manual
        )
        if step.channel == "call" and not request.manual:
            return self._planning.place_call(question, await self._planning.team())
        return self._planning.place(question)

    @staticmethod
    def _due(step: Step, request: PlaceRequest, anchors: dict[str, datetime]) -> datetime:
        if request.manual:
            return request.opened
        return planned(step, Track(steps=request.track_steps, lead_time=request.lead_time), request.opened, anchors)
