"""When a lead's clock opens, by when its first human step is due, and what the acknowledgement may promise.

Targets count from the inquiry, or outside cover from the first permitted instant: the least instant at which the lead
may be contacted and somebody of the team is on shift. Never from one rep's state (REQ 30, 33, 61-66).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from speedlead.domain.hours import NEVER, Policy, Weekly, ZonePolicy
from speedlead.domain.placing import Impossible, Placed, Question
from speedlead.domain.plan import Plan
from speedlead.domain.sla import Deadline, LeadFacts, attempt_deadlines

Place = Callable[[Question], Placed | Impossible]


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours of some of the team, in their own zone."""

    zone: str
    weekly: Weekly


@dataclass(frozen=True, slots=True)
class Opening:
    """`open_at`: targets count from here. `deadlines`: all that apply, the effective one first."""

    open_at: datetime
    channel: str
    deadlines: tuple[Deadline, ...]
    reasons: tuple[str, ...]
    known_zone: bool

    @property
    def due(self) -> datetime | None:
        return self.deadlines[0].at if self.deadlines else None


def place_human(place: Place, question: Question, team: Sequence[Shift]) -> Placed | Impossible:
    """The least permitted instant at which somebody of the team is on shift; without a team, of the lead alone."""
    answers = [
        place(replace(question, extra=(*question.extra, ZonePolicy(s.zone, Policy(s.weekly, NEVER), "team_hours"))))
        for s in _distinct(team)
    ] or [place(question)]
    placed = [answer for answer in answers if isinstance(answer, Placed)]
    # a shift on the other side of the world must not cost the lead its business hours while another one fits
    return min(placed, key=lambda answer: (_gave_way(answer), answer.at)) if placed else answers[0]


def find_opening(
    place: Place, question: Question, plan: Plan, facts: LeadFacts, team: Sequence[Shift], *, can_mail: bool
) -> Opening:
    """`question` asks for a call at the inquiry's instant; where no call is possible the first human step is a mail."""
    first = plan.tracks[facts.lead_type].steps[0].channel  # type: ignore[index]
    # a track that begins with a mail begins with a call for a lead who cannot be written to
    by_phone = first == "call" or not can_mail
    answer = place_human(place, question, team) if by_phone else Impossible("no_call", ())
    channel = "call"
    if isinstance(answer, Impossible) and can_mail:
        channel = "email"
        answer = place_human(place, replace(question, channel="email", hours=plan.hours.get("email")), team)
    open_at = answer.at if isinstance(answer, Placed) else question.earliest
    end_of_day = answer.valid_until if isinstance(answer, Placed) else None
    return Opening(
        open_at,
        channel,
        attempt_deadlines(plan, facts, open_at, end_of_day=end_of_day),
        answer.reasons,
        bool(question.place.business_zones),
    )


def _gave_way(answer: Placed) -> int:
    return sum(reason.startswith("dropped:") for reason in answer.reasons)


def _distinct(team: Sequence[Shift]) -> list[Shift]:
    """Hundreds of reps share a few shifts."""
    return list({(shift.zone, tuple(sorted(shift.weekly.items()))): shift for shift in team}.values())
