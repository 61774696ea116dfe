"""A plan as validated data: lead types, targets, hours, and the steps of each lead type's track.

Durations are written `30s`, `7m`, `4h`, `1d` and held in seconds; times of day `09:00-18:00` and held as minutes of the
local day. The numbers themselves stand in `speedlead/plans/*.yaml`, each with the row it comes from.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

# nobody is asked to take a lead for longer (REQ 88)
CEILING = timedelta(minutes=5)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def parse_duration(value: object) -> int:
    """Seconds of `30s`, `7m`, `4h`, `1d`. Raises ValueError saying what was expected."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = re.fullmatch(r"(\d+)([smhd])", value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"expected a duration such as 30s, 7m, 4h or 1d, got {value!r}")
    return int(match[1]) * _UNITS[match[2]]


def parse_times(value: object) -> tuple[int, int]:
    """Minutes of the local day of `09:00-18:00`, half-open. Raises ValueError."""
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(v, int) for v in value):
        start, end = value
    else:
        match = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", value.strip()) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f"expected times of day such as 09:00-18:00, got {value!r}")
        h1, m1, h2, m2 = (int(g) for g in match.groups())
        if m1 > 59 or m2 > 59:
            raise ValueError(f"expected minutes 00 to 59, got {value!r}")
        start, end = h1 * 60 + m1, h2 * 60 + m2
    if not 0 <= start < end <= 1440:
        raise ValueError(f"expected a start before its end within one day, got {value!r}")
    return start, end


def _parse_week(value: object) -> object:
    """`{mon: ["09:00-18:00"], ...}` to weekday numbers, monday = 0; a missing day is closed."""
    if not isinstance(value, dict):
        raise ValueError(f"expected weekdays mon..sun, got {value!r}")
    if not value:
        raise ValueError("expected hours on one weekday at least, got none")
    week: dict[int, tuple[tuple[int, int], ...]] = {}
    for day, spans in value.items():
        name = str(day)
        if name not in _DAYS and name not in {str(n) for n in range(7)}:
            raise ValueError(f"expected a weekday mon..sun, got {name!r}")
        number = _DAYS.index(name) if name in _DAYS else int(name)
        week[number] = parse_spans(spans, name)
    return week


def parse_spans(value: object, day: str) -> tuple[tuple[int, int], ...]:
    """One `09:00-18:00` or a list of them, in order. Raises ValueError naming the day."""
    parsed = sorted(parse_times(span) for span in (value if isinstance(value, list | tuple) else [value]))
    if not parsed:
        raise ValueError(f"{day}: expected hours, got none; a day that is left out is closed")
    if any(a[1] > b[0] for a, b in pairwise(parsed)):
        raise ValueError(f"{day}: hours overlap")
    return tuple(parsed)


Seconds = Annotated[int, BeforeValidator(parse_duration)]
Slot = Annotated[tuple[int, int], BeforeValidator(parse_times)]
Week = Annotated[dict[int, tuple[tuple[int, int], ...]], BeforeValidator(_parse_week)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
LeadTypeName = Literal["hot", "warm", "cold"]
# what a plan is for that goes on when the answer to an inquiry is over (docs/nurture.md); None: it answers inquiries
Program = Literal["nurture", "customer"]
# how a lead can end for another plan to begin, and what that plan has to be for
Ending = Literal["exhausted", "not_now", "converted"]
PROGRAM_AFTER: dict[Ending, Program] = {"exhausted": "nurture", "not_now": "nurture", "converted": "customer"}
StageTarget = Literal["qualification", "follow_up"]


DayTime = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "weekday", "weekend", "business_hours", "off_hours"]


