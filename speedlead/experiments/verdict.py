"""What a result means, in words that need no statistics. Pure."""

from dataclasses import dataclass
from typing import Literal

from speedlead.domain.experiment import Question
from speedlead.experiments.reading import ArmResult, Guarded, Interval, Result
from speedlead.experiments.text import days, percent

Advice = Literal["stop", "roll_out", "keep_control", "wait", "nothing_yet"]
METRIC = {"converted": "bought", "qualified": "qualified"}
GUARDRAIL = {"opt_out": "opt-outs", "breach": "missed targets", "complaint": "spam complaints"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """`best`: the arm to roll out, when the advice is to roll out."""

    advice: Advice
    head: str
    lines: tuple[str, ...] = ()
    best: str | None = None


def verdict(question: Question, result: Result, *, ended: bool = False) -> Verdict:
    """What comes first outranks what follows: a wrong split, harm, an answer, patience."""
    if result.split_wrong:
        return Verdict("stop", "Do not use these figures: the persons are not spread over the arms as stated.", (
            "The arms differ by more than what is tried in them. Look for leads that never came to us, or came twice.",
        ))  # fmt: skip
    arms = result.arms[1:]
    harm = [line for arm in arms for line in _harm(arm)]
    if harm:
        return Verdict("stop", "Stop it: a guardrail is broken.", tuple(harm))
    if not result.ripe:
        return Verdict("nothing_yet", "Nothing can be said yet.", (
            f"A person counts {days(question.within)} after the inquiry, when the time for an answer is over; "
            f"{result.persons} have come in so far.",))  # fmt: skip
    lines = tuple(_said(question, arm) for arm in arms)
    better = [arm for arm in arms if arm.effect is not None and arm.effect.low > 0]
    if better:
        best = max(better, key=lambda arm: arm.rate or 0)
        doubts = tuple(_doubt(one) for one in best.guardrails if one.state == "open")
        return Verdict("roll_out", f"{best.arm.key} is better than {result.arms[0].arm.key}.", lines + doubts,
                       best.arm.key)  # fmt: skip
    if all(arm.effect is not None and arm.effect.high < 0 for arm in arms):
        return Verdict("keep_control", f"Keep {result.arms[0].arm.key}: it is better.", lines)
    if all(arm.effect is not None and arm.effect.high < question.effect for arm in arms):
        head = f"Keep {result.arms[0].arm.key}: nothing here is better by {percent(question.effect)} points."
        return Verdict("keep_control", head, lines)
    if result.information >= 1 or ended:
        early = "" if result.information >= 1 else " It ended before all planned persons were there."
        return Verdict("keep_control", f"No difference was found.{early}", lines)
    return Verdict("wait", "It cannot be said yet: let it run.", (
        *lines, f"{_part(result.information)} of the planned answers are there."))  # fmt: skip


def _said(question: Question, arm: ArmResult) -> str:
    what = METRIC[question.metric]
    if arm.effect is None or arm.rate is None:
        return f"{arm.arm.key}: nobody's time for an answer is over in one of the arms."
    return f"{arm.arm.key}: {percent(round(arm.rate, 3))} {what}, {between(arm.effect)}."


def between(interval: Interval) -> str:
    """In points against the control."""
    low, high = (round(end * 100, 1) for end in (interval.low, interval.high))
    if low >= 0:
        return f"{low:g} to {high:g} points more than the control"
    if high <= 0:
        return f"{-high:g} to {-low:g} points fewer than the control"
    return f"between {-low:g} points fewer and {high:g} points more than the control"


def _harm(arm: ArmResult) -> list[str]:
    return [
        f"{arm.arm.key}: {GUARDRAIL[one.name]} are up, {between(one.interval)}."
        for one in arm.harmed
        if one.interval is not None
    ]


def _doubt(one: Guarded) -> str:
    return f"It is not known yet whether {GUARDRAIL[one.name]} stay within {percent(one.limit)} points."


def _part(information: float) -> str:
    return f"{information:.0%}"
