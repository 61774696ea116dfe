"""When a lead may be called at all, and when the plan would: the bands behind the touches of a preview."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from speedlead.domain.placing import Impossible, Placer, Question
from speedlead.domain.schedule import Asker

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Bands:
    """Half-open spans in UTC. `lawful`: by law alone. `business`: by law, business hours and holidays."""

    channel: Literal["call", "email"]
    lawful: tuple[Span, ...]
    business: tuple[Span, ...]


def bands(placer: Placer, asker: Asker, start: datetime, end: datetime, *, by_phone: bool) -> Bands:
    """Of calls, or of e-mail for a lead without a phone. What the caps forbid depends on what was sent: not here."""
    channel: Literal["call", "email"] = "call" if by_phone else "email"
    question = asker.question(channel, start)
    lawful = _spans(placer, replace(question, hours=None), end)
    return Bands(channel, tuple(lawful), tuple(_spans(placer, question, end)))


def _spans(placer: Placer, question: Question, end: datetime) -> Iterator[Span]:
    at = question.earliest
    while at < end:
        answer = placer.place(replace(question, earliest=at))
        if isinstance(answer, Impossible) or any(reason.startswith("dropped:") for reason in answer.reasons):
            return
        until = min(answer.valid_until or end, end)
        if answer.at < until:
            yield answer.at, until
        at = max(until, answer.at)
