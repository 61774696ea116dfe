"""Who is on call when: rotations with time off left out and overrides put in.

A duty is one level of a cover from a hand-over to the next, so each local day has one duty for each level, and somebody
holds it unless all of the level are off.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Literal, Protocol

from speedlead.domain.business import TEAM_RULE, Calendars, OnCall
from speedlead.domain.calendar import first_at_or_after, next_permitted, open_until, to_instant
from speedlead.domain.hours import DAY_S, EPOCH_ORDINAL, EVERY_DAY, NEVER, Interval, Policy, ZonePolicy, day_number
from speedlead.domain.opening import Shift
from speedlead.domain.rotation import Rotation

Span = tuple[datetime, datetime]
Passed = Literal["no_rep", "time_off", "other_level"]
"""Why somebody is passed over: no active rep with a phone, off in the hours of the duty, on another level that day."""


class Person(Protocol):
    """A rep as rotations see them. `off`: time off alone; a meeting passes the call on, not the duty."""

    @property
    def email(self) -> str: ...
    @property
    def off(self) -> Sequence[Span]: ...
    @property
    def overrides(self) -> Sequence[tuple[str, int, date]]:
        """(cover, level, day) on which this rep steps in."""
        ...


@dataclass(frozen=True, slots=True)
class Duty:
    """`rep`: by e-mail address; None: nobody. `passed`: whose turn it would have been before, and why it is not."""

    level: int
    day: date
    rep: str | None
    why: Literal["rotation", "override"] = "rotation"
    passed: tuple[tuple[str, Passed], ...] = ()


@dataclass(frozen=True, slots=True)
class DutyRule(ZonePolicy):
    """The hours of some duties of a roster: of one rep on one level, or of anybody."""

    roster: "Roster" = field(kw_only=True)
    level: int | None = field(default=None, kw_only=True)
    rep: str | None = field(default=None, kw_only=True)

    def open_on(self, day: int) -> tuple[Interval, ...]:
        handover = self.roster.rotation.handover * 60
        spans = ((day - 1, (0, handover)), (day, (handover, DAY_S)))
        return tuple(span for of, span in spans if span[0] < span[1] and self._on(of))

    def refusals(self, day: int, minute: int) -> Iterator[str]:
        if not any(start <= minute * 60 < end for start, end in self.open_on(day)):
            yield "outside_business_hours"

    def _on(self, day: int) -> bool:
        duties = self.roster.duties(date.fromordinal(day + EPOCH_ORDINAL))
        return any(
            duty.rep is not None and self.level in (None, duty.level) and self.rep in (None, duty.rep)
            for duty in duties
        )  # fmt: skip


class Roster:
    """One cover with a rotation, for the people whom we have."""

    def __init__(self, cover: OnCall, zone: str, people: Sequence[Person]) -> None:
        """`people`: active reps with a phone. Raises ValueError for a cover without a rotation."""
        if cover.rotation is None:
            raise ValueError(f"on_call {cover.id}: has no rotation")
        self.cover = cover
        self.zone = zone
        self.rotation: Rotation = cover.rotation
        self._off: Mapping[str, Sequence[Span]] = {person.email.lower(): person.off for person in people}
        self._overrides = {
            (level, day): person.email.lower()
            for person in people
            for name, level, day in person.overrides
            if name == cover.id
        }
        self._duties: dict[date, tuple[Duty, ...]] = {}

    @property
    def levels(self) -> range:
        return range(1, len(self.rotation.levels) + 1)

    def duties(self, day: date) -> tuple[Duty, ...]:
        """Of every level, the first one first, from the hand-over on that day to the next."""
        if day < self.rotation.start:
            return ()
        if day not in self._duties:
            self._duties[day] = tuple(self._decide(day))
        return self._duties[day]

    def _decide(self, day: date) -> Iterator[Duty]:
        steps_in = {level: self._overrides[level, day] for level in self.levels if (level, day) in self._overrides}
        taken = set(steps_in.values())
        for level in self.levels:
            if level in steps_in:
                yield Duty(level, day, steps_in[level], "override")
                continue
            passed: list[tuple[str, Passed]] = []
            found = None
            for rep in self.rotation.order(level, day):
                why: Passed | None = (
                    "no_rep" if rep not in self._off
                    else "other_level" if rep in taken
                    else "time_off" if self.is_off(rep, day)
                    else None
                )  # fmt: skip
                if why is None:
                    found = rep
                    taken.add(rep)
                    break
                passed.append((rep, why))
            yield Duty(level, day, found, passed=tuple(passed))

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who can be on call, by address."""
        return tuple(sorted(self._off))

    def knows(self, rep: str) -> bool:
        """Is this somebody who can be on call?"""
        return rep in self._off

    def is_off(self, rep: str, day: date) -> bool:
        """Has this rep time off in the hours of that day's duty? Time off outside of them costs nobody the turn."""
        return any(start < end_at and begin < end for start, end in self._off[rep] for begin, end_at in self.hours(day))

    def hours(self, day: date) -> tuple[Span, ...]:
        """The instants from and to which the cover lasts between the hand-over on that day and the next one."""
        begins, ends = self._handover(day), self.ends(day)
        found: list[Span] = []
        at: datetime | None = begins
        while at is not None and at < ends:
            at = next_permitted(at, (self._week,), latest=ends)
            if at is not None and at < ends:
                until = min(open_until(at, (self._week,)) or ends, ends)
                found.append((at, until))
                at = until
        return tuple(found)

    def ends(self, day: date) -> datetime:
        """When the duty of that day is handed over."""
        return self._handover(day + timedelta(days=1))

    def _handover(self, day: date) -> datetime:
        return to_instant(first_at_or_after(self.zone, day_number(day) * DAY_S + self.rotation.handover * 60))

    @cached_property
    def _week(self) -> ZonePolicy:
        return ZonePolicy(self.zone, Policy(self.cover.hours, NEVER), TEAM_RULE)

    # ── as shifts ────────────────────────────────────────────────────────────────────────────────────────────────────

    def shifts(self, email: str) -> tuple[Shift, ...]:
        """Those of one rep: a shift for each level on which they ever are."""
        mine = [
            level for level in self.levels
            if email in self.rotation.levels[level - 1] or email in
            {who for (of, _), who in self._overrides.items() if of == level}
        ]  # fmt: skip
        return tuple(self._shift(f"{self.cover.id} {level} {email}", level, email) for level in mine)

    @cached_property
    def anybody(self) -> Shift:
        return self._shift(self.cover.id, None, None)

    def _shift(self, name: str, level: int | None, rep: str | None) -> Shift:
        rule = DutyRule(self.zone, Policy(EVERY_DAY, NEVER), TEAM_RULE, roster=self, level=level, rep=rep)
        return Shift(
            self.zone, self.cover.hours, also=(rule,), covers=self.cover.when, name=name, level=level or 0,
            whole=None if rep is None else self.anybody,
        )  # fmt: skip


def rosters(calendars: Calendars, people: Sequence[Person]) -> tuple[Roster, ...]:
    """Of every cover that has a rotation."""
    return tuple(
        Roster(cover, cover.zone or team.zone, people)
        for team in calendars.teams
        for cover in team.on_call
        if cover.rotation is not None
    )
