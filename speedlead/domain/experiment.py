"""An experiment as validated data, and who gets which arm: the same person always the same one (REQ 135, 136, 139).

Two kinds in one shape. With a `question` it compares its first arm, the control, with the others. Without one it is a
roll-out: a part of the leads, by a share that may be raised, starts on another plan.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from speedlead.domain.plan import Name, Plan, PlanData, Seconds, When
from speedlead.domain.routing_rules import Weights
from speedlead.domain.sla import LeadFacts, matches, may_meet

DAY = 86_400
LEAST_SHARE = 5
Metric = Literal["converted", "qualified"]
Guardrail = Literal["opt_out", "breach", "complaint"]
GUARDRAILS: tuple[Guardrail, ...] = ("opt_out", "breach", "complaint")
Month = Literal["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
MONTHS: tuple[Month, ...] = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def parse_percent(value: object) -> float:
    """The fraction that `2.5%` is; a number alone is one already. Raises ValueError saying what was expected."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            return float(value.strip()[:-1]) / 100
        except ValueError:
            pass
    elif isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError(f"expected a share such as 2.5%, got {value!r}")


Percent = Annotated[float, BeforeValidator(parse_percent)]
NAME = r"^[a-z][a-z0-9_-]{0,39}$"
PLAN_NAME = r"^[a-z][a-z0-9_-]{0,39}:[1-9][0-9]{0,6}$"
PlanName = Annotated[str, Field(pattern=PLAN_NAME)]
StepField = Annotated[str, Field(pattern=r"^(hot|warm|cold)\.[a-z][a-z0-9_-]{0,39}\.(template|channel)$")]


class Segment(When):
    """Which leads take part; every given field must match. `season`: months in which the inquiry came, in UTC."""

    season: tuple[Month, ...] | None = None

    @model_validator(mode="after")
    def _no_time(self) -> Self:
        if self.time is not None:
            raise ValueError("time: the opening is not known yet when a lead is assigned; expected it left out")
        return self

    def holds(self, facts: LeadFacts, month: int) -> bool:
        return matches(self, facts) and (self.season is None or MONTHS[month - 1] in self.season)

    def may_meet(self, other: "Segment") -> bool:
        """Can one lead be in both?"""
        if self.season and other.season and not {*self.season} & {*other.season}:
            return False
        return may_meet(self, other)


class Arm(PlanData):
    """What its part of the leads gets: a plan version, one that `changes` make of it, or other weights of routing.

    `share`: of the segment's persons, in percent. Nothing but a share: what holds for everybody else.
    """

    key: Name
    share: int = Field(ge=0, le=100)
    plan: PlanName | None = None
    changes: dict[StepField, Name] = Field(default={})
    weights: Weights | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if self.weights is not None and (self.plan or self.changes):
            raise ValueError(f"arm {self.key}: expected a plan or weights: of both nobody could tell which did it")
        return self


class Question(PlanData):
    """What is asked. `usual`: the control's rate, `effect`: the least difference in it that would be acted upon.

    `guardrails`: by how much each may get worse. `false_alarms`, `power`: the errors that are accepted.
    """

    metric: Metric
    within: Seconds = Field(ge=DAY, le=90 * DAY)
    usual: Percent = Field(gt=0, lt=1)
    effect: Percent = Field(gt=0, lt=1)
    guardrails: dict[Guardrail, Percent]
    false_alarms: Percent = Field(0.05, ge=0.001, le=0.2)
    power: Percent = Field(0.8, ge=0.5, le=0.99)

    @field_validator("guardrails")
    @classmethod
    def _all(cls, value: dict[Guardrail, float]) -> dict[Guardrail, float]:
        missing = set(GUARDRAILS) - set(value)
        if missing:
            raise ValueError(f"expected a limit for {', '.join(sorted(missing))} too, such as 1%")
        wrong = next((name for name, limit in value.items() if not 0 < limit < 1), None)
        if wrong is not None:
            raise ValueError(f"{wrong}: expected above 0% and below 100%, got {value[wrong]:.4%}")
        return {name: value[name] for name in GUARDRAILS}

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.usual + self.effect >= 1:
            raise ValueError("effect: expected usual and effect together below 100%")
        return self


