"""What messages say in one language outside the templates: the inquiry, the promise, the ways to reach us.

`templates/words/{language}.yaml`, with the same fields as `templates/words/en.yaml`.
"""

import string
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from speedlead.composing.booking_words import BOOKING

Phrase = Annotated[str, Field(min_length=1, max_length=300)]
Channel = Literal["call", "email", "look"]
# what is said about a booked meeting, in a language whose words file says nothing of it
_MEETING = {
    "when": "{weekday} {day} {month}, {hour}:{minute} ({city} time)",
    "booked_title": "Booked: {when}", "booked": "your meeting with {who} is booked: {when}.",
    "moved_title": "Moved to {when}", "moved": "your meeting with {who} has moved: it is now {when}.",
    "cancelled_title": "Called off: {when}", "cancelled": "your meeting with {who} ({when}) is called off.",
    "reminder_title": "Reminder: {when}", "reminder": "a reminder of your meeting with {who}: {when}.",
    "missed_title": "We missed you", "missed": "we missed you at your meeting with {who} ({when}).",
}  # fmt: skip
# on the page on which a lead says how we did, in a language whose words file says nothing of it
_FEEDBACK = {
    "title": "How did we do?", "fast": "Did we answer fast enough?", "helpful": "Was the contact helpful?",
    "yes": "Yes", "no": "No", "none": "No answer", "remark": "What should we know? (may stay empty)", "send": "Send",
    "thanks": "Thank you, we have your answer.", "until": "You can change it here until {day} {month}.",
    "over": "This answer can no longer be changed. Thank you for it.",
    "nothing": "Please answer one of the two questions.",
}  # fmt: skip
# field -> the places that its phrases may have in braces; every one of them must be there
_PLACES: dict[str, dict[str, set[str]]] = {
    "promise": {"call": {"when"}, "email": {"when"}, "look": {"when"}},
    "when": {
        "today": {"hour", "minute", "city"}, "tomorrow": {"hour", "minute", "city"},
        "later": {"weekday", "day", "month", "hour", "minute", "city"}, "within": {"span"}, "next_business_day": set(),
    },
    "other_ways": {"phone": {"phone"}, "reply": set()},
    "other_ways_short": {"phone": {"phone"}, "reply": set()},
    "calls": {"missed": {"company", "promise"}, "sorry": {"company"}},
    "next_human_step": {"call": set(), "email": set(), "look": set()},
    "meeting": {
        "when": {"weekday", "day", "month", "hour", "minute", "city"},
        "booked": {"who", "when"}, "booked_title": {"when"}, "moved": {"who", "when"}, "moved_title": {"when"},
        "cancelled": {"who", "when"}, "cancelled_title": {"when"}, "reminder": {"who", "when"},
        "reminder_title": {"when"}, "missed": {"who", "when"}, "missed_title": set(),
    },
    "feedback": {name: {"day", "month"} if name == "until" else set() for name in _FEEDBACK},
    "booking": {
        name: {part for _, part, _, _ in string.Formatter().parse(phrase) if part} for name, phrase in BOOKING.items()
    },
}  # fmt: skip


