"""One value out of a payload: where it is looked for (JMESPath), and what is made of it. Pure.

A value that cannot be used is left out, with the reason; nothing of a payload raises.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.parser import ParsedResult
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from speedlead.intake_text import many_lines, one_line
from speedlead.times import known_zone

LONGEST_PATH = 500
LONGEST_TEXT = 10_000
Scalar = str | int | float | bool


@lru_cache(maxsize=2048)
def compiled(path: str) -> ParsedResult:
    """Raises ValueError."""
    if len(path) > LONGEST_PATH:
        raise ValueError(f"expected a path of at most {LONGEST_PATH} characters")
    try:
        found = jmespath.compile(path)
        called = list(_functions(found.parsed))
    except (JMESPathError, RecursionError) as error:
        raise ValueError(f"expected a JMESPath such as form_response.answers[0].email: {_first_line(error)}") from None
    # a path is only run when something comes, and then one that fails leads nowhere: nobody would hear of a slip
    for name, given in called:
        if name not in Functions.FUNCTION_TABLE:
            raise ValueError(f"expected a function of JMESPath, which has no {name[:40]}()")
        wanted = Functions.FUNCTION_TABLE[name]["signature"]
        more = any(one.get("variadic") for one in wanted)
        if given < len(wanted) or (given > len(wanted) and not more):
            raise ValueError(f"expected {len(wanted)} arguments{' or more' if more else ''} of {name}(), got {given}")
    return found


def _functions(node: Any) -> Iterator[tuple[str, int]]:
    """Every function that a path calls, and with how many arguments."""
    if not isinstance(node, dict):
        return
    if node["type"] == "function_expression":
        yield node["value"], len(node["children"])
    for child in node.get("children", ()):
        yield from _functions(child)


def _checked(path: str) -> str:
    compiled(path)
    return path


def _zone(name: str) -> str:
    if known_zone(name) is None:
        raise ValueError(f"expected a time zone such as Europe/Berlin, got {name[:40]!r}")
    return name


Path = Annotated[str, AfterValidator(_checked)]
Zone = Annotated[str, AfterValidator(_zone)]


class Split(BaseModel):
    """`take`: which part, counted from 1; from the end with a minus. `rest`: with everything behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: str = Field(min_length=1, max_length=20)
    take: int
    rest: bool = False

    @model_validator(mode="before")
    @classmethod
    def _on(cls, value: object) -> object:
        # YAML reads a bare `on` as true
        return {"on" if key is True else key: item for key, item in value.items()} if isinstance(value, dict) else value


class Value(BaseModel):
    """`path` is one path or a list, of which the first that is there counts; a value written as text is its path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: tuple[Path, ...] = ()
    # parts of one text, such as a first and a last name; parts that are not there are passed over
    join: tuple[Path, ...] = ()
    between: str = Field(" ", max_length=20)
    constant: Scalar | None = None
    default: Scalar | None = None
    split: Split | None = None
    # what a word of theirs is for us; capitals and spaces around it do not count
    words: dict[str, Scalar] | None = None
    otherwise: Scalar | None = None
    date: str | None = Field(None, max_length=60, description="iso, seconds, milliseconds or a pattern of strptime")
    zone: Zone | None = None

    @model_validator(mode="before")
    @classmethod
    def _short(cls, value: object) -> object:
        if isinstance(value, str):
            return {"path": (value,)}
        if isinstance(value, dict) and isinstance(value.get("path"), str):
            return value | {"path": (value["path"],)}
        return value

    @model_validator(mode="after")
    def _one_way(self) -> "Value":
        if sum((bool(self.path), bool(self.join), self.constant is not None)) != 1:
            raise ValueError("expected one of path, join and constant")
        if self.otherwise is not None and self.words is None:
            raise ValueError("expected `words` beside `otherwise`")
        if self.zone is not None and self.date is None:
            raise ValueError("expected `date` beside `zone`")
        if self.date is not None and "%" in self.date and "%z" not in self.date and self.zone is None:
            raise ValueError("expected `zone`, because the pattern has no %z")
        if self.date is not None and "%" not in self.date and self.date not in ("iso", "seconds", "milliseconds"):
            raise ValueError("expected iso, seconds, milliseconds or a pattern such as %d.%m.%Y %H:%M")
        if self.words is not None:
            object.__setattr__(self, "words", {_word(key): item for key, item in self.words.items()})
        return self


@dataclass(frozen=True, slots=True)
class Found:
    """`origin`: the path that it came from, `constant` or `default`. `note`: why there is no value, or what is odd."""

    value: Scalar | None
    origin: str = ""
    note: str = ""


def find(value: Value, payload: Any) -> Found:
    found = _looked_up(value, payload)
    if found.value is None:
        return found if value.default is None or found.note else Found(value.default, "default")
    return _made(value, found)


def look(path: str, payload: Any) -> Any:
    """What a path leads to, whatever it is; None where it leads nowhere or does not fit what is there."""
    try:
        return compiled(path).search(payload)
    except (JMESPathError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError):
        return None


def holds(path: str, payload: Any) -> bool:
    """Is a condition met? As JMESPath has it: nothing, false and what is empty are not."""
    found = look(path, payload)
    return found is not None and found is not False and found not in ("", [], {})


def as_text(value: Scalar) -> str:
    """Without what cannot be stored; a number as it is written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return many_lines(value) if isinstance(value, str) else str(value)


