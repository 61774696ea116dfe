"""What placing, routing and the acknowledgement share: a lead's place, the team's shifts, and its opening."""

import math
import time
from dataclasses import dataclass
from datetime import datetime

from speedlead.domain.opening import Opening, Shift, find_opening, place_human
from speedlead.domain.placing import Impossible, PastTouch, Placed, Placer, Question
from speedlead.domain.plan import Plan
from speedlead.domain.sla import LeadFacts
from speedlead.domain.zones import Place
from speedlead.place_finder import PlaceFinder
from speedlead.records import LeadRecord, Leads, RepRecord

_TEAM_FOR_S = 5.0


@dataclass(frozen=True, slots=True)
class LeadOpening:
    open_at: datetime
    due: datetime | None
    target: str | None
    channel: str
    zone: str | None
    reasons: tuple[str, ...]


class Planning:
    """Pure decisions over rows: reads the team, asks the calendar."""

    def __init__(self, *, leads: Leads, placer: Placer, places: PlaceFinder, plan: Plan) -> None:
        self._leads = leads
        self._placer = placer
        self._places = places
        self._plan = plan
        self._team: tuple[Shift, ...] = ()
        self._team_read = -math.inf

    def where(self, lead: LeadRecord) -> Place:
        return self._places.find(lead.evidence)

    def question(
        self,
        lead: LeadRecord,
        channel: str,
        earliest: datetime,
        *,
        slot: tuple[int, int] | None = None,
        history: tuple[PastTouch, ...] = (),
        business: bool = True,
    ) -> Question:
        kind = "call" if channel == "call" else "sms" if channel == "sms" else "email"
        return Question(
            channel=kind,  # type: ignore[arg-type]
            earliest=earliest,
            latest=None,
            place=self.where(lead),
            hours=self._plan.hours.get(kind) if business else None,  # type: ignore[call-overload]
            slot=slot,
            consents=lead.consents,
            history=history,
        )

    def place(self, question: Question) -> Placed | Impossible:
        return self._placer.place(question)

    def place_call(self, question: Question, team: tuple[Shift, ...]) -> Placed | Impossible:
        """A call needs somebody of ours as well: lawful for the lead and on shift for the team."""
        return place_human(self._placer.place, question, team)

    async def team(self) -> tuple[Shift, ...]:
        """The team's weekly shifts, at most a few seconds old: they change rarely and every acknowledgement asks."""
        if time.monotonic() - self._team_read > _TEAM_FOR_S:
            self._team, self._team_read = shifts(await self._leads.reps()), time.monotonic()
        return self._team

    async def opening(self, lead: LeadRecord, submitted_at: datetime) -> LeadOpening:
        found: Opening = find_opening(
            self._placer.place,
            self.question(lead, "call", submitted_at),
            self._plan,
            LeadFacts(lead.lead_type, lead.intent, lead.source, lead.segment),
            await self.team(),
            can_mail=lead.email is not None,
        )
        zones = self.where(lead).business_zones
        first = found.deadlines[0] if found.deadlines else None
        return LeadOpening(
            found.open_at,
            first.at if first else None,
            first.target if first else None,
            found.channel,
            zones[0] if zones else None,
            found.reasons,
        )


def shifts(reps: tuple[RepRecord, ...]) -> tuple[Shift, ...]:
    return tuple(Shift(rep.zone, rep.weekly) for rep in reps if not rep.manager)
