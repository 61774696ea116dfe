"""The rules of routing as validated data: what a score is made of, what may be given up, which leads are low."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from speedlead.domain.plan import PlanData, When
from speedlead.domain.sla import LeadFacts, matches

Requirement = Literal["language", "shift", "product", "territory", "lane"]
Lane = Literal["all", "main", "low"]


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


class RoutingRules(PlanData):
    """A whole routing file."""

    weights: Weights
    give_up: tuple[Requirement, ...] = ()
    low_quality: tuple[When, ...] = ()
    shrink: int = Field(20, ge=1, le=10_000)

    @field_validator("give_up")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        twice = next((name for name in value if value.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice!r} stands twice")
        return value

    @field_validator("low_quality")
    @classmethod
    def _no_time(cls, value: tuple[When, ...]) -> tuple[When, ...]:
        if any(when.time is not None for when in value):
            raise ValueError("time: the quality of a lead does not depend on the hour")
        return value

    def is_low(self, facts: LeadFacts) -> bool:
        return any(matches(when, facts) for when in self.low_quality)