class Words(BaseModel):
    """One language. `receipt`: how an acknowledgement may say that the inquiry is here; `stop`: words that opt out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = Field(ge=1)
    owner: Phrase
    review_by: date
    nobody: str
    team: Phrase
    stop: list[Phrase] = Field(min_length=1)
    receipt: list[Phrase] = Field(min_length=1)
    intents: dict[str, Phrase]
    promise: dict[str, Phrase]
    when: dict[str, Phrase]
    spans: dict[Literal["minutes", "hours"], tuple[Phrase, Phrase]]
    weekdays: list[Phrase] = Field(min_length=7, max_length=7)
    months: list[Phrase] = Field(min_length=12, max_length=12)
    next_human_step: dict[str, Phrase]
    other_ways: dict[str, Phrase]
    other_ways_short: dict[str, Phrase]
    # what a caller hears whom nobody answers
    calls: dict[str, Phrase]
    meeting: dict[str, Phrase] = Field(default_factory=lambda: dict(_MEETING))
    feedback: dict[str, Phrase] = Field(default_factory=lambda: dict(_FEEDBACK))
    booking: dict[str, Phrase] = Field(default_factory=lambda: dict(BOOKING))

    @field_validator("promise", "when", "next_human_step", "other_ways", "other_ways_short", "calls", "meeting",
                     "feedback", "booking")  # fmt: skip
    @classmethod
    def _whole(cls, value: dict[str, str], info: Any) -> dict[str, str]:
        wanted = _PLACES[info.field_name]
        if set(value) != set(wanted):
            raise ValueError(f"expected exactly {', '.join(wanted)}, got {', '.join(value) or 'nothing'}")
        for name, phrase in value.items():
            _check_places(name, phrase, wanted[name])
        return value

    @field_validator("team")
    @classmethod
    def _names_the_company(cls, value: str) -> str:
        _check_places("team", value, {"company"})
        return value

    @field_validator("intents")
    @classmethod
    def _knows_the_rest(cls, value: dict[str, str]) -> dict[str, str]:
        if "other" not in value:
            raise ValueError("expected words for 'other', which every other intent falls back to")
        return value

    @model_validator(mode="after")
    def _counts(self) -> Self:
        if set(self.spans) != {"minutes", "hours"}:
            raise ValueError("spans: expected exactly minutes and hours")
        for name, phrases in self.spans.items():
            for phrase in phrases:
                _check_places(f"spans.{name}", phrase, {"count"})
        return self

    # ── the promise (REQ 30) ─────────────────────────────────────────────────────────────────────────────────────────

    def promised(self, due: datetime | None, now: datetime, zone: str | None, channel: str) -> str:
        """'A person calls you by 14:07 (New York time).' Minutes are rounded up: it may be kept early, not late."""
        return self.promise[channel].format(when=self._when(due, now, zone))

    def met(self, kind: str, at: datetime, zone: str, who: str) -> tuple[str, str]:
        """A title and a sentence about a meeting: 'Booked: Monday 23 November, 10:00 (New York time)'."""
        local = at.astimezone(ZoneInfo(zone))
        when = self.meeting["when"].format(
            hour=f"{local:%H}", minute=f"{local:%M}", city=zone.rsplit("/", 1)[-1].replace("_", " "),
            weekday=self.weekdays[local.weekday()], day=local.day, month=self.months[local.month - 1],
        )  # fmt: skip
        return self.meeting[f"{kind}_title"].format(when=when), self.meeting[kind].format(who=who, when=when)

    def clock(self, at: datetime, zone: str, how: Literal["time", "day"] = "time") -> str:
        """'Monday 23 November, 10:00' on the clock of that zone, or the day alone."""
        local = at.astimezone(ZoneInfo(zone))
        places = {"weekday": self.weekdays[local.weekday()], "day": local.day, "month": self.months[local.month - 1]}
        return self.booking[how].format(**places, hour=f"{local:%H}", minute=f"{local:%M}")

    def until(self, last: date) -> str:
        """'You can change it here until 7 December.'"""
        return self.feedback["until"].format(day=last.day, month=self.months[last.month - 1])

    def _when(self, due: datetime | None, now: datetime, zone: str | None) -> str:
        if due is None:
            return self.when["next_business_day"]
        if zone is None:
            return self.when["within"].format(span=self._span(due - now))
        local = due.astimezone(ZoneInfo(zone))
        if local.second or local.microsecond:
            local = datetime.fromtimestamp((int(due.timestamp()) // 60 + 1) * 60, ZoneInfo(zone))
        days = (local.date() - now.astimezone(ZoneInfo(zone)).date()).days
        return self.when["today" if days == 0 else "tomorrow" if days == 1 else "later"].format(
            hour=f"{local:%H}",
            minute=f"{local:%M}",
            city=zone.rsplit("/", 1)[-1].replace("_", " "),
            weekday=self.weekdays[local.weekday()],
            day=local.day,
            month=self.months[local.month - 1],
        )

    def _span(self, wait: timedelta) -> str:
        """Elapsed time, rounded up: '4 minutes', '3 hours'."""
        seconds = max(60, -(-wait // timedelta(seconds=1)))
        size, unit = (60, self.spans["minutes"]) if seconds <= 5400 else (3600, self.spans["hours"])
        count = -(-seconds // size)
        return unit[count > 1].format(count=count)


def _check_places(name: str, phrase: str, wanted: set[str]) -> None:
    try:
        parts = [(part, form, turned) for _, part, form, turned in string.Formatter().parse(phrase) if part is not None]
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if {part for part, _, _ in parts} != wanted or any(form or turned for _, form, turned in parts):
        expected = " ".join(f"{{{place}}}" for place in sorted(wanted)) or "no braces"
        raise ValueError(f"{name}: expected {expected}, got {phrase!r}")