class PlanData(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As ever, but what was worked out from the fields (`cached_property`) is worked out anew."""
        copied = super().model_copy(update=update, deep=deep)
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied


class Step(PlanData):
    """One touch of a track.

    `after` names the anchor: the lead's opening (`lead`) or an earlier step, counted from its START. `by` is a deadline
    from the opening. `min_gap` keeps a distance from the last earlier step of the same channel. `local_days` counts
    calendar days of the lead from the anchor; `slot` is a time of day there. `task`: the owner does it by hand, and is
    told when it is due.
    """

    id: Name
    channel: Literal["call", "email", "sms"]
    after: Name = "lead"
    delay: Seconds = 0
    by: Seconds | None = None
    min_gap: Seconds = 0
    local_days: int = Field(default=0, ge=0, le=30)
    slot: Slot | None = None
    template: Name | None = None
    instead: Literal["rep_task"] | None = None
    # left out of what is stored where it is the default, as everywhere below: a plan without it keeps its fingerprint
    task: bool = Field(default=False, exclude_if=lambda value: not value)

    @model_validator(mode="after")
    def _sound(self) -> "Step":
        if self.local_days and self.delay:
            raise ValueError(f"step {self.id}: give either delay or local_days")
        if self.task and (self.template or self.instead or self.slot or self.local_days):
            raise ValueError(f"step {self.id}: a task has no template, instead, slot or local_days; give a delay")
        if self.channel != "call" and self.template is None and not self.task:
            raise ValueError(f"step {self.id}: template is missing")
        return self


class Voicemail(PlanData):
    """What happens when a machine answers for the lead: the rep stays on the line and may speak, the line is cut, or
    our own message is left: a template that is read out, or a recording at an address. `leave` needs the lead's consent
    to a recorded voice; without it the rep stays.
    """

    do: Literal["stay", "hang_up", "leave"] = "stay"
    say: Name | None = None
    play: Annotated[str, Field(pattern=r"^https://[^\s<>\"']+$", max_length=500)] | None = None

    @model_validator(mode="after")
    def _sound(self) -> "Voicemail":
        given = (self.say is not None) + (self.play is not None)
        if given != (1 if self.do == "leave" else 0):
            raise ValueError("expected either say (a template) or play (an address) with do: leave, else neither")
        return self


class Track(PlanData):
    """The steps of one lead type. `mode` is how a call is made: we bridge the phones, or a rep dials and logs."""

    mode: Literal["bridge", "task"] = "bridge"
    # how long a rep's phone rings, and how long a rep has to accept a task
    ring: Seconds = 20
    accept_within: Seconds = 60
    # between the dial request and the lead's phone ringing: what a deadline has to leave room for
    lead_time: Seconds = 26
    # left out of what is stored where it is the default: a plan that does not name it keeps its fingerprint
    voicemail: Voicemail = Field(default=Voicemail(), exclude_if=lambda value: value == Voicemail())
    # how long a lead stays open after the last step, for a late answer
    settle: Seconds = 86400
    steps: tuple[Step, ...] = Field(min_length=1)

    @cached_property
    def unhurried(self) -> "Track":
        """The same without the deadlines from the opening: what the calendar has moved keeps its spacing."""
        return self.model_copy(update={"steps": tuple(step.model_copy(update={"by": None}) for step in self.steps)})

    @model_validator(mode="after")
    def _ordered(self) -> "Track":
        known = {"lead"}
        for step in self.steps:
            if step.id in known:
                raise ValueError(f"step {step.id}: the id is used twice")
            if step.after not in known:
                raise ValueError(f"step {step.id}: after names {step.after!r}, expected 'lead' or an earlier step")
            known.add(step.id)
        return self


class Cadence(PlanData):
    """The part of a plan that steers a running lead; it travels in the workflow's input and never changes there.

    `accept`: how long somebody who is asked to take a lead has, by its type; a type that is not named is not asked
    about. `stages`: by when a lead that was spoken to is qualified, and by when somebody comes back to one that waits.
    `program`: it is no answer to an inquiry, and begins where another plan names it in `then`, by how the lead ended.
    """

    id: Name
    version: int = Field(ge=1)
    tracks: dict[LeadTypeName, Track]
    # both are left out of what is stored where they are empty: a plan without them keeps its fingerprint
    accept: dict[LeadTypeName, Seconds] = Field(default={}, exclude_if=lambda value: value == {})
    stages: dict[StageTarget, Seconds] = Field(default={}, exclude_if=lambda value: value == {})
    program: Program | None = Field(default=None, exclude_if=lambda value: value is None)
    then: dict[Ending, Name] = Field(default={}, exclude_if=lambda value: value == {})

    @model_validator(mode="after")
    def _complete(self) -> "Cadence":
        missing = {"hot", "warm", "cold"} - set(self.tracks)
        if missing:
            raise ValueError(f"tracks: missing {', '.join(sorted(missing))}")
        return self

    @field_validator("accept")
    @classmethod
    def _below_the_ceiling(cls, value: dict[str, int]) -> dict[str, int]:
        ceiling = int(CEILING.total_seconds())
        wrong = next((name for name, seconds in value.items() if not 0 < seconds <= ceiling), None)
        if wrong is not None:
            raise ValueError(f"{wrong}: expected a time above 0 and of {ceiling // 60}m at most")
        return value

    @model_validator(mode="after")
    def _slow(self) -> "Cadence":
        """A program is no reason to ring or to text somebody: its calls are tasks of the owner, who decides."""
        if self.program is None:
            return self
        for name, track in self.tracks.items():
            for step in track.steps:
                if not step.task and (step.channel != "email" or self.program == "customer"):
                    expected = "task: true" if self.program == "customer" else "an email, or task: true"
                    raise ValueError(
                        f"tracks.{name}: {step.id}: a {self.program} plan sends no {step.channel}: expected {expected}"
                    )
        return self


class When(PlanData):
    """What a target, or on-call cover, applies to; every given field must match, a list by one of its words.

    `region`: 'US', 'US-TX', and the lead may be there. `time`: when the lead's clock opens, in its own zone.
    """

    lead_type: LeadTypeName | None = None
    intent: tuple[Name, ...] | None = None
    source: tuple[Name, ...] | None = None
    segment: tuple[Name, ...] | None = None
    channel: tuple[Name, ...] | None = None
    region: tuple[Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")], ...] | None = None
    time: tuple[DayTime, ...] | None = None

    @field_validator("*")
    @classmethod
    def _not_empty(cls, value: object) -> object:
        if value == ():
            raise ValueError("expected one word at least; leave the field out if it does not matter")
        return value

    @field_validator("region")
    @classmethod
    def _exists(cls, value: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        # which countries there are is data, so whoever reads a file brings the check along; a stored plan has passed it
        check: Callable[[str], None] | None = info.context
        for region in value or ():
            if check is not None:
                check(region)
        return value


class Target(PlanData):
    """A promise to ourselves, counted from the opening. Several may apply; the earliest is the deadline."""

    id: Name
    when: When
    assign: Seconds | None = None
    # by when the first, second, third … attempt is due
    attempts: tuple[Seconds, ...] = ()
    same_business_day: bool = False
    # takes the place of another target, by its id, instead of competing with it; 'type': of the lead type's
    replaces: Name | None = None
    source: str

    @model_validator(mode="after")
    def _says_something(self) -> "Target":
        if not (self.assign or self.attempts or self.same_business_day):
            raise ValueError(f"target {self.id}: expected assign, attempts or same_business_day")
        if list(self.attempts) != sorted(self.attempts):
            raise ValueError(f"target {self.id}: attempts must not go backwards")
        return self


class Aim(PlanData):
    """A level reached elsewhere, to compare with; never a deadline."""

    id: Name
    what: str
    seconds: Seconds = Field(alias="within")
    source: str


class Plan(Cadence):
    """A whole plan file."""

    intents: dict[LeadTypeName, tuple[Name, ...]]
    hours: dict[Literal["call", "sms", "email"], Week]
    targets: tuple[Target, ...]
    # by when a person of ours answers what a lead writes, counted in the team's hours
    answers: dict[Literal["sms", "email", "chat"], Seconds] = {}
    aims: tuple[Aim, ...] = ()
    # of a program: at least so long after the last message to this person, whichever lead or plan that was of
    message_gap: Seconds = Field(default=0, exclude_if=lambda value: not value)

    def lead_type(self, intent: str) -> LeadTypeName:
        """The type of an intent (REQ 38-41); what no plan names is cold."""
        for lead_type, intents in self.intents.items():
            if intent in intents:
                return lead_type
        return "cold"

    def cadence(self) -> Cadence:
        return Cadence(
            id=self.id, version=self.version, tracks=self.tracks, accept=self.accept, stages=self.stages,
            program=self.program, then=self.then,
        )  # fmt: skip

    def templates(self) -> Iterator[tuple[str, str]]:
        """(channel, template) of every step that sends something."""
        for track in self.tracks.values():
            for step in track.steps:
                if step.template is not None:
                    yield step.channel, step.template
            if track.voicemail.say is not None:
                yield "voicemail", track.voicemail.say

    @model_validator(mode="before")
    @classmethod
    def _not_a_list(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("expected a mapping with id, version, intents, hours, targets and tracks")
        return value

    @model_validator(mode="after")
    def _asks_nothing(self) -> "Plan":
        """A program begins by itself, so nothing about inquiries belongs into it."""
        for name, given in (("intents", self.intents), ("targets", self.targets), ("accept", self.accept)):
            if self.program is not None and given:
                raise ValueError(f"{name}: a {self.program} plan answers no inquiry; leave it out")
        if self.program is None and self.message_gap:
            raise ValueError("message_gap: expected only with program")
        return self

    @model_validator(mode="after")
    def _targets_know_each_other(self) -> "Plan":
        names = [target.id for target in self.targets]
        for target in self.targets:
            if names.count(target.id) > 1 or target.id == "type":
                raise ValueError(f"targets: {target.id}: expected an id that stands once and is not 'type'")
            if target.replaces not in (None, "type", *names) or target.replaces == target.id:
                raise ValueError(
                    f"targets: {target.id}: replaces: expected 'type' or another target's id, got {target.replaces!r}"
                )
        return self

    @model_validator(mode="after")
    def _intents_once(self) -> "Plan":
        seen: set[str] = set()
        for intents in self.intents.values():
            for intent in intents:
                if intent in seen:
                    raise ValueError(f"intents: {intent!r} has two lead types")
                seen.add(intent)
        return self
