"""What an endpoint is asked to be, by the page or by a file."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from speedlead.checked_yaml import parse, read_text
from speedlead.hooks.address import Allowed, endpoint_url
from speedlead.hooks.events import EVENTS, Include
from speedlead.hooks.signing import key_of

MAX_NAME = 60
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")


def _printable(word: str) -> str:
    if not word.isprintable():
        raise ValueError("expected printable characters")
    return word


Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Words = Annotated[tuple[Word, ...], Field(max_length=50)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OnlyLeads(_Model):
    """A lead is told of when it has one of the values of each field that is there."""

    lead_type: Words = ()
    source: Words = ()
    intent: Words = ()
    segment: Words = ()
    country: Words = ()

    @field_validator("lead_type")
    @classmethod
    def _types(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not set(values) <= {"hot", "warm", "cold"}:
            raise ValueError("expected hot, warm or cold")
        return values

    @field_validator("country")
    @classmethod
    def _countries(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch("[A-Z]{2}", value) for value in values):
            raise ValueError("expected codes of two capital letters, such as US")
        return values

    def given(self) -> dict[str, list[str]]:
        return {name: list(values) for name, values in self if values}


class Endpoint(_Model):
    """`secret` None: one is made. The validation's context is `Allowed`: which hosts inside may be reached."""

    name: str
    url: str
    events: tuple[str, ...]
    only_leads: OnlyLeads = OnlyLeads()
    include: tuple[str, ...] = ()
    secret: str | None = Field(None, repr=False)
    active: bool = True

    @field_validator("name")
    @classmethod
    def _name(cls, name: str) -> str:
        if not _NAME.fullmatch(name) or len(name) > MAX_NAME:
            raise ValueError(f"expected letters, digits, blanks and ._-, {MAX_NAME} at most")
        return name

    @field_validator("url")
    @classmethod
    def _url(cls, url: str, info: ValidationInfo) -> str:
        endpoint_url(url, info.context if isinstance(info.context, Allowed) else Allowed())
        return url

    @field_validator("events", mode="before")
    @classmethod
    def _all(cls, events: Any) -> Any:
        return list(EVENTS) if events == "all" else events

    @field_validator("events")
    @classmethod
    def _events(cls, events: tuple[str, ...]) -> tuple[str, ...]:
        return _of(events, tuple(EVENTS), least=1)

    @field_validator("include")
    @classmethod
    def _include(cls, include: tuple[str, ...]) -> tuple[str, ...]:
        return _of(include, get_args(Include), least=0)

    @field_validator("secret")
    @classmethod
    def _secret(cls, secret: str | None) -> str | None:
        if secret is not None:
            key_of(secret)
        return secret


def _of(values: Sequence[str], known: Sequence[str], *, least: int) -> tuple[str, ...]:
    """In the order of the list, each once."""
    wrong = [value for value in values if value not in known]
    if wrong:
        raise ValueError(f"{wrong[0]!r}: expected some of {', '.join(known)}")
    if len(values) < least:
        raise ValueError(f"expected at least one of {', '.join(known)}")
    return tuple(value for value in known if value in values)


class HookFile(_Model):
    webhooks: tuple[Endpoint, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _once(self) -> "HookFile":
        names = [one.name for one in self.webhooks]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"each name once; {name!r} stands twice")
        return self


def read_file(file: Path, allowed: Allowed) -> tuple[Endpoint, ...]:
    """Raises FileFault, with a line for each fault."""
    return parse(HookFile, read_text(file), str(file), whole="the file", context=allowed).webhooks
