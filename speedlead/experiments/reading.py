"""What an experiment says so far: counted from the rows, judged by the statistics, ready for a page or a command."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from speedlead.domain.experiment import Experiment, Guardrail, Question
from speedlead.experiments.statistics import SPLIT_ALARM, Count, difference, planned_persons, split_doubt
from speedlead.store.experiments import ArmCount, Known, StartedArm, counts

Holds = Literal["kept", "harmed", "open"]
# a roll-out asks nothing; its persons are shown with what became of them in a month
_WITHOUT_QUESTION = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Interval:
    """Arm minus control, in shares. It holds at every look, with all other looks."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Guarded:
    """`limit`: by how much it may get worse. `kept`: within it; `harmed`: it does get worse; `open`: not known yet."""

    name: Guardrail
    limit: float
    rate: float | None
    interval: Interval | None
    state: Holds


@dataclass(frozen=True, slots=True)
class ArmResult:
    """`effect` and `guardrails` are against the control; the control itself has none."""

    arm: StartedArm
    count: ArmCount
    rate: float | None
    effect: Interval | None = None
    guardrails: tuple[Guarded, ...] = ()

    @property
    def harmed(self) -> tuple[Guarded, ...]:
        return tuple(one for one in self.guardrails if one.state == "harmed")


@dataclass(frozen=True, slots=True)
class Result:
    """`planned`: persons in all arms together. `information`: what part of the planned is ripe, 0 to 1.

    `split_wrong`: the persons are not spread over the arms as stated, which makes every other figure worthless.
    """

    arms: tuple[ArmResult, ...]
    planned: int | None
    information: float
    split_wrong: bool

    @property
    def persons(self) -> int:
        return sum(one.count.persons for one in self.arms)

    @property
    def ripe(self) -> int:
        return sum(one.count.ripe for one in self.arms)


def planned_size(definition: Experiment) -> int:
    """Persons in all arms together. Raises ValueError when nobody could have so many, or nothing is asked."""
    question = definition.question
    if question is None:
        raise ValueError("question: expected one: a roll-out asks nothing and has no size")
    total = sum(arm.share for arm in definition.arms)
    return planned_persons(
        usual=question.usual, effect=question.effect, shares=[arm.share / total for arm in definition.arms],
        false_alarms=question.false_alarms, power=question.power,
    )  # fmt: skip


async def result_of(conn: Any, known: Known, now: datetime) -> Result:
    """Of one that was started."""
    question = known.definition.question
    counted = await counts(
        conn, known, metric=question.metric if question else "converted",
        within=timedelta(seconds=question.within) if question else _WITHOUT_QUESTION, now=now,
    )  # fmt: skip
    if question is None or known.planned is None:
        arms = tuple(ArmResult(arm, (had := counted[arm.variant]), _rate(had)) for arm in known.arms)
        return Result(arms, None, 0.0, split_wrong=False)
    return judged(question, known.arms, [counted[arm.variant] for arm in known.arms], known.planned)


def judged(question: Question, arms: tuple[StartedArm, ...], counted: list[ArmCount], planned: int) -> Result:
    """The control is the first of `arms`."""
    total = sum(arm.share for arm in arms)
    shares = [arm.share / total for arm in arms]
    each = question.false_alarms / (len(arms) - 1)
    control = counted[0]
    found, information = [ArmResult(arms[0], control, _rate(control))], []
    for arm, count, share in zip(arms[1:], counted[1:], shares[1:], strict=True):
        sizes = (planned * shares[0], planned * share)
        effect = difference(
            Count(control.ripe, control.won), Count(count.ripe, count.won), planned=sizes, false_alarms=each
        )
        information.append(effect.information if effect else 0.0)
        guarded = []
        for name, limit in question.guardrails.items():
            ours, others = (Count(had.persons, getattr(had, name)) for had in (count, control))
            harm = difference(others, ours, planned=sizes, false_alarms=each)
            state: Holds = "open"
            if harm is not None:
                state = "harmed" if harm.low > 0 else "kept" if harm.high <= limit else "open"
            interval = Interval(harm.low, harm.high) if harm else None
            guarded.append(Guarded(name, limit, ours.rate, interval, state))
        interval = Interval(effect.low, effect.high) if effect else None
        found.append(ArmResult(arm, count, _rate(count), interval, tuple(guarded)))
    split = split_doubt([count.persons for count in counted], shares)
    return Result(tuple(found), planned, min(information), split_wrong=split >= SPLIT_ALARM)


def _rate(count: ArmCount) -> float | None:
    return count.won / count.ripe if count.ripe else None
