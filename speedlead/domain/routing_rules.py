"""The rules of routing as validated data: what a score is made of, what may be given up, which leads wait."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from speedlead.domain.calendar import open_until, parse_zone, permitted
from speedlead.domain.hours import NEVER, Policy, ZonePolicy
from speedlead.domain.knowing import Value
from speedlead.domain.lanes import Known
from speedlead.domain.lanes import holds as known_to_hold
from speedlead.domain.plan import LeadTypeName, Name, PlanData, Seconds, Week
from speedlead.domain.sla import LeadFacts

Requirement = Literal["language", "shift", "product", "territory", "lane"]
Lane = Literal["all", "main", "low"]
_NOTHING: Mapping[str, Value] = {}


class Weights(PlanData):
    """How much each part of a score counts, next to the others."""

    geography: float = Field(ge=0, le=100)
    expertise: float = Field(ge=0, le=100)
    load: float = Field(ge=0, le=100)
    availability: float = Field(ge=0, le=100)
    performance: float = Field(ge=0, le=100)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not sum(self.by_part().values()):
            raise ValueError("expected one weight above 0 at least: nobody could be told from anybody")
        return self

    def by_part(self) -> dict[str, float]:
        return {
            "geography": self.geography, "expertise": self.expertise, "load": self.load,
            "availability": self.availability, "performance": self.performance,
        }  # fmt: skip


class Deal(PlanData):
    """How long before its opening a lead of the night gets its owner: the hotter, the sooner, so hot ones go first."""

    hot: Seconds = Field(120, le=3600)
    warm: Seconds = Field(90, le=3600)
    cold: Seconds = Field(60, le=3600)

    @model_validator(mode="after")
    def _hot_first(self) -> Self:
        if not self.hot >= self.warm >= self.cold:
            raise ValueError("expected hot before warm before cold, such as hot: 120s, warm: 90s, cold: 60s")
        return self

    def before(self, lead_type: str) -> timedelta:
        return timedelta(seconds={"hot": self.hot, "warm": self.warm, "cold": self.cold}[lead_type])


class Peak(PlanData):
    """Hours of a week in which other weights and stricter priorities hold (REQ 26). What is left out stays as it is.

    `hold`: leads of these types get no owner before the peak ends.
    """

    id: Name
    zone: str
    hours: Week
    weights: Weights | None = None
    give_up: tuple[Requirement, ...] | None = None
    hold: tuple[LeadTypeName, ...] = ()

    @field_validator("zone")
    @classmethod
    def _known(cls, value: str) -> str:
        return parse_zone(value)

    @field_validator("give_up", "hold")
    @classmethod
    def _once(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if value is None else _no_repeat(value)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.weights is None and self.give_up is None and not self.hold:
            raise ValueError("expected weights, give_up or hold: nothing would be different in these hours")
        return self

    @property
    def _rules(self) -> tuple[ZonePolicy, ...]:
        return (ZonePolicy(self.zone, Policy(self.hours, NEVER), self.id),)

    def holds(self, at: datetime) -> bool:
        return permitted(at, self._rules)

    def ends(self, at: datetime) -> datetime | None:
        """The end of the peak that `at` is in; None: not within eight days."""
        return open_until(at, self._rules)


class Claim(PlanData):
    """Such leads are offered to the `offer` best at once, and the first who accepts has it (REQ 85); `when` as a
    rule of lanes asks, none: all leads.
    """

    offer: int = Field(ge=2, le=10)
    when: tuple[Known, ...] = ()


class RoutingRules(PlanData):
    """A whole routing file. `account_owner`: who looks after a company gets its leads, without comparing scores."""

    weights: Weights
    give_up: tuple[Requirement, ...] = ()
    low_quality: tuple[Known, ...] = ()
    shrink: int = Field(20, ge=1, le=10_000)
    deal: Deal = Deal()
    peaks: tuple[Peak, ...] = ()
    claim: Claim | None = None
    account_owner: bool = True

    @field_validator("give_up")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _no_repeat(value)

    @field_validator("peaks")
    @classmethod
    def _told_apart(cls, value: tuple[Peak, ...]) -> tuple[Peak, ...]:
        _no_repeat(tuple(peak.id for peak in value))
        return value

    def claimants(self, facts: LeadFacts, knows: Mapping[str, Value] = _NOTHING) -> int:
        """To how many such a lead is offered at once; 0: it is given to one."""
        when = self.claim.when if self.claim is not None else ()
        if self.claim is None or (when and not any(known_to_hold(one, facts, knows) for one in when)):
            return 0
        return self.claim.offer

    def is_low(self, facts: LeadFacts, knows: Mapping[str, Value] = _NOTHING) -> bool:
        return any(known_to_hold(when, facts, knows) for when in self.low_quality)

    def at(self, now: datetime) -> tuple[Self, Peak | None]:
        """The rules of that instant, and the peak that makes them; of two that overlap the first one counts."""
        peak = next((peak for peak in self.peaks if peak.holds(now)), None)
        if peak is None:
            return self, None
        changed = {"weights": peak.weights, "give_up": peak.give_up}
        return self.model_copy(update={name: value for name, value in changed.items() if value is not None}), peak


def _no_repeat(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice!r} stands twice")
    return names
