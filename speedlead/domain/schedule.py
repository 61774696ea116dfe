"""How the steps of a plan come to lie in time: what each asks of the calendar, and where it goes.

The activities of a running lead, the acknowledgement's promise and the preview all ask here, so that they agree.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from speedlead.domain.cadence import planned
from speedlead.domain.calendar import add_local_days
from speedlead.domain.hours import Interval, Weekly
from speedlead.domain.opening import Shift, on_shift, place_human
from speedlead.domain.placing import Consents, Impossible, PastTouch, Placed, Question
from speedlead.domain.plan import Step, Track
from speedlead.domain.zones import Place

Channel = Literal["call", "sms", "email"]

_HEAVY = ("frequency_cap", "holiday", "closure", "weekend")
_TEAM = ":team_hours"


@dataclass(frozen=True, slots=True)
class Asker:
    """A lead as the calendar knows it, and the business hours that are kept, by channel; none for a channel without.

    `marketing`: what goes by e-mail is advertising, and no answer to an inquiry.
    """

    place: Place
    consents: Consents
    hours: Mapping[Channel, Weekly]
    marketing: bool = False

    def question(
        self,
        channel: str,
        earliest: datetime,
        *,
        slot: Interval | None = None,
        history: tuple[PastTouch, ...] = (),
        business: bool = True,
        transactional: bool = False,
    ) -> Question:
        kind: Channel
        kind = "call" if channel == "call" else "sms" if channel == "sms" else "email"
        return Question(
            channel="email_marketing" if self.marketing and kind == "email" else kind,
            earliest=earliest,
            latest=None,
            place=self.place,
            hours=self.hours.get(kind) if business else None,
            slot=slot,
            consents=self.consents,
            history=history,
            transactional=transactional,
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """The last of `steps` is to be placed; the ones before it have no usable channel and anchor it all the same.

    `due`: when it is due by the plan alone. `track`: only with steps to pass over, which are placed one after the
    other; `anchors` then has the steps that are done, and `deadline` is the lead's. `not_before`: a time that a rule
    named. `manual`: a moment the lead or ops chose: no business hours, and no plan to count from.
    """

    steps: tuple[Step, ...]
    due: datetime
    opened: datetime
    track: Track | None = None
    anchors: Mapping[str, datetime] | None = None
    not_before: datetime | None = None
    manual: bool = False
    deadline: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scheduled:
    """`earliest`: what the last step asked for. `anchors`: the instants of all steps, for the ones after them."""

    answer: Placed | Impossible
    earliest: datetime
    anchors: dict[str, datetime]


def schedule(
    calendar: Callable[[Question], Placed | Impossible],
    lead: Asker,
    wanted: Wanted,
    team: Sequence[Shift],
    history: tuple[PastTouch, ...],
) -> Scheduled:
    """`history`: calls and texts to this number, for the caps on calls."""
    anchors = dict(wanted.anchors or {})
    answer: Placed | Impossible | None = None
    for step in wanted.steps:
        earliest = _earliest(lead, step, wanted, anchors)
        question = lead.question(
            step.channel,
            earliest,
            slot=step.slot,
            history=history if step.channel == "call" else (),
            business=not wanted.manual,
        )
        # a call needs somebody of ours as well: lawful for the lead and on shift for the team
        planned_call = step.channel == "call" and not wanted.manual
        # cover is for the first hours of a lead; the daily touches after them keep to business hours
        people = on_shift(team) if step.local_days else team
        answer = place_human(calendar, question, people) if planned_call else calendar(question)
        # a step that may not go out anchors the next ones where it would have been by politeness alone
        polite = answer if isinstance(answer, Placed) else calendar(lead.question("email", earliest, slot=step.slot))
        anchors[step.id] = polite.at if isinstance(polite, Placed) else earliest
    if answer is None:
        raise ValueError("schedule: no step was given")
    return Scheduled(answer, earliest, anchors)


def _earliest(lead: Asker, step: Step, wanted: Wanted, anchors: Mapping[str, datetime]) -> datetime:
    earliest = wanted.due
    if wanted.track is not None:
        earliest = planned(step, wanted.track, wanted.opened, anchors, wanted.deadline)
    if step.local_days:
        # without a zone a local day is 24 hours; only an e-mail can go to an unknown place anyway
        zones = lead.place.business_zones
        day = timedelta(days=step.local_days)
        earliest = add_local_days(earliest, step.local_days, zones) if zones else earliest + day
    if wanted.not_before is not None and step is wanted.steps[-1]:
        earliest = max(earliest, wanted.not_before)
    return earliest


def heaviest(reasons: Sequence[str]) -> str | None:
    """The reason that people ask for: a whole day or a cap says more than the hour of the night it began at."""
    by_weight = sorted(reasons, key=weight)
    return by_weight[0].removesuffix(_TEAM) if by_weight else None


def weight(reason: str) -> tuple[bool, bool]:
    """To sort by, the heaviest first; the lead's own day before the team's."""
    return not reason.startswith(_HEAVY), reason.endswith(_TEAM)


def delayed(step: Step, earliest: datetime, placed: Placed) -> tuple[str, ...]:
    """The rules that moved a step; none for one that only waits for its time of day on its day."""
    if placed.at - earliest <= (timedelta(days=1) if step.local_days else timedelta(0)):
        return ()
    return tuple(reason for reason in placed.reasons if not reason.endswith((":slot", _TEAM)))
