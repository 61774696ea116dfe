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
            earliest = self._earliest(lead, step, request, anchors)
            answer = await self._place(lead, step, earliest, manual=request.manual)
            # a step that may not go out anchors the next ones where it would have been by politeness alone
            polite = answer if isinstance(answer, Placed) else self._politely(lead, step, earliest)
            anchors[step.id] = polite.at if isinstance(polite, Placed) else earliest
        assert answer is not None
        last = request.steps[-1]
        if isinstance(answer, Impossible):
            return PlaceResult(at=None, reason=answer.reason, reasons=answer.reasons, anchors=anchors)
        await self._leads.next_touch(lead.lead_id, last.id, answer.at, _heaviest(answer.reasons) or "next_step")
        await self._tell_delay(lead, last, earliest, answer)
        return PlaceResult(
            at=answer.at,
            reason=_heaviest(answer.reasons),
            valid_until=answer.valid_until,
            reasons=answer.reasons,
            anchors=anchors,
            versions=dict(answer.versions),
        )

    def _earliest(self, lead: LeadRecord, step: Step, request: PlaceRequest, anchors: dict[str, datetime]) -> datetime:
        earliest = self._due(step, request, anchors)
        if step.local_days:
            # without a zone a local day is 24 hours; only an e-mail can go to an unknown place anyway
            zones = self._planning.where(lead).business_zones
            day = timedelta(days=step.local_days)
            earliest = add_local_days(earliest, step.local_days, zones) if zones else earliest + day
        if request.not_before is not None and step is request.steps[-1]:
            earliest = max(earliest, request.not_before)
        return earliest

    async def _place(self, lead: LeadRecord, step: Step, earliest: datetime, *, manual: bool) -> Placed | Impossible:
        history = await self._touches.history(lead.lead_id, earliest) if step.channel == "call" else ()
        question = self._planning.question(
            lead, step.channel, earliest, slot=step.slot, history=history, business=not manual
        )
        if step.channel == "call" and not manual:
            return self._planning.place_call(question, await self._planning.team())
        return self._planning.place(question)

    def _politely(self, lead: LeadRecord, step: Step, earliest: datetime) -> Placed | Impossible:
        return self._planning.place(self._planning.question(lead, "email", earliest, slot=step.slot))

    async def _tell_delay(self, lead: LeadRecord, step: Step, earliest: datetime, placed: Placed) -> None:
        """A step that a rule moved says so in the story; one that waits for its time of day on its day does not."""
        if placed.at - earliest <= (timedelta(days=1) if step.local_days else timedelta(0)):
            return
        await self._leads.story(
            lead.lead_id,
            kind="deferred",
            at=earliest,
            step=step.id,
            reason=_heaviest(placed.reasons),
            data={
                "channel": step.channel,
                "reasons": [r for r in placed.reasons if not r.endswith((":slot", ":team_hours"))],
                "next_at": placed.at.isoformat(),
                **placed.versions,
            },
            dedupe=f"placed:{step.id}:{placed.at.isoformat()}",
        )

    @staticmethod
    def _due(step: Step, request: PlaceRequest, anchors: dict[str, datetime]) -> datetime:
        if not request.track_steps:
            return request.due
        return planned(step, Track(steps=request.track_steps, lead_time=request.lead_time), request.opened, anchors)


def _heaviest(reasons: tuple[str, ...]) -> str | None:
    """The reason that people ask for: a whole day or a cap says more than the hour of the night it began at."""
    heavy = ("frequency_cap", "holiday", "weekend")
    # the lead's own day before the team's
    by_weight = sorted(reasons, key=lambda reason: (not reason.startswith(heavy), reason.endswith(":team_hours")))
    return by_weight[0].removesuffix(":team_hours") if by_weight else None