def _looked_up(value: Value, payload: Any) -> Found:
    if value.constant is not None:
        return Found(value.constant, "constant")
    if value.join:
        parts = [found for path in value.join if (found := _scalar(look(path, payload), path)).value is not None]
        text = value.between.join(as_text(part.value) for part in parts if part.value is not None)
        return Found(text or None, " + ".join(part.origin for part in parts))
    odd = Found(None)
    for path in value.path:
        found = _scalar(look(path, payload), path)
        if found.value is not None:
            return found
        odd = odd if odd.note else found
    return odd


def _scalar(found: Any, path: str) -> Found:
    """Several values, as of a question with boxes, become one text."""
    if found is None or found == "" or found == []:
        return Found(None)
    if isinstance(found, list) and all(isinstance(part, str | int | float | bool) for part in found):
        found = ", ".join(as_text(part) for part in found)
    if isinstance(found, str):
        cleaned = many_lines(found[: LONGEST_TEXT + 1])
        if len(found) > LONGEST_TEXT:
            return Found(None, path, f"longer than {LONGEST_TEXT} characters")
        return Found(cleaned or None, path)
    if isinstance(found, int | float):
        return Found(found, path) if abs(found) < 10**30 else Found(None, path, "a number out of range")
    kind = "an object" if isinstance(found, dict) else "a list"
    return Found(None, path, f"{kind}, expected a text or a number")


def _made(value: Value, found: Found) -> Found:
    assert found.value is not None
    if value.split is not None:
        part = _part(as_text(found.value), value.split)
        if not part:
            return Found(value.default, "default") if value.default is not None else Found(None, found.origin)
        found = Found(part, found.origin)
    assert found.value is not None
    if value.words is not None:
        known = value.words.get(_word(as_text(found.value)))
        known = value.otherwise if known is None else known
        if known is None:
            return Found(None, found.origin, f"a word that the mapping does not have: {_quoted(found.value)}")
        found = Found(known, found.origin)
    if value.date is not None:
        assert found.value is not None
        try:
            return Found(read_date(found.value, value.date, value.zone).isoformat(), found.origin)
        except ValueError as error:
            return Found(None, found.origin, str(error))
    return found


def _part(text: str, split: Split) -> str:
    parts = [part.strip() for part in text.split(split.on)]
    at = split.take - 1 if split.take > 0 else len(parts) + split.take
    if not 0 <= at < len(parts) or split.take == 0:
        return ""
    return split.on.join(parts[at:]) if split.rest else parts[at]


def read_date(value: Scalar, how: str | Literal["iso", "seconds", "milliseconds"], zone: str | None) -> datetime:
    """With its zone; without one of its own it is in `zone`. Raises ValueError."""
    try:
        if how in ("seconds", "milliseconds"):
            number = float(value)
            if not math.isfinite(number):
                raise ValueError
            at = datetime.fromtimestamp(number / (1000 if how == "milliseconds" else 1), UTC)
        else:
            text = as_text(value).strip()
            at = datetime.fromisoformat(text) if how == "iso" else datetime.strptime(text, how)  # noqa: DTZ007
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"not a date, expected {how}") from None
    if at.tzinfo is None:
        if zone is None:
            raise ValueError("a date without a zone; expected `zone` in the mapping")
        at = at.replace(tzinfo=ZoneInfo(zone))
    elif zone is not None:
        at = at.astimezone(ZoneInfo(zone))
    if not 2000 < at.year < 2200:
        raise ValueError("a date far from now")
    return at


def _word(text: str) -> str:
    return one_line(text).casefold()


def _quoted(value: Scalar) -> str:
    """A code or a choice, for whoever mends the mapping; never long enough for what somebody wrote."""
    text = one_line(as_text(value))
    return repr(text) if len(text) <= 40 and "@" not in text else "(a longer text)"


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
