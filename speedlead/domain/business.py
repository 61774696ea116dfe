"""Business calendars as validated data: hours, closures and half days of territories and teams, and on-call cover.

A territory's calendar is about the leads of a place and is kept in their own zone (REQ 64) unless it names one. A
team's is about our own people and is kept in its zone. Law is none of this: cover opens business hours, never the law.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Annotated, Literal, Protocol, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from speedlead.domain.calendar import next_permitted, parse_zone
from speedlead.domain.hours import EVERY_DAY, NEVER, Interval, Policy, Weekly, ZonePolicy
from speedlead.domain.plan import Name, PlanData, Week, When, parse_spans
from speedlead.domain.rotation import Reps, Rotation
from speedlead.domain.sla import may_meet

TEAM_RULE = "team_hours"
EVERYBODY = "everybody"
"""The team calendar of reps whose own team has none."""
_LONGEST_CLOSURE = timedelta(days=366)
_A_YEAR = timedelta(days=366)

Zone = Annotated[str, AfterValidator(parse_zone)]
Spans = Annotated[tuple[Interval, ...], BeforeValidator(lambda value: parse_spans(value, "hours"))]


class HolidayData(Protocol):
    """What a calendar file may name; handed to the models as validation context."""

    def named(self, country: str, subdivision: str | None, categories: Sequence[str] | None) -> Mapping[date, str]:
        """Date to name of the holiday; None: of every category. Raises ValueError naming what does not exist."""
        ...

    def __call__(self, region: str) -> None:
        """'US', 'US-TX' pass. Raises ValueError."""
        ...


def _fault(place: tuple[str | int, ...], text: str) -> ValidationError:
    """A fault that a whole finds in one of its parts, said of that part."""
    return ValidationError.from_exception_data(
        "calendars", [{"type": "value_error", "loc": place, "input": None, "ctx": {"error": ValueError(text)}}]
    )


def _data(info: ValidationInfo) -> HolidayData:
    if info.context is None:
        raise TypeError("calendars are validated with HolidayData as context")
    data: HolidayData = info.context
    return data


class Holidays(PlanData):
    """Whose public holidays are kept; in a file also the words `own` (of where the lead is) and `none`.

    Categories are the ones of the `holidays` library for that country.
    """

    own: bool = False
    country: str | None = None
    subdivision: str | None = None
    categories: tuple[str, ...] = Field(("public",), min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _words(cls, value: object) -> object:
        if value in ("own", "none"):
            return {"own": value == "own"}
        if not isinstance(value, dict) or "own" in value or not value.get("country"):
            raise ValueError("expected own, none, or a country such as {country: US, subdivision: NY}")
        return value

    @model_validator(mode="after")
    def _exist(self, info: ValidationInfo) -> "Holidays":
        self.dates(_data(info))
        return self

    def dates(self, data: HolidayData) -> frozenset[date]:
        if self.country is None:
            return frozenset()
        return frozenset(data.named(self.country, self.subdivision, self.categories))


OWN, NONE = Holidays.model_construct(own=True), Holidays.model_construct()


class Closure(PlanData):
    """Our own closed days, `from` and `to` included; `date` for a single one."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")
    reason: str = Field(min_length=1, max_length=200)

    @model_validator(mode="before")
    @classmethod
    def _one_day(cls, value: object) -> object:
        if isinstance(value, dict) and "date" in value:
            if "from" in value or "to" in value:
                raise ValueError("expected either date, or from and to")
            rest = {key: item for key, item in value.items() if key != "date"}
            return {**rest, "from": value["date"], "to": value["date"]}
        return value

    @model_validator(mode="after")
    def _in_order(self) -> "Closure":
        if self.last < self.first:
            raise ValueError(f"the closure ends on {self.last}, before its start on {self.first}")
        if self.last - self.first > _LONGEST_CLOSURE:
            raise ValueError(f"expected at most {_LONGEST_CLOSURE.days} days, got {self.first} to {self.last}")
        return self

    def days(self) -> frozenset[date]:
        return frozenset(self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1))


