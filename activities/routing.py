"""Route: find the opening, pick the owner, in one short step (REQ 64, 65, 75-81)."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.clock import ActivityClock
from activities.planning import Planning
from speedlead.contracts import ReassignTo, RouteRequest, RouteResult
from speedlead.domain.calendar import offset_at, to_second
from speedlead.domain.opening import Opening, Shift, next_shift, serving
from speedlead.domain.routing_rules import RoutingRules
from speedlead.domain.scoring import Candidate, Decision, Track, Wanted, decide, is_away
from speedlead.domain.sla import LeadFacts
from speedlead.records import LeadRecord, Leads, RepRecord, Standing, team_of

# what came of a rep's leads in 90 days changes slowly
_TRACKS_FOR_S = 300.0


class Assignments(Protocol):
    """The record as routing sees it (`store/routing.py`)."""

    async def tracks(self, now: datetime) -> Mapping[str, Track]: ...

    async def route(
        self,
        lead_id: str,
        inquiry_number: int,
        opening: Opening,
        decide: Callable[[Sequence[Standing]], Decision],
        stays: Callable[[str, datetime | None], bool],
        *,
        team: Sequence[str],
        weights: Mapping[str, float],
        offset_us: int,
        now: datetime,
    ) -> str | None: ...


class Routing:
    def __init__(
        self, *, leads: Leads, assignments: Assignments, planning: Planning, clock: ActivityClock, rules: RoutingRules
    ) -> None:
        self._leads = leads
        self._assignments = assignments
        self._planning = planning
        self._clock = clock
        self._rules = rules
        self._tracks: Mapping[str, Track] = {}
        self._tracks_read = -math.inf

    @activity.defn
    async def route(self, request: RouteRequest) -> RouteResult:
        """Opens the lead's clock and gives it an owner; without anybody, says why and when somebody is there."""
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        opening = await self._planning.opening(lead, request.submitted_at)
        reps = await self._leads.reps()
        at = max(opening.open_at, moment.now)
        facts = self._planning.facts(lead)
        wanted = self._wanted(lead, opening, at, moment.now, request.excluding, facts)
        known = await self._candidates(lead, reps, wanted, facts)

        def best(standings: Sequence[Standing]) -> Decision:
            there = [known(standing) for standing in standings]
            return decide(there, wanted, self._rules)

        owner = await self._assignments.route(
            lead.lead_id,
            lead.inquiry_number,
            opening,
            best,
            lambda presence, until: not is_away(presence, until, at),
            team=[rep.rep_id for rep in reps if not rep.manager],
            weights=self._rules.weights.by_part(),
            offset_us=moment.offset_us,
            now=moment.now,
        )
        if owner is not None:
            return RouteResult(owner_id=owner, open_at=opening.open_at, due_at=opening.due)
        return RouteResult(
            owner_id=None,
            open_at=opening.open_at,
            due_at=opening.due,
            reason="rep_unavailable",
            next_available_at=next_shift(serving(team_of(reps), facts), moment.now),
        )

    def _wanted(
        self, lead: LeadRecord, opening: Opening, at: datetime, now: datetime, excluding: tuple[str, ...],
        facts: LeadFacts,
    ) -> Wanted:  # fmt: skip
        return Wanted(
            at=at,
            now=now,
            channel=opening.channel,
            places=facts.regions,
            postcode=lead.evidence.postcode,
            product=lead.product,
            language=lead.language,
            low=self._rules.is_low(facts),
            excluding=excluding,
        )

    async def _candidates(
        self, lead: LeadRecord, reps: Sequence[RepRecord], wanted: Wanted, facts: LeadFacts
    ) -> Callable[[Standing], Candidate]:
        """Everything about the reps that takes a while to find out; what changes at any moment is added to it."""
        tracks = await self._performance(wanted.now)
        zone = next(iter(self._planning.zones(lead)), None)
        there: dict[object, datetime | None] = {}
        fixed: dict[str, Candidate] = {}
        for rep in reps:
            shifts = serving(rep.shifts, facts)
            key = tuple((s.zone, tuple(sorted(s.weekly.items())), s.name) for s in shifts)
            if key not in there:
                there[key] = self._there(lead, wanted, shifts)
            fixed[rep.rep_id] = Candidate(
                rep.rep_id,
                rep.capacity,
                territories=rep.territories,
                products=rep.products,
                languages=rep.languages,
                channels=rep.channels,
                lane=rep.lane,
                there_at=_after(there[key], rep.not_there),
                hours_apart=_hours_apart(rep.zone, zone, wanted.at),
                track=tracks.get(rep.rep_id, Track()),
            )

        def known(now: Standing) -> Candidate:
            return replace(
                fixed[now.rep_id],
                capacity=now.capacity,
                weight=now.weight,
                presence=now.presence,
                away_until=now.away_until,
                last_assigned=now.last_assigned,
                open_leads=now.open_leads,
            )

        return known

    def _there(self, lead: LeadRecord, wanted: Wanted, shifts: Sequence[Shift]) -> datetime | None:
        """The least instant from the first step on at which such shifts hold and the lead may be reached."""
        if any(shift.holds(wanted.at) for shift in shifts):
            return wanted.at
        if wanted.channel != "call":
            return next_shift(shifts, wanted.at)
        return self._planning.common(lead, wanted.at, shifts)

    async def _performance(self, now: datetime) -> Mapping[str, Track]:
        if time.monotonic() - self._tracks_read > _TRACKS_FOR_S:
            self._tracks, self._tracks_read = await self._assignments.tracks(now), time.monotonic()
        return self._tracks

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
    """On shift, or on call for such a lead, and there. Presence is about now; a shift is about any time."""
    present = rep.presence == "available" or (rep.presence == "away" and not is_away(rep.presence, rep.away_until, at))
    return (
        present
        and not any(start <= at < end for start, end in rep.not_there)
        and any(shift.holds(at) for shift in serving(rep.shifts, facts))
    )


def _after(at: datetime | None, not_there: Sequence[tuple[datetime, datetime]]) -> datetime | None:
    """The end of the time off that `at` falls into, where it does; spans are in order."""
    for start, end in not_there:
        if at is not None and start <= at < end:
            at = end
    return at


def _hours_apart(rep_zone: str, lead_zone: str | None, at: datetime) -> float | None:
    if lead_zone is None:
        return None
    return (offset_at(rep_zone, to_second(at)) - offset_at(lead_zone, to_second(at))) / 3600
