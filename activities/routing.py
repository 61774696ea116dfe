"""Route: find the opening, pick the owner, in one short step (REQ 64, 65, 75-81)."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.auditing import REFUSED, Auditing
from activities.clock import ActivityClock, Moment
from activities.planning import Planning
from activities.sharing import Shared
from speedlead.contracts import ReassignTo, RouteRequest, RouteResult
from speedlead.domain.calendar import offset_at, to_second
from speedlead.domain.dealing import Hold, hold
from speedlead.domain.flow_check import SOURCE
from speedlead.domain.knowing import Value
from speedlead.domain.opening import Opening, Shift, next_shift, serving, turn_at
from speedlead.domain.plan import LeadTypeName
from speedlead.domain.routing_rules import Peak, RoutingRules, Weights
from speedlead.domain.scoring import (
    GIVABLE_LATER,
    Candidate,
    Decision,
    Fitting,
    Track,
    Wanted,
    decide,
    is_away,
    refused,
)
from speedlead.domain.sla import Deadline, LeadFacts
from speedlead.records import Judgement, LeadRecord, Leads, MovedOn, RepRecord, Standing, team_of

# what came of a rep's leads in 90 days changes slowly
_TRACKS_FOR_S = 300.0
# one is decided at a time. Whoever decides must not wait for this process, busy with the teams of a hundred others
_AT_ONCE = 2


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
        hold: Hold | None = None,
        peak: str | None = None,
        claimants: int = 0,
        assign_due: datetime | None = None,
        known_as: str = "known_owner",
    ) -> str | None: ...

    async def judgement(self, lead_id: str) -> Judgement | None: ...

    async def offered(self, lead_id: str) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Asked:
    """Everything that a decision about one lead needs but the standings of the moment, which `known` adds."""

    lead: LeadRecord
    moment: Moment
    facts: LeadFacts
    wanted: Wanted
    reps: tuple[RepRecord, ...]
    known: Callable[[Standing], Candidate]
    rules: RoutingRules
    peak: Peak | None
    judged: Judgement | None = None

    @property
    def claimants(self) -> int:
        return self.rules.claimants(self.facts, _knows(self.judged))

    @property
    def team(self) -> list[str]:
        return [rep.rep_id for rep in self.reps if not rep.manager]

    @property
    def weights(self) -> dict[str, float]:
        return self.rules.weights.by_part()

    @property
    def peak_id(self) -> str | None:
        return self.peak.id if self.peak is not None else None

    def decision(self) -> Callable[[Sequence[Standing]], Decision]:
        """The decision but for who has how much to do: that is read, and scored, one lead at a time."""
        team = [self.known(_standing(rep)) for rep in self.reps if not rep.manager]
        return Fitting(team, self.wanted, self.rules).decide

    def somebody_is_there(self) -> bool:
        """Is one who fits on shift at this moment, whatever they are busy with?"""
        now = self.moment.now
        return any(
            on_shift(rep, now, self.facts) and not is_away(rep.presence, rep.away_until, now) and self._fits(rep)
            for rep in self.reps
            if not rep.manager
        )

    def _fits(self, rep: RepRecord) -> bool:
        return GIVABLE_LATER.issuperset(refused(self.known(_standing(rep)), self.wanted))


class Routing:
    def __init__(
        self,
        *,
        leads: Leads,
        assignments: Assignments,
        planning: Planning,
        auditing: Auditing,
        clock: ActivityClock,
        rules: RoutingRules,
    ) -> None:
        self._leads = leads
        self._auditing = auditing
        self._assignments = assignments
        self._planning = planning
        self._clock = clock
        self._rules = rules
        self._tracks: Mapping[str, Track] = {}
        self._tracks_read = -math.inf
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._reps = Shared(leads.reps)

    @activity.defn
    async def route(self, request: RouteRequest) -> RouteResult:
        """Opens the lead's clock and gives it an owner; without anybody, says why and when somebody is there."""
        reps = await self._reps()
        async with self._turns:
            return await self._route(request, reps)

    async def _route(self, request: RouteRequest, reps: Sequence[RepRecord]) -> RouteResult:
        lead = await self._leads.read(request.lead_id)
        if lead.program is not None and lead.open_at is not None:  # whoever has it was chosen when it began
            return RouteResult(owner_id=lead.owner_id, open_at=lead.open_at)
        moment = self._clock.moment(lead.clock_offset_us)
        opening = await self._planning.opening(lead, request.submitted_at)
        asked = await self._ask(lead, opening, moment, reps, request.excluding)
        opening = _as_promised(opening, lead, asked.judged)
        if lead.source == SOURCE:  # it takes nobody's time, and no row but its own says that it was here
            return RouteResult(owner_id=None, open_at=opening.open_at, reason="flow_check")
        later = hold(
            lead.lead_type, open_at=opening.open_at, due=opening.due, now=moment.now,
            there=opening.open_at <= moment.now or asked.somebody_is_there(), deal=self._rules.deal, peak=asked.peak,
        )  # fmt: skip
        assign_due = self._planning.assign_due(lead, opening.open_at)
        owner = await self._assignments.route(
            lead.lead_id,
            lead.inquiry_number,
            opening,
            asked.decision(),
            lambda presence, until: not is_away(presence, until, asked.wanted.at),
            team=asked.team,
            weights=asked.weights,
            offset_us=moment.offset_us,
            now=moment.now,
            hold=later,
            peak=asked.peak_id,
            claimants=asked.claimants if self._planning.has_to_be_taken(lead) else 0,
            assign_due=assign_due,
            known_as=_known_as(lead, asked.judged),
        )
        result = RouteResult(
            owner_id=owner,
            open_at=opening.open_at,
            due_at=opening.due,
            assign_due_at=assign_due,
            lead_type=_found_to_be(lead, asked.judged),
        )
        if owner is not None:
            return result
        if offered := await self._assignments.offered(lead.lead_id):
            return result.model_copy(update={"reason": "offered", "offered": offered})
        if later is not None and lead.owner_id is None:
            return result.model_copy(update={"reason": later.reason, "deal_at": later.until})
        next_at = next_shift(serving(team_of(asked.reps), asked.facts), moment.now)
        return result.model_copy(update={"reason": "rep_unavailable", "next_available_at": next_at})

    async def ask(self, lead: LeadRecord, opening: Opening, moment: Moment) -> Asked:
        """Who could have the lead, and by which rules, at this moment."""
        return await self._ask(lead, opening, moment, await self._reps())

    async def _ask(
        self, lead: LeadRecord, opening: Opening, moment: Moment, reps: Sequence[RepRecord],
        excluding: tuple[str, ...] = (),
    ) -> Asked:  # fmt: skip
        facts, judged = self._planning.facts(lead), await self._assignments.judgement(lead.lead_id)
        at = max(opening.open_at, moment.now)
        wanted = self._wanted(lead, opening.channel, at, moment.now, excluding, facts, judged)
        rules, peak = self._rules_of(lead).at(moment.now)
        known = await self._candidates(lead, reps, wanted, facts)
        return Asked(lead, moment, facts, wanted, tuple(reps), known, rules, peak, judged)

    async def best_of(self, lead: LeadRecord, crew: Sequence[RepRecord], now: datetime) -> str | None:
        """Whose phone rings for a call that is due now: by the rules and scores by which an owner is found.

        `crew`: people who are there at this moment, in the same turn. None: nobody of them may have the lead.
        """
        facts, judged = self._planning.facts(lead), await self._assignments.judgement(lead.lead_id)
        wanted = self._wanted(lead, "call", now, now, (), facts, judged)
        rules, _ = self._rules_of(lead).at(now)
        known = await self._candidates(lead, crew, wanted, facts)
        return decide([known(_standing(rep)) for rep in crew], wanted, rules).rep_id

    def _rules_of(self, lead: LeadRecord) -> RoutingRules:
        """The house's own, with the weights that an experiment gives this lead; peak hours with weights keep theirs."""
        if lead.routing_weights is None:
            return self._rules
        return self._rules.model_copy(update={"weights": Weights.model_validate(lead.routing_weights)})

    def _wanted(
        self, lead: LeadRecord, channel: str, at: datetime, now: datetime, excluding: tuple[str, ...],
        facts: LeadFacts, judged: Judgement | None,
    ) -> Wanted:  # fmt: skip
        return Wanted(
            at=at,
            now=now,
            channel=channel,
            places=facts.regions,
            postcode=lead.evidence.postcode,
            product=lead.product,
            language=lead.language,
            low=(judged is not None and judged.lane == "low") or self._rules.is_low(facts, _knows(judged)),
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
        level = _level(reps, wanted.at, facts)
        for rep in reps:
            # who is on call on a later level is there when the earlier ones are not
            shifts = tuple(shift for shift in serving(rep.shifts, facts) if shift.level <= level)
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
        """Raises a non-retryable error that says why not: no such rep, or the lead is with somebody else by now."""
        lead = await self._leads.read(request.lead_id)
        moment = self._clock.moment(lead.clock_offset_us)
        line = await self._auditing.begin(lead.lead_id, request.steered)
        try:
            await self._leads.reassign(lead.lead_id, request.rep_id, moment.now, request.reason, request.expected_owner)
        except LookupError as error:
            await self._auditing.end(line, REFUSED)
            kind = "moved_on" if isinstance(error, MovedOn) else "unknown"
            raise ApplicationError(str(error), type=kind, non_retryable=True) from None
        await self._auditing.end(line)
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


def _knows(judged: Judgement | None) -> Mapping[str, Value]:
    return judged.knows if judged is not None else {}


def _known_as(lead: LeadRecord, judged: Judgement | None) -> str:
    """Why the lead has an owner before it was ever given to one."""
    looks_after = judged is not None and judged.account_owner == lead.owner_id is not None
    return "account_owner" if looks_after else "known_owner"


def _found_to_be(lead: LeadRecord, judged: Judgement | None) -> LeadTypeName | None:
    """None as well where another form came since: what that makes of the lead its own message tells."""
    if judged is None or judged.number != lead.inquiry_number or judged.lead_type == judged.came_as:
        return None
    return judged.lead_type  # type: ignore[return-value]


def _as_promised(opening: Opening, lead: LeadRecord, judged: Judgement | None) -> Opening:
    """What the acknowledgement has promised of a lead is kept, also where the lead is found to be colder than then."""
    promised, due = lead.promised_at, opening.due
    if _found_to_be(lead, judged) is None or promised is None or due is None or not opening.open_at < promised < due:
        return opening
    return replace(opening, deadlines=(Deadline(opening.deadlines[0].target, promised), *opening.deadlines[1:]))


def _standing(rep: RepRecord) -> Standing:
    """As it was when the team was read."""
    return Standing(
        rep.rep_id, rep.capacity, rep.weight, rep.presence, rep.away_until, rep.last_assigned, rep.open_leads
    )


def _level(reps: Sequence[RepRecord], at: datetime, facts: LeadFacts) -> int:
    """Of those on call then, the earliest level on which somebody is there; 1 when nobody is on call."""
    turns = [turn_at(serving(rep.shifts, facts), at) for rep in reps if available(rep, at, facts)]
    return max(min((turn for turn in turns if turn is not None), default=1), 1)


def available(rep: RepRecord, at: datetime, facts: LeadFacts) -> bool:
    """On shift, or on call for such a lead, and there. Presence is about now; a shift is about any time."""
    present = rep.presence == "available" or (rep.presence == "away" and not is_away(rep.presence, rep.away_until, at))
    return present and on_shift(rep, at, facts)


def on_shift(rep: RepRecord, at: datetime, facts: LeadFacts) -> bool:
    """Or on call for such a lead; not in the time off."""
    return not any(start <= at < end for start, end in rep.not_there) and any(
        shift.holds(at) for shift in serving(rep.shifts, facts)
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