class HalfDay(PlanData):
    """The hours that are left of a day's: of one date, or of a holiday by its name in every year."""

    on: date | None = Field(None, alias="date")
    holiday: str | None = None
    hours: Spans

    @model_validator(mode="after")
    def _one_of(self) -> "HalfDay":
        if (self.on is None) == (self.holiday is None):
            raise ValueError("expected either date or holiday")
        return self


class _Calendar(PlanData):
    id: Name
    closures: tuple[Closure, ...] = ()
    half_days: tuple[HalfDay, ...] = ()
    holidays: Holidays
    # what `holidays` and `half_days` come to
    _kept: frozenset[date] = PrivateAttr(frozenset())
    _halves: dict[date, tuple[Interval, ...]] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _dates(self, info: ValidationInfo) -> Self:
        data = _data(info)
        self._kept = self.holidays.dates(data)
        for half in self.half_days:
            for day in self._days(half, data):
                if day in self._halves:
                    raise ValueError(f"half_days: {day} stands twice")
                if half.on is not None and day in self.closed:
                    raise ValueError(f"half_days: {day} is closed as well (closures)")
                self._halves[day] = half.hours
        return self

    def _days(self, half: HalfDay, data: HolidayData) -> Sequence[date]:
        if half.on is not None:
            return (half.on,)
        country = self.holidays.country
        if country is None:
            raise ValueError(f"half_days: {half.holiday!r}: expected `holidays` with the country that has this holiday")
        known = data.named(country, self.holidays.subdivision, None)
        days = [day for day, name in known.items() if half.holiday in name.split("; ")]
        if not days:
            raise ValueError(f"half_days: no holiday of {country} is called {half.holiday!r}")
        return days

    @property
    def closed(self) -> frozenset[date]:
        return frozenset[date]().union(*(closure.days() for closure in self.closures))

    def policy(self, weekly: Weekly, holidays: frozenset[date]) -> Policy:
        return Policy(weekly, NEVER, holidays, closures=self.closed, half_days=self._halves)


