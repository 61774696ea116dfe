"""One of our people as an import file has them."""

import re
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from speedlead.domain.calendar import parse_zone
from speedlead.domain.plan import PlanData, Week
from speedlead.domain.routing_rules import Lane

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_TERRITORY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3}|:[A-Z0-9][A-Z0-9 -]{0,9})?")
_LONGEST_OFF = timedelta(days=732)


def _small(value: str) -> str:
    if not _EMAIL.fullmatch(value):
        raise ValueError(f"expected an e-mail address, got {value!r}")
    return value.lower()


def _words(value: tuple[str, ...]) -> tuple[str, ...]:
    words = tuple(word.strip().lower() for word in value)
    if "" in words:
        raise ValueError("expected words, got an empty one")
    return tuple(dict.fromkeys(words))


def _languages(value: tuple[str, ...]) -> tuple[str, ...]:
    wrong = next((word for word in _words(value) if not re.fullmatch("[a-z]{2,3}", word)), None)
    if wrong is not None:
        raise ValueError(f"expected languages such as en or de, got {wrong!r}")
    return _words(value)


def _calendar(value: str | None) -> str | None:
    """Its address opens the whole calendar to whoever has it, so a refusal does not repeat it."""
    if value is None:
        return None
    address = re.sub("^webcals?://", "https://", value.strip(), flags=re.IGNORECASE)
    try:
        parts = urlsplit(address)
        whole = parts.scheme == "https" and parts.hostname and parts.username is None and parts.port != 0
        # one way to write a host: other digits are read as numbers by some and as names by others
        whole = whole and parts.netloc.isascii()
    except ValueError:
        whole = False
    if not whole or re.search(r"[\s\x00-\x1f]", address):
        raise ValueError(
            "expected the address of a calendar, https://… or webcal://…, without a name and password in it"
        )
    return address


class TimeOff(PlanData):
    """Whole days of the rep, both included."""

    first: date = Field(alias="from")
    last: date = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"the time off ends on {self.last}, before its start on {self.first}")
        if self.last - self.first > _LONGEST_OFF:
            raise ValueError(f"expected at most {_LONGEST_OFF.days} days, got {self.first} to {self.last}")
        return self


class RepEntry(PlanData):
    """What is left out stays as it is; of somebody new it is the default. `hours` are in `zone`.

    `territories`: `US`, `US-NY`, or `US:100` for postcodes that begin so.
    """

    email: Annotated[str, AfterValidator(_small)]
    name: str = Field(min_length=1, max_length=200)
    zone: Annotated[str, AfterValidator(parse_zone)]
    hours: Week
    phone: str | None = Field(None, pattern=r"^\+[1-9][0-9]{6,14}$")
    time_off: tuple[TimeOff, ...] = ()
    territories: tuple[str, ...] = ()
    products: Annotated[tuple[str, ...], AfterValidator(_words)] = ()
    languages: Annotated[tuple[str, ...], AfterValidator(_languages)] = ()
    channels: tuple[Literal["call", "email", "sms"], ...] = Field(("call", "email", "sms"), min_length=1)
    lane: Lane = "all"
    weight: int = Field(1, ge=0, le=100)
    capacity: int = Field(50, ge=1, le=100_000)
    manager: bool = False
    active: bool = True
    # the private address of the rep's own calendar (ICS): when they are busy
    ics_url: Annotated[str | None, AfterValidator(_calendar)] = Field(None, max_length=2000)

    @field_validator("territories")
    @classmethod
    def _places(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for territory in value:
            if not _TERRITORY.fullmatch(territory):
                raise ValueError(f"expected places such as US, US-NY or US:100, got {territory!r}")
            if info.context is not None:
                info.context(territory.partition(":")[0])
        return tuple(dict.fromkeys(value))

    @field_validator("time_off")
    @classmethod
    def _apart(cls, value: tuple[TimeOff, ...]) -> tuple[TimeOff, ...]:
        ordered = sorted(value, key=lambda off: off.first)
        for one, following in pairwise(ordered):
            if following.first <= one.last:
                raise ValueError(f"time off overlaps: until {one.last} and from {following.first}")
        return tuple(ordered)


class RepFile(PlanData):
    """A whole import."""

    reps: tuple[RepEntry, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if not self.reps:
            raise ValueError("expected one rep at least")
        twice = [email for email, times in Counter(rep.email for rep in self.reps).items() if times > 1]
        if twice:
            raise ValueError(f"{', '.join(twice)}: stands twice")
        return self
