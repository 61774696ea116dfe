"""When a lead's clock opens, by when its first human step is due, and what the acknowledgement may promise.

Targets count from the inquiry, or outside cover from the first permitted instant: the least instant at which the lead
may be contacted and somebody of the team is on shift. Never from one rep's state (REQ 30, 33, 61-66).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from speedlead.domain.business import TEAM_RULE
from speedlead.domain.calendar import next_permitted
from speedlead.domain.hours import NEVER, Policy, Weekly, ZonePolicy
from speedlead.domain.open_time import OpenTime, moment_names
from speedlead.domain.placing import Consents, Impossible, Placed, Question
from speedlead.domain.plan import Plan, When
from speedlead.domain.sla import Deadline, LeadFacts, attempt_deadlines, matches

Place = Callable[[Question], Placed | Impossible]

LOOK = "look"
_NO_INSTANT = datetime.max.replace(tzinfo=UTC)
# a look needs nobody's consent, and no inquiry that is recent enough
_NOTHING_IS_SENT = Consents(call_requested=True, sms=True, call=True, inquiry=True)


@dataclass(frozen=True)
class Shift:
    """Hours of some of the team, in their own zone. `also`: further rules that must hold (the team's calendar, cover).

    `covers`: on-call cover, beyond business hours, for the leads that match it; `also` then has the hours of the cover.
    `name` tells shifts with equal hours and other rules apart. `level`: of a duty in a rotation, in the order in which
    they are rung; 0: no rotation. `whole`: the shift of all who take turns, which stands for them where the question is
    whether somebody is there.
    """

    zone: str
    weekly: Weekly
    also: tuple[ZonePolicy, ...] = ()
    covers: When | None = None
    name: str = ""
    level: int = 0
    whole: "Shift | None" = None

    @cached_property
    def rules(self) -> tuple[ZonePolicy, ...]:
        return (ZonePolicy(self.zone, Policy(self.weekly, NEVER), TEAM_RULE), *self.also)

    def holds(self, at: datetime) -> bool:
        return next_permitted(at, self.rules, latest=at) == at


def serving(team: Sequence[Shift], facts: LeadFacts) -> tuple[Shift, ...]:
    """The shifts that are there for this lead: everybody's usual ones, and the cover that is meant for such leads."""
    return tuple(shift for shift in team if shift.covers is None or matches(shift.covers, facts))


def on_shift(team: Sequence[Shift]) -> tuple[Shift, ...]:
    """Without the on-call cover."""
    return tuple(shift for shift in team if shift.covers is None)


def covered(team: Sequence[Shift], at: datetime) -> bool:
    """Is somebody on call at that instant? Then business hours are open; the law is not asked here."""
    return any(shift.holds(at) for shift in team if shift.covers is not None)


def turn_at(shifts: Sequence[Shift], at: datetime) -> int | None:
    """In which turn somebody with these shifts is rung then: 0, or the level of the duty; None: not there."""
    return min((shift.level for shift in shifts if shift.holds(at)), default=None)


def call_hours(place: Place, question: Question, team: Sequence[Shift], facts: LeadFacts) -> Weekly | None:
    """The business hours that a planned call keeps at that instant; none while somebody is on call for such a lead.

    None as well where they gave way for the plan, because no shift meets them: whoever asks for them again then puts
    the call off for ever. The claim of a call and the lead's own leg both ask here. `question`: may it be made at
    `earliest`, in business hours? `team`: everybody's shifts, cover among them.
    """
    crew, at = serving(team, facts), question.earliest
    if covered(crew, at):
        return None
    if question.hours is not None and not _in_business_hours(place, question, at):
        planned = place_human(place, question, crew)
        if isinstance(planned, Placed) and planned.at == at and _gave_way(planned):
            return None
    return question.hours


@dataclass(frozen=True, slots=True)
class Opening:
    """`open_at`: targets count from here. `deadlines`: all that apply, the effective one first. `zone`: the lead's.

    `channel`: how a person of ours is first there for the lead: `call`, `email`, or `look` where neither is possible.
    """

    open_at: datetime
    channel: str
    deadlines: tuple[Deadline, ...]
    reasons: tuple[str, ...]
    zone: str | None

    @property
    def due(self) -> datetime | None:
        return self.deadlines[0].at if self.deadlines else None

    @property
    def target(self) -> str | None:
        return self.deadlines[0].target if self.deadlines else None


def place_human(place: Place, question: Question, team: Sequence[Shift]) -> Placed | Impossible:
    """The least permitted instant at which somebody of the team is on shift; without a team, of the lead alone.

    For calls, cover counts beyond business hours where it makes the answer earlier; it never makes it later.
    """
    best: Placed | Impossible | None = None
    for shift in _distinct(on_shift(team)):
        answer = place(replace(question, extra=(*question.extra, *shift.rules)))
        # a shift on the other side of the world must not cost the lead its business hours while another one fits
        if best is None or _rank(answer) < _rank(best):
            best = answer
        if _rank(best) == (0, 0, question.earliest):
            return best  # nobody is there sooner
    best = place(question) if best is None else best
    cover = [shift for shift in _distinct(team) if shift.covers is not None] if question.channel == "call" else ()
    for shift in cover:
        answer = place(replace(question, hours=None, extra=(*question.extra, *shift.rules)))
        earlier = not isinstance(best, Placed) or (isinstance(answer, Placed) and answer.at < best.at)
        if isinstance(answer, Placed) and not _gave_way(answer) and earlier:
            best = answer
    return best


def find_opening(
    place: Place, question: Question, plan: Plan, facts: LeadFacts, team: Sequence[Shift], *, can_mail: bool
) -> Opening:
    """`question` asks for a call at the inquiry's instant; where no call is possible the first human step is a mail.

    Where neither is, a person of ours looks at the inquiry: the owner's task, at an hour at which a mail would go.
    """
    first = plan.tracks[facts.lead_type].steps[0].channel  # type: ignore[index]
    crew = serving(team, facts)
    # a track that begins with a mail begins with a call for a lead who cannot be written to
    by_phone = first == "call" or not can_mail
    answer = place_human(place, question, crew) if by_phone else Impossible("no_call", ())
    if isinstance(answer, Impossible) and can_mail:
        question = replace(question, channel="email", hours=plan.hours.get("email"))
        answer = place_human(place, question, crew)
    channel: str = question.channel
    if isinstance(answer, Impossible):
        channel = LOOK
        question = replace(question, channel="email", hours=plan.hours.get("email"), consents=_NOTHING_IS_SENT)
        answer = place_human(place, question, crew)
    zone = next(iter(question.place.business_zones), None)
    if isinstance(answer, Impossible):  # shifts without an hour in them: nobody can be promised
        return Opening(question.earliest, channel, (), answer.reasons, zone)
    business = _in_business_hours(place, question, answer.at)
    if zone is not None:
        facts = replace(facts, times=moment_names(answer.at, zone, business=business))
    days = (zone,) if zone is not None else tuple(shift.zone for shift in crew[:1])

    def open_time(people: Sequence[Shift]) -> OpenTime:
        return OpenTime(answer, lambda at: place_human(place, replace(question, earliest=at), people), days)

    deadlines = attempt_deadlines(
        plan,
        facts,
        answer.at,
        # a business day ends when business ends, whoever is on call after it
        end_of_day=lambda: open_time(on_shift(crew) if business else crew).end_of_day(),
        later=open_time(crew).after,
    )
    return Opening(answer.at, channel, deadlines, answer.reasons, zone)


def _in_business_hours(place: Place, question: Question, at: datetime) -> bool:
    alone = place(replace(question, earliest=at))
    return isinstance(alone, Placed) and alone.at == at and not _gave_way(alone)


def next_shift(team: Sequence[Shift], now: datetime) -> datetime | None:
    """When somebody of the team is on shift, a minute from now or later; None: never within the horizon."""
    starts = [next_permitted(now + timedelta(minutes=1), shift.rules) for shift in _distinct(team)]
    return min((start for start in starts if start is not None), default=None)


def _rank(answer: Placed | Impossible) -> tuple[int, int, datetime]:
    """Less is better: an instant at all, one for which nothing gave way, an early one."""
    return (0, _gave_way(answer), answer.at) if isinstance(answer, Placed) else (1, 0, _NO_INSTANT)


def _gave_way(answer: Placed) -> int:
    return sum(reason.startswith("dropped:") for reason in answer.reasons)


def _distinct(team: Sequence[Shift]) -> list[Shift]:
    """Hundreds of reps share a few shifts. In an order of their own: who had a lead last must not change an answer."""
    shifts = {(shift.zone, tuple(sorted(shift.weekly.items())), shift.name): shift for shift in team}
    return [shifts[key] for key in sorted(shifts)]
