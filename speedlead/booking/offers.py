"""What times a lead is offered: the law and the hours of the lead, the shifts of our people, and who is free."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from speedlead.domain.booking import BookingRules, Span, common, joined, open_spans, starts
from speedlead.domain.business import Calendars
from speedlead.domain.opening import on_shift
from speedlead.domain.placing import Consents, Impossible, Placer, Question
from speedlead.domain.plan import Plan
from speedlead.domain.schedule import Asker
from speedlead.domain.zones import Place
from speedlead.place_finder import PlaceFinder
from speedlead.plan_shelf import Source, in_use
from speedlead.preview.hours import bands
from speedlead.records import LeadRecord, RepRecord
from speedlead.store import booking_rows
from speedlead.store.leads import LeadStore

# whoever chooses a time asks to be called then: what is left to look at are hours, not consents
_ASKED_FOR = Consents(call_requested=True, sms=False, call=False, inquiry=True)


@dataclass(frozen=True, slots=True)
class Offer:
    """`times`: each start with the reps who are free then, the first choice first. `zone`: the lead's clock.

    `zone` None: where the lead is, is not known, and nothing is offered before it says so. `who`: the names of all reps
    that are asked for; `owner`: of one alone.
    """

    zone: str | None
    times: Mapping[datetime, tuple[str, ...]]
    who: tuple[str, ...] = ()
    owner: str | None = None


class Offers:
    """Asks rows and the calendar anew each time: what is shown is what may be booked at that moment."""

    def __init__(
        self, placer: Placer, places: PlaceFinder, plan: Source, calendars: Calendars, rules: BookingRules
    ) -> None:
        self._placer = placer
        self._places = places
        self._plan = plan
        self._calendars = calendars
        self.rules = rules

    @property
    def plan(self) -> Plan:
        return in_use(self._plan)

    async def offered(
        self, conn: Any, lead_id: str, now: datetime, *, zone: str | None = None, team: str | None = None,
        only: datetime | None = None, rep_id: str | None = None, but: str | None = None,
    ) -> Offer:  # fmt: skip
        """`zone`: the lead's own word on where it is. `team`: a page of the rules. `only`: this start and no other.

        `rep_id`: with this rep alone, for a meeting that moves; `but`: the booking that moves. Raises LookupError.
        """
        leads = LeadStore(conn, self._calendars)
        lead = await leads.read(lead_id)
        place = self.place(lead, zone)
        if not place.known or not place.business_zones:
            return Offer(None, {})
        reps = self._asked(lead, await leads.reps(), team, rep_id)
        first, last = self.rules.window(now) if only is None else (only, only)
        until = last + timedelta(seconds=self.rules.length)
        taken = await booking_rows.held(conn, *_wide(first, until, self.rules), but)
        times = self._times(lead, place, reps, taken, (first, until), now)
        if only is not None:
            times = {at: free for at, free in times.items() if at == only}
        mine = reps[0].name if len(reps) == 1 else None
        return Offer(place.business_zones[0], times, tuple(rep.name for rep in reps), mine)

    def has_any(
        self, lead: LeadRecord, reps: Sequence[RepRecord], taken: Mapping[str, Sequence[Span]], now: datetime
    ) -> bool:
        """Is there a time that this lead could choose? An unknown place is no obstacle: the page asks for it."""
        place = self.place(lead, None)
        asked = self._asked(lead, reps, None, None)
        if not place.known or not place.business_zones:
            return bool(asked)
        first, last = self.rules.window(now)
        window = first, last + timedelta(seconds=self.rules.length)
        lawful = self._lawful(lead, place, window)
        return any(self._starts(rep, lawful, taken, window, place.business_zones[0], now) for rep in asked)

    def place(self, lead: LeadRecord, zone: str | None) -> Place:
        """Where the lead is; `zone` is its own word for now, and what law looks at stays what it was."""
        return self._places.find(lead.evidence if zone is None else replace(lead.evidence, tz=zone))

    def again(self, lead: LeadRecord, at: datetime) -> datetime:
        """The first instant from `at` at which a call is lawful and polite; `at` itself where none is found."""
        answer = self._placer.place(self._question(lead, self.place(lead, None), at))
        return at if isinstance(answer, Impossible) else answer.at

    def _times(
        self, lead: LeadRecord, place: Place, reps: Sequence[RepRecord], taken: Mapping[str, Sequence[Span]],
        window: Span, now: datetime,
    ) -> dict[datetime, tuple[str, ...]]:  # fmt: skip
        lawful = self._lawful(lead, place, window)
        found: dict[datetime, list[str]] = {}
        for rep in reps:
            for at in self._starts(rep, lawful, taken, window, place.business_zones[0], now):
                found.setdefault(at, []).append(rep.rep_id)
        return {at: tuple(found[at]) for at in sorted(found)}

    def _starts(
        self, rep: RepRecord, lawful: Sequence[Span], taken: Mapping[str, Sequence[Span]], window: Span, zone: str,
        now: datetime,
    ) -> list[datetime]:  # fmt: skip
        shifts = joined(span for shift in on_shift(rep.shifts) for span in open_spans(shift.rules, *window))
        busy = [*rep.not_there, *taken.get(rep.rep_id, ())]
        return starts(list(common(lawful, shifts)), busy, self.rules, zone, now)

    def _lawful(self, lead: LeadRecord, place: Place, window: Span) -> list[Span]:
        asker = Asker(place, replace(_ASKED_FOR, inquiry_at=window[0]), self.plan.hours)
        return joined(bands(self._placer, asker, *window, by_phone=True).business)

    def _question(self, lead: LeadRecord, place: Place, at: datetime) -> Question:
        return Asker(place, lead.consents, self.plan.hours).question("call", at)

    def _asked(
        self, lead: LeadRecord, reps: Sequence[RepRecord], team: str | None, rep_id: str | None
    ) -> list[RepRecord]:
        """The owner where the lead has one, else the team: whoever takes calls of leads, the least booked first."""
        if rep_id is not None:
            return [rep for rep in reps if rep.rep_id == rep_id]
        if team is not None:
            emails = self.rules.teams.get(team, ())
            return [rep for rep in reps if rep.email.lower() in emails]
        owner = [rep for rep in reps if rep.rep_id == lead.owner_id]
        if owner and self.rules.with_ == "owner":
            return owner
        able = [rep for rep in reps if not rep.manager and rep.weight > 0 and "call" in rep.channels]
        return sorted(able, key=lambda rep: (rep.rep_id != lead.owner_id, rep.open_leads))


def _wide(start: datetime, end: datetime, rules: BookingRules) -> Span:
    """With what is kept free around a meeting on either side."""
    around = timedelta(seconds=rules.before + rules.after)
    return start - around, end + around
