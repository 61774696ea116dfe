"""How good a lead is: points with reasons by rules on what is known, and the lane that they lead to. Pure.

The type that a form gives is only raised, unless one of the rules that apply may lower it. Low quality is a slower
lane, never no lane: every inquiry is acknowledged and gets its touches.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from speedlead.domain.knowing import Value
from speedlead.domain.plan import LeadTypeName, Name, PlanData, When
from speedlead.domain.sla import LeadFacts, matches

Lane = Literal["hot", "warm", "cold", "low"]
Points = Annotated[int, Field(ge=-1000, le=1000)]
HEAT: dict[str, int] = {"cold": 0, "warm": 1, "hot": 2}
_BOOLS = ("free_mail", "disposable_mail", "named_account")
_WORDS = ("tier", "industry")
_COUNTS = ("employees", "leads_before", "qualified_before", "bought_before", "bad_before", "leads_of_company",
           "bought_by_company")  # fmt: skip


class Between(PlanData):
    """A number of at least, of at most, or both."""

    at_least: int | None = Field(None, ge=0)
    at_most: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("expected at_least, at_most or both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("expected at_least to be no more than at_most")
        return self

    def holds(self, number: int) -> bool:
        return (self.at_least is None or number >= self.at_least) and (self.at_most is None or number <= self.at_most)


class Known(When):
    """What a rule asks: everything that a target may, and facts. A fact that is not known matches nothing.

    `abroad`: the phone is of another country than the lead.
    """

    free_mail: bool | None = None
    disposable_mail: bool | None = None
    named_account: bool | None = None
    abroad: bool | None = None
    tier: tuple[Name, ...] | None = None
    industry: tuple[str, ...] | None = None
    employees: Between | None = None
    leads_before: Between | None = None
    qualified_before: Between | None = None
    bought_before: Between | None = None
    bad_before: Between | None = None
    leads_of_company: Between | None = None
    bought_by_company: Between | None = None

    @field_validator("time")
    @classmethod
    def _no_time(cls, value: object) -> object:
        if value is not None:
            raise ValueError("how good a lead is does not depend on the hour")
        return value


class Rule(PlanData):
    """`lowers`: may make a lead colder than its form says."""

    id: Name
    points: Points
    why: str = Field(min_length=1, max_length=200)
    when: Known
    lowers: bool = False

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.when.model_fields_set:
            raise ValueError("when: expected one condition at least")
        if not self.points:
            raise ValueError("points: expected a number other than 0")
        if self.lowers and self.points > 0:
            raise ValueError("lowers: expected points below 0 with it")
        return self


class Thresholds(PlanData):
    """From how many points on a lead is hot, warm or cold; with fewer it is of low quality."""

    hot: Points
    warm: Points
    cold: Points

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.hot > self.warm > self.cold:
            raise ValueError("expected hot above warm above cold")
        return self

    def lane(self, points: int) -> Lane:
        return (
            "hot" if points >= self.hot else "warm" if points >= self.warm else "cold" if points >= self.cold else "low"
        )


class LaneRules(PlanData):
    """A whole file of rules."""

    version: int = Field(ge=1, le=1_000_000)
    lanes: Thresholds
    rules: tuple[Rule, ...] = Field(max_length=200)

    @field_validator("rules")
    @classmethod
    def _told_apart(cls, value: tuple[Rule, ...]) -> tuple[Rule, ...]:
        names = [rule.id for rule in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"the rule {twice!r} stands twice")
        return value


@dataclass(frozen=True, slots=True)
class Judged:
    """`lead_type`: which track and targets it gets; `lane`: the same, or `low`. `hits`: the rules that applied."""

    points: int
    lane: Lane
    lead_type: LeadTypeName
    hits: tuple[Rule, ...]


def judge(rules: LaneRules, came: LeadFacts, knows: Mapping[str, Value], *, again: bool = False) -> Judged:
    """`came.lead_type` is the form's. `again`: of a further inquiry, whose lead is never lowered by what it is told."""
    hits = tuple(rule for rule in rules.rules if holds(rule.when, came, knows))
    points = sum(rule.points for rule in hits)
    lane = rules.lanes.lane(points)
    wanted: LeadTypeName = "cold" if lane == "low" else lane
    before: LeadTypeName = came.lead_type  # type: ignore[assignment]
    lowers = not again and any(rule.lowers for rule in hits)
    if HEAT[wanted] < HEAT[before] and not lowers:
        return Judged(points, before, before, hits)
    return Judged(points, lane, wanted, hits)


def holds(when: When, facts: LeadFacts, knows: Mapping[str, Value]) -> bool:
    """Does every given condition match?"""
    if not matches(when, facts):
        return False
    if not isinstance(when, Known):
        return True
    for name in (*_BOOLS, *_WORDS, *_COUNTS):
        wanted, value = getattr(when, name), knows.get(name)
        if wanted is not None and (value is None or not _meets(wanted, value)):
            return False
    return when.abroad is None or when.abroad is _abroad(knows)


def _meets(wanted: object, value: Value) -> bool:
    if isinstance(wanted, Between):
        return isinstance(value, int) and wanted.holds(value)
    if isinstance(wanted, tuple):
        return str(value).casefold() in {str(word).casefold() for word in wanted}
    return wanted is value


def _abroad(knows: Mapping[str, Value]) -> bool | None:
    country, of_phone = knows.get("country"), knows.get("phone_country")
    return None if country is None or of_phone is None else country != of_phone
