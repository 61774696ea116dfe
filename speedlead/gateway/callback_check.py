"""May the lead be called at the time that they asked for? The same law that the gate asks when the time has come."""

from dataclasses import dataclass, replace
from datetime import datetime

from speedlead import times, wording
from speedlead.domain.calendar import parse_zone
from speedlead.domain.placing import Impossible, Placer, Question
from speedlead.foresight import Places
from speedlead.gateway.deps import GatewayDeps
from speedlead.records import LeadRecord
from speedlead.store.leads import LeadStore


@dataclass(frozen=True, slots=True)
class CallbackTime:
    """`lawful_at`: the first lawful instant from then on, None where no call to this lead is lawful; `why` in words."""

    at: datetime
    lawful_at: datetime | None
    why: str

    @property
    def lawful(self) -> bool:
        return self.lawful_at == self.at


def check_callback(placer: Placer, places: Places, lead: LeadRecord, at: datetime) -> CallbackTime:
    """No business hours: the lead has chosen the time. Raises ValueError for a time that no calendar has."""
    question = Question(
        channel="call", earliest=at, latest=None, place=places.find(lead.evidence), hours=None, slot=None,
        consents=replace(lead.consents, agreed_at=at),
    )  # fmt: skip
    answer = placer.check(question, at)
    if isinstance(answer, Impossible):
        codes = dict.fromkeys((answer.reason, *answer.reasons))
        return CallbackTime(at, None, wording.reasons(codes, "call"))
    return CallbackTime(at, answer.at, wording.reasons(answer.reasons, "call"))


async def callback_time(deps: GatewayDeps, lead_id: str, at: datetime) -> CallbackTime:
    """Raises LookupError when there is no such lead."""
    lead = await LeadStore(deps.pool).read(lead_id)
    foresight = (await deps.desk()).foresight
    return check_callback(foresight.placer, foresight.places, lead, at)


def refusal(found: CallbackTime, zone: str) -> str:
    """What to say about a time that is not lawful."""
    if found.lawful_at is None:
        return f"No call to this lead is lawful: {found.why}."
    first = f"{times.clock(found.lawful_at, zone)}, {times.zone_label(zone)}"
    return f"The law allows no call then: {found.why}. The first lawful time is {first}."


def own_time(at: datetime, own_zone: str) -> str:
    """The same instant on the clock of whoever calls."""
    zone = times.known_zone(own_zone) or "UTC"
    return f"{times.clock(at, parse_zone(zone))}, {times.zone_label(zone)}"