class Territory(_Calendar):
    """`where` empty: every lead that no other territory names. What is left out is the plan's or the lead's own."""

    where: tuple[str, ...] = ()
    zone: Zone | None = None
    hours: dict[Literal["call", "sms", "email"], Week] = Field(default_factory=dict)
    holidays: Holidays = OWN

    @field_validator("where")
    @classmethod
    def _regions(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for name in value:
            _data(info)(name)
        return value

    def business(self, channel: str, plan_hours: Weekly, own: frozenset[date]) -> Policy:
        """`own`: the holidays of where the lead may be."""
        kept = own if self.holidays.own else self._kept
        return self.policy(self.hours.get(channel, plan_hours), kept)  # type: ignore[call-overload]


class OnCall(PlanData):
    """Cover outside business hours, holidays and closures for the leads of `when`, within the law.

    `reps`: e-mail addresses of those who are on call, whatever their shifts; or `rotation`: who take turns. Without
    either: whoever of the team is on shift.
    """

    id: Name
    when: When = When(lead_type="hot")
    zone: Zone | None = None
    hours: Week
    reps: Reps = ()
    rotation: Rotation | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if self.reps and self.rotation is not None:
            raise ValueError("expected either reps or rotation")
        return self

    @field_validator("when")
    @classmethod
    def _no_time(cls, value: When) -> When:
        if value.time is not None:
            raise ValueError("time: cover has its own hours")
        return value


class Team(_Calendar):
    """`hours`: outside of them nobody of the team works, whatever the shifts say; left out: the shifts alone count.

    `reps`: whose team it is; those whom no team names are everybody's.
    """

    zone: Zone
    reps: Reps = ()
    hours: Week | None = None
    holidays: Holidays = NONE
    on_call: tuple[OnCall, ...] = ()

    @field_validator("holidays")
    @classmethod
    def _of_somewhere(cls, value: Holidays) -> Holidays:
        if value.own:
            raise ValueError("expected none, or a country: `own` holidays are the lead's")
        return value

    @model_validator(mode="after")
    def _somebodys(self) -> Self:
        if self.id == EVERYBODY and self.reps:
            raise ValueError(f"reps: expected none: {EVERYBODY} is for those whom no other team names")
        if self.id != EVERYBODY and not self.reps:
            raise ValueError(f"reps: expected the e-mail addresses of the team's people; all others are {EVERYBODY!r}")
        return self

    @model_validator(mode="after")
    def _turns(self) -> Self:
        for index, cover in enumerate(self.on_call):
            if cover.rotation is not None:
                try:
                    cover.rotation.check_handover(cover.zone or self.zone)
                except ValueError as error:
                    raise _fault(("on_call", index, "rotation", "handover"), str(error)) from None
            for other in self.on_call[:index]:
                self._apart(index, cover, other)
        return self

    def _apart(self, index: int, cover: OnCall, other: OnCall) -> None:
        """Two covers of a team, one of them with turns, may not be there for the same lead at the same time."""
        first = max((c.rotation.start for c in (cover, other) if c.rotation is not None), default=None)
        if first is None or not may_meet(cover.when, other.when):
            return
        rules = (self.cover_rule(cover), self.cover_rule(other))
        begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
        both = next_permitted(begin, rules, latest=begin + _A_YEAR)
        if both is not None:
            text = f"overlaps with the hours of {other.id}, first at {both:%Y-%m-%d %H:%M} UTC, for the same leads"
            raise _fault(("on_call", index, "hours"), text)

    @cached_property
    def rule(self) -> ZonePolicy:
        policy = self.policy(EVERY_DAY if self.hours is None else self.hours, self._kept)
        return ZonePolicy(self.zone, policy, TEAM_RULE)

    def cover_rule(self, cover: OnCall) -> ZonePolicy:
        return ZonePolicy(cover.zone or self.zone, Policy(cover.hours, NEVER), TEAM_RULE)


class Calendars(PlanData):
    """A whole calendar file."""

    territories: tuple[Territory, ...] = ()
    teams: tuple[Team, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> "Calendars":
        for kind, names in (
            ("territories", [t.id for t in self.territories]),
            ("teams", [t.id for t in self.teams]),
            ("where", [name for t in self.territories for name in t.where or ("everywhere",)]),
            ("on_call", [cover.id for t in self.teams for cover in t.on_call]),
            ("reps", [address for t in self.teams for address in t.reps]),
        ):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"{kind}: {twice!r} stands twice")
        return self

    def of_place(self, jurisdictions: Sequence[str]) -> tuple[Territory | None, ...]:
        """The territory of each place that the lead may be in, the most exact first; None: the plan's hours there."""
        with_part = {name.partition("-")[0] for name in jurisdictions if "-" in name}
        names = [name for name in jurisdictions if "-" in name or name not in with_part] or [""]
        found = {territory.id if territory else "": territory for territory in map(self._territory, names)}
        return tuple(found.values())

    def _territory(self, name: str) -> Territory | None:
        for wanted in (name, name.partition("-")[0]):
            for territory in self.territories:
                if wanted and wanted in territory.where:
                    return territory
        return next((territory for territory in self.territories if not territory.where), None)

    def team_of(self, email: str) -> Team | None:
        """The team that names this rep, else everybody's."""
        of_everybody = next((team for team in self.teams if team.id == EVERYBODY), None)
        return next((team for team in self.teams if email.lower() in team.reps), of_everybody)

    def strangers(self, emails: Collection[str]) -> tuple[str, ...]:
        """Addresses of the file that belong to none of these reps, each with where it stands."""
        known = {email.lower() for email in emails}
        named = [(f"team {team.id}", team.reps) for team in self.teams]
        for cover in (cover for team in self.teams for cover in team.on_call):
            levels = cover.rotation.levels if cover.rotation else ()
            named.append((f"on_call {cover.id}", tuple(dict.fromkeys(cover.reps + sum(levels, ())))))
        return tuple(f"{address} ({where})" for where, reps in named for address in reps if address not in known)