class Experiment(PlanData):
    """A whole definition. The first arm of one with a question is the control."""

    id: Name
    title: str = Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")
    segment: Segment = Segment()
    arms: tuple[Arm, ...] = Field(min_length=2, max_length=3)
    question: Question | None = None

    @field_validator("arms")
    @classmethod
    def _told_apart(cls, value: tuple[Arm, ...]) -> tuple[Arm, ...]:
        keys = [arm.key for arm in value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ValueError(f"{twice!r} stands twice")
        if not 0 < sum(arm.share for arm in value) <= 100:
            raise ValueError("expected shares that add up to 1 to 100")
        if any(arm.weights for arm in value) and any(arm.plan or arm.changes for arm in value):
            raise ValueError("expected plans or weights in all arms: nobody could tell which one did it")
        said = [arm.model_dump(exclude={"key", "share"}) for arm in value]
        if any(one == other for n, one in enumerate(said) for other in said[:n]):
            raise ValueError("two arms are the same: expected plan, changes or weights that tell them apart")
        return value

    @model_validator(mode="after")
    def _asks_well(self) -> Self:
        if self.question is not None and any(arm.share < LEAST_SHARE for arm in self.arms):
            raise ValueError(f"arms: expected a share of {LEAST_SHARE} at least for each: smaller ones answer nothing")
        if self.question is None:
            rest = self.arms[-1]
            if len(self.arms) != 2 or rest.plan or rest.changes or rest.weights:
                raise ValueError(
                    "arms: without a question it is a roll-out: expected two, of which the second has a share alone"
                )
            if sum(arm.share for arm in self.arms) != 100:
                raise ValueError("arms: without a question it is a roll-out: expected shares that add up to 100")
        return self

    @property
    def about(self) -> Literal["plan", "routing"]:
        """The thing that differs. A lead can be in one experiment about each."""
        return "routing" if any(arm.weights for arm in self.arms) else "plan"

    def meets(self, other: "Experiment") -> bool:
        """Would a lead be in both, with the same thing set by each?"""
        return self.about == other.about and self.segment.may_meet(other.segment)


@dataclass(frozen=True, slots=True)
class RunningArm:
    """`upto`: its persons are those whose lot lies below, but not in the arm before. `plan`: None, the one in use."""

    variant: str
    upto: float
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """An experiment under way, as intake needs it. `sticks`: who had an arm once keeps it, whatever their lot says."""

    experiment_id: str
    salt: bytes
    segment: Segment
    arms: tuple[RunningArm, ...]
    sticks: bool

    def arm_of(self, person_id: str, earlier: Collection[str]) -> RunningArm | None:
        """None: this person takes no part. `earlier`: variants of the person's leads before this one, oldest first."""
        if self.sticks:
            mine = {arm.variant: arm for arm in self.arms}
            if (first := next((mine[variant] for variant in earlier if variant in mine), None)) is not None:
                return first
        lot = drawn(self.salt, person_id)
        return next((arm for arm in self.arms if lot < arm.upto), None)


@dataclass(frozen=True, slots=True)
class Assigned:
    """What a new lead takes part in. `plan`: None, the one in use."""

    variants: tuple[str, ...] = ()
    plan: Plan | None = None


def drawn(salt: bytes, person_id: str) -> float:
    """A number in [0, 1) that belongs to the person in this experiment, and says nothing about any other one."""
    digest = blake2b(person_id.encode(), key=salt, digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def assign(
    running: Sequence[Running], person_id: str, facts: LeadFacts, month: int, earlier: Collection[str] = ()
) -> Assigned:
    """The arms of a new lead; of two about plans, which `meets` keeps from running, the first one counts."""
    variants, plan = [], None
    for one in running:
        if not one.segment.holds(facts, month) or (arm := one.arm_of(person_id, earlier)) is None:
            continue
        if arm.plan is not None:
            if plan is not None:
                continue
            plan = arm.plan
        variants.append(arm.variant)
    return Assigned(tuple(variants), plan)


def bounds(shares: Mapping[str, int]) -> dict[str, float]:
    """Where the part of each arm ends, in their order."""
    ends, so_far = {}, 0
    for key, share in shares.items():
        so_far += share
        ends[key] = so_far / 100
    return ends


def with_changes(plan: Plan, changes: Mapping[str, str]) -> Plan:
    """The plan with other templates or channels in some steps. Raises ValueError naming the step that is not there."""
    data = plan.model_dump(mode="json", by_alias=True)
    for place, value in changes.items():
        track, step_id, name = place.split(".")
        step = next((step for step in data["tracks"][track]["steps"] if step["id"] == step_id), None)
        if step is None:
            known = ", ".join(step["id"] for step in data["tracks"][track]["steps"])
            raise ValueError(f"changes: {place}: {plan.id}:{plan.version} has no such step; expected one of {known}")
        step[name] = value
    try:
        return Plan.model_validate(data)
    except ValueError as error:
        raise ValueError(f"changes: {error}") from None
