"""What a message of a lead means for time: until when somebody is away, and by when a person of ours is to answer."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from speedlead.domain.absence import return_day
from speedlead.domain.assistant import TARGETS_S, in_time
from speedlead.domain.business import Calendars
from speedlead.domain.calendar import offset_at, to_second
from speedlead.domain.open_time import OpenTime
from speedlead.domain.opening import Opening, Shift, find_opening, on_shift, place_human, serving
from speedlead.domain.placing import Consents, Impossible, Placed, Placer, Question
from speedlead.domain.plan import Plan
from speedlead.domain.schedule import Asker
from speedlead.domain.walltime import resolve_wall
from speedlead.domain.zones import Evidence, Place
from speedlead.place_finder import PlaceFinder
from speedlead.plan_shelf import Source, in_use
from speedlead.records import LeadRecord, RepRecord, facts_of, team_of
from speedlead.store.leads import LeadStore

_NOWHERE = Evidence(tz=None, country=None, region=None, postcode=None, phone_e164=None)
# the Date header of a note is believed if it is about as old as its delivery
_OLDEST, _AHEAD = timedelta(days=3), timedelta(days=1)


class Returns:
    """Reads notes, and sets targets, with the calendar that also places touches."""

    def __init__(
        self, placer: Placer, places: PlaceFinder, plan: Source, calendars: Calendars | None = None, *,
        assistant: bool = False,
    ) -> None:  # fmt: skip
        """`assistant`: the house has one, which is asked about each message that a person writes."""
        self.assistant = assistant
        self._placer = placer
        self._places = places
        self._calendars = calendars
        self._source = plan

    @property
    def plan(self) -> Plan:
        """What new leads start on."""
        return in_use(self._source)

    def until(self, note: str, mailed: datetime | None, evidence: Evidence, now: datetime) -> datetime | None:
        """The start of business where the lead is, on the day it returns; None when the note names no day ahead.

        `mailed`: the mail's Date header; the day that "tomorrow" counts from.
        """
        place = self._places.find(evidence)
        if mailed is None or not now - _OLDEST <= mailed <= now + _AHEAD:
            mailed = _local(now, place)
        day = return_day(note, mailed.date(), _country(evidence, place))
        if day is None:
            return None
        until = self._start_of_business(day, place)
        return until if until > now else None

    async def answer_due(
        self, conn: Any, channel: Literal["email", "sms", "chat", "call"], now: datetime
    ) -> datetime | None:
        """The plan's target for an answer, counted in hours in which somebody of the team is on shift (REQ 22, 37).

        None when the plan has none for this channel. Where the lead is does not matter: the gate asks that.
        """
        span = self._targets().get(channel)
        if span is None:
            return None
        first, question, team = await self._first_human(conn, now)
        if isinstance(first, Impossible):
            return now + timedelta(seconds=span)
        later = OpenTime(first, lambda at: place_human(self._placer.place, replace(question, earliest=at), team), ())
        return later.after(timedelta(seconds=span))

    async def in_time(self, conn: Any, channel: str, now: datetime) -> bool:
        """Can a person of ours answer by that target? Then no assistant is asked."""
        first, _, _ = await self._first_human(conn, now)
        # where nobody ever works, nobody is there later either
        at_work = now if isinstance(first, Impossible) else first.at
        return in_time(now, at_work, timedelta(seconds=self._targets().get(channel, 0)))

    def _targets(self) -> dict[str, int]:
        return TARGETS_S | {str(channel): span for channel, span in self.plan.answers.items()}

    async def _first_human(self, conn: Any, now: datetime) -> tuple[Placed | Impossible, Question, tuple[Shift, ...]]:
        team = on_shift(team_of(await LeadStore(conn, self._calendars).reps()))
        question = Question(
            channel="email", earliest=now, latest=None, place=self._places.find(_NOWHERE), hours=None, slot=None,
            consents=Consents(call_requested=True, sms=True, call=True, inquiry=True),
        )  # fmt: skip
        return place_human(self._placer.place, question, team), question, team

    async def reps(self, conn: Any) -> tuple[RepRecord, ...]:
        """Who is active, with their hours."""
        return await LeadStore(conn, self._calendars).reps()

    async def call_back(self, conn: Any, lead: LeadRecord, now: datetime) -> Opening:
        """When a person of ours is first there for a call that nobody took, as an acknowledgement would promise it.

        Who has just called us wants a call; how else we may reach this lead does not matter here.
        """
        place = self._places.find(lead.evidence)
        facts = replace(facts_of(lead, place), channel="phone")
        asked = Consents(call_requested=True, sms=False, call=False, inquiry=True, inquiry_at=now)
        question = Asker(place, asked, self.plan.hours).question("call", now)
        team = serving(team_of(await self.reps(conn)), facts)
        return find_opening(self._placer.place, question, self.plan, facts, team, can_mail=lead.email is not None)

    def _start_of_business(self, day: date, place: Place) -> datetime:
        if not place.business_zones:
            return datetime.combine(day, time(12), UTC)  # at noon it is that day everywhere but on a few islands
        midnight = datetime.combine(day, time())
        begins = max(resolve_wall(zone, midnight).first_at_or_after for zone in place.business_zones)
        # mail has no hours of law: what is asked here is only when people work
        question = Question(
            channel="email", earliest=begins, latest=None, place=place, hours=self.plan.hours.get("call"), slot=None,
            consents=Consents(call_requested=True, sms=False, call=True, inquiry=True),
        )  # fmt: skip
        answer = self._placer.place(question)
        return answer.at if isinstance(answer, Placed) else begins


def _local(now: datetime, place: Place) -> datetime:
    """Wall-clock time there, as if it were UTC; UTC where nobody knows."""
    zones = place.business_zones
    return now + timedelta(seconds=offset_at(zones[0], to_second(now))) if zones else now


def _country(evidence: Evidence, place: Place) -> str | None:
    countries = {name.partition("-")[0] for name in place.jurisdictions}
    if evidence.country in countries:
        return evidence.country
    return countries.pop() if len(countries) == 1 else None
