"""What a provider's refusal means and what follows, from the table in errors.yaml: HTTP status first, then its code."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from speedlead.checked_yaml import parse
from speedlead.domain.recovery import Then
from speedlead.ports import Ruling, SendErrorKind

_FILE = "errors.yaml"
_HTTP = Annotated[str, StringConstraints(pattern=r"^([1-5](\d\d|xx)|else)$")]
_TWILIO = Annotated[str, StringConstraints(pattern=r"^\d{5}$")]
_EVENT = Annotated[str, StringConstraints(pattern=r"^[a-z_]+(:[a-z]+)?$")]
_Why = Annotated[str, StringConstraints(min_length=1)]
# a row may say these only where what follows uses them
_ONLY_FOR = {"after_s": (Then.RETRY, Then.AGAIN), "times": (Then.AGAIN,)}


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Class(_Data):
    then: Then
    why: _Why
    tell: bool = False
    after_s: float | None = Field(default=None, gt=0, le=86_400)
    times: int = Field(default=1, ge=1, le=3)


class Row(_Data):
    """What is None is as the class says."""

    kind: SendErrorKind
    why: _Why
    scope: Literal["number", "sms", "email"] | None = None
    then: Then | None = None
    after_s: float | None = Field(default=None, gt=0, le=86_400)
    times: int | None = Field(default=None, ge=1, le=3)

    @model_validator(mode="after")
    def _names_what_is_bad(self) -> "Row":
        if self.kind is SendErrorKind.CONFIG and self.scope in (None, "number"):
            return self  # with a scope: one number is closed to the account, the others are not
        if (self.kind is SendErrorKind.BAD_ADDRESS) != (self.scope is not None):
            raise ValueError("expected scope (number, sms or email) with bad_address, and with nothing else")
        return self


class Table(_Data):
    classes: dict[SendErrorKind, Class]
    http: dict[_HTTP, Row]
    twilio: dict[_TWILIO, Row]
    sendgrid_events: dict[_EVENT, Row]

    @model_validator(mode="after")
    def _whole(self) -> "Table":
        if missing := [kind.value for kind in SendErrorKind if kind not in self.classes]:
            raise ValueError(f"classes: {', '.join(missing)} is missing")
        if missing := [name for name in ("3xx", "4xx", "5xx", "else") if name not in self.http]:
            raise ValueError(f"http: {', '.join(missing)} is missing")
        again = self.classes[SendErrorKind.RETRY_LATER]
        if again.then is not Then.AGAIN or again.after_s is None:
            raise ValueError("classes.retry_later: expected then: again, and after_s for codes that say none")
        for section in ("twilio", "sendgrid_events"):
            for code, row in getattr(self, section).items():
                then = row.then or self.classes[row.kind].then
                for name, allowed in _ONLY_FOR.items():
                    if getattr(row, name) is not None and then not in allowed:
                        raise ValueError(f"{section}.{code}: {name} has no meaning with then: {then.value}")
        return self

    def ruling(self, row: Row) -> Ruling:
        of_class = self.classes[row.kind]
        return Ruling(
            row.kind, row.then or of_class.then, row.why, row.scope, row.after_s or of_class.after_s,
            row.times or of_class.times, of_class.tell,
        )  # fmt: skip


def parse_table(text: str, name: str = _FILE) -> Table:
    """Raises FileFault with one line per fault: `errors.yaml:41: twilio.21211.kind: Input should be …`."""
    return parse(Table, text, name, whole="table")


@cache
def _table() -> Table:
    return parse_table((files("speedlead.providers") / _FILE).read_text(encoding="utf-8"))


@cache
def _rulings(section: Literal["http", "twilio", "sendgrid_events"]) -> dict[str, Ruling]:
    rows: dict[str, Any] = getattr(_table(), section)
    return {code: _table().ruling(row) for code, row in rows.items()}


def twilio_ruling(code: int | str | None) -> Ruling | None:
    """The table's row of a Twilio code (of an answer or a status callback); None when it is not listed."""
    return None if code is None else _rulings("twilio").get(str(code).strip())


def delivery_ruling(code: int | str | None) -> Ruling:
    """What the ErrorCode of a failed or undelivered SMS means; an unknown code is worth one later attempt."""
    unknown = Row(kind=SendErrorKind.RETRY_LATER, why="not in our table")
    return twilio_ruling(code) or _table().ruling(unknown)


def mail_event_ruling(event: str, event_type: str | None = None) -> Ruling | None:
    """What a SendGrid event means for the address; None for events that are no refusal (processed, delivered …)."""
    table = _rulings("sendgrid_events")
    return table.get(f"{event}:{event_type}") or table.get(event)


def status_ruling(status: int) -> Ruling:
    """What an HTTP status that is not the expected success means by itself."""
    table = _rulings("http")
    return table.get(str(status)) or table.get(f"{status // 100}xx") or table["else"]
