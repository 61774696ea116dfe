"""What placing, routing and the acknowledgement share: a lead's place, the team's shifts, and its opening."""

import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime

from speedlead.domain.hours import Weekly
from speedlead.domain.opening import Opening, Shift, call_hours, find_opening, place_human, serving
from speedlead.domain.placing import Consents, Impossible, PastTouch, Placed, Placer, Question
from speedlead.domain.schedule import Asker
from speedlead.domain.sla import LeadFacts, assign_deadline
from speedlead.domain.zones import Evidence
from speedlead.place_finder import PlaceFinder
from speedlead.plan_shelf import Source, plan_of
from speedlead.records import LeadRecord, Leads, RepRecord, Touches, facts_of, team_of

_TEAM_FOR_S = 5.0
_NOWHERE = Evidence(tz=None, country=None, region=None, postcode=None, phone_e164=None)
_NOTHING_IS_SENT = Consents(call_requested=True, sms=True, call=True, inquiry=True)


class Planning:
    """Pure decisions over rows: reads the team, asks the calendar."""

    def __init__(self, *, leads: Leads, touches: Touches, placer: Placer, places: PlaceFinder, plan: Source) -> None:
        self._leads = leads
        self._touches = touches
        self._placer = placer
        self._places = places
        self._plan = plan
        self._team: tuple[Shift, ...] = ()
        self._team_read = -math.inf

    def asker(self, lead: LeadRecord) -> Asker:
        place, hours = self._places.find(lead.evidence), plan_of(self._plan, lead).hours
        return Asker(place, lead.consents, hours, marketing=lead.program == "nurture")

    def assign_due(self, lead: LeadRecord, opened: datetime) -> datetime | None:
        """By when the lead is to have an owner (REQ 39-41)."""
        deadline = assign_deadline(plan_of(self._plan, lead), self.facts(lead), opened)
        return deadline.at if deadline is not None else None

    def has_to_be_taken(self, lead: LeadRecord) -> bool:
        """Does the lead's plan say how long somebody has to take it? An older one may not."""
        return lead.lead_type in plan_of(self._plan, lead).accept

    @property
    def versions(self) -> Mapping[str, str]:
        """The releases of the data that every answer here comes from."""
        return self._placer.versions

    def place(self, question: Question) -> Placed | Impossible:
        return self._placer.place(question)

    def facts(self, lead: LeadRecord) -> LeadFacts:
        """What targets and on-call cover ask about."""
        return facts_of(lead, self._places.find(lead.evidence))

    async def team(self, lead: LeadRecord) -> tuple[Shift, ...]:
        """The shifts that serve this lead, at most a few seconds old: they change rarely and every answer asks."""
        if time.monotonic() - self._team_read > _TEAM_FOR_S:
            self._team, self._team_read = team_of(await self._leads.reps()), time.monotonic()
        return serving(self._team, self.facts(lead))

    def call_hours(self, lead: LeadRecord, reps: Sequence[RepRecord], now: datetime) -> Weekly | None:
        """The business hours that the gate keeps for a planned call; none while somebody is on call for the lead."""
        question = self.asker(lead).question("call", now)
        return call_hours(self._placer.place, question, team_of(reps), self.facts(lead))

    async def opening(self, lead: LeadRecord, submitted_at: datetime) -> Opening:
        return find_opening(
            self._placer.place,
            self.asker(lead).question("call", submitted_at, history=await self._before(lead)),
            plan_of(self._plan, lead),
            self.facts(lead),
            await self.team(lead),
            can_mail=lead.email is not None,
        )

    def zones(self, lead: LeadRecord) -> tuple[str, ...]:
        """Where the lead probably is, for telling near from far."""
        return self._places.find(lead.evidence).business_zones

    def common(self, lead: LeadRecord, at: datetime, shifts: Sequence[Shift]) -> datetime | None:
        """The least instant from `at` on at which one of the shifts holds and the lead may be called."""
        answer = place_human(self._placer.place, self.asker(lead).question("call", at), shifts) if shifts else None
        return answer.at if isinstance(answer, Placed) else None

    async def at_work(self, lead: LeadRecord, at: datetime) -> datetime:
        """`at`, or the start of the next hours in which somebody of the team works; `at` where nobody ever does.

        Where the lead is does not matter: what is due then is due from one of ours.
        """
        question = Question(
            channel="email", earliest=at, latest=None, place=self._places.find(_NOWHERE), hours=None, slot=None,
            consents=_NOTHING_IS_SENT,
        )  # fmt: skip
        answer = place_human(self._placer.place, question, await self.team(lead))
        return answer.at if isinstance(answer, Placed) else at

    async def _before(self, lead: LeadRecord) -> tuple[PastTouch, ...]:
        """What limits on calls count from earlier inquiries to this number. Most have none, and ask nothing more."""
        if not lead.contacted_before:
            return ()
        history = await self._touches.history(lead.lead_id, lead.submitted_at)
        return tuple(touch for touch in history if touch.at < lead.submitted_at)
