"""The product's side of the simulation: a form goes in, the whole foreseen week of the lead comes out."""

from dataclasses import dataclass, replace
from datetime import datetime

from bench.simulation.facts import Lead, Passed, Story, Touch
from bench.simulation.leads import intent_of
from speedlead.calendarbook import load_calendars
from speedlead.closures import HolidayClosures
from speedlead.closures import version as holidays_version
from speedlead.domain.law import LawBook
from speedlead.domain.opening import Shift
from speedlead.domain.placing import Consents, Placer
from speedlead.domain.plan import LeadTypeName, Plan
from speedlead.domain.zones import Evidence
from speedlead.foresight import Foresight, Prospect
from speedlead.lawbook import load
from speedlead.place_finder import PlaceFinder
from speedlead.planbook import load_plan, packaged_plan
from speedlead.tzdata_version import assert_wheel

_OFFICE = dict.fromkeys(range(5), ((8 * 60, 19 * 60),))
OFFICES = ("America/New_York", "America/Los_Angeles", "Europe/Paris", "Asia/Kolkata", "Asia/Tokyo")
_HEAT: dict[str, LeadTypeName] = {"hot": "hot", "warm": "warm", "cold": "cold"}


@dataclass(frozen=True)
class Product:
    """Two teams, so that the lead's own rules decide in one half and a team's shifts join them in the other."""

    around_the_clock: Foresight
    offices: Foresight
    # what goes on when nobody was reached
    nurture: Foresight

    def story(self, lead: Lead) -> Story:
        foresight = self.offices if lead.number % 2 else self.around_the_clock
        week = foresight.week(_prospect(lead))
        touches = tuple(
            Touch(t.step, t.channel, t.at, "acknowledgement" if t.step == "ack-1" else "plan", t.reasons)
            for t in week.touches
            if t.state == "sent"
        )
        passed = tuple(
            Passed(t.step, t.channel, t.reason) for t in week.touches if t.state != "sent" and t.step != "ack-1"
        )
        told = any(t.state == "task" for t in week.touches)
        return Story(
            touches, passed, week.end_reason, week.ended_at, week.handed_over_at is not None or told,
            week.promise.at, week.opening.channel,
        )  # fmt: skip

    def slow_story(self, lead: Lead, begins: datetime) -> Story:
        """What a nurture plan does from the end of the lead on."""
        week = self.nurture.week(replace(_prospect(lead), submitted_at=begins))
        touches = tuple(Touch(t.step, t.channel, t.at) for t in week.touches if t.state == "sent")
        passed = tuple(Passed(t.step, t.channel, t.reason) for t in week.touches if t.state != "sent")
        return Story(touches, passed, week.end_reason, week.ended_at, week.handed_over_at is not None)


def assemble(law: LawBook | None = None, plan: Plan | None = None) -> Product:
    """With everything that a running installation has: the packaged plan, law and holidays, unless others are given."""
    plan, places = plan or load_plan(), PlaceFinder()
    versions = {"tzdata": assert_wheel(), "holidays": holidays_version()}
    placer = Placer(law or load(), HolidayClosures(), versions, load_calendars()[0])
    night_and_day = [Shift("Europe/London", dict.fromkeys(range(7), ((0, 1440),)))]
    offices = [Shift(zone, _OFFICE) for zone in OFFICES]
    nurture = load_plan(packaged_plan("nurture"))
    return Product(
        _foresight(plan, placer, places, night_and_day), _foresight(plan, placer, places, offices),
        _foresight(nurture, placer, places, offices),
    )  # fmt: skip


def _foresight(plan: Plan, placer: Placer, places: PlaceFinder, team: list[Shift]) -> Foresight:
    return Foresight(plan=plan, placer=placer, places=places, team=team)


def _prospect(lead: Lead) -> Prospect:
    said = lead.said
    asked = said.phone is not None and (said.consent_call or said.consent_text)
    return Prospect(
        lead_type=_HEAT[lead.lead_type],
        intent=intent_of(lead),
        source="organic",
        submitted_at=lead.submitted,
        evidence=Evidence(said.tz, said.country, said.region, said.postcode, said.phone),
        consents=Consents(
            call_requested=asked, sms=said.consent_sms, call=said.consent_call, inquiry=said.phone is not None,
            inquiry_at=lead.submitted, marketing=said.consent_marketing,
        ),
        has_email=said.email is not None,
        has_phone=said.phone is not None,
    )  # fmt: skip
