"""A body as plain values: JSON, or a form. What cannot be stored, or would take long to look through, is refused."""

import json
import math
from typing import Any, NoReturn

from speedlead.gateway.forms import read_form
from speedlead.gateway.problems import Problem

MAX_BYTES = 262_144
MAX_DEPTH = 32
# with this many, every field of a mapping looked through all of them takes some tenths of a second
MAX_VALUES = 5_000
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Unreadable(ValueError):
    """The text says what was expected and repeats nothing of what came."""


async def read_payload(content_type: str, body: bytes) -> Any:
    """Of a form: its fields, a repeated one as a list. What is no form is read as JSON. Raises Unreadable."""
    if content_type.partition(";")[0].strip().lower() not in _FORMS:
        return read_json(body)
    try:
        fields = await read_form(content_type, body)
    except Problem as problem:
        raise Unreadable(problem.detail) from None
    return _bounded({name: found[0] if len(found) == 1 else found for name, found in fields.items()})


def read_json(body: bytes) -> Any:
    """Raises Unreadable."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("expected JSON in UTF-8") from None
    try:
        found = json.loads(text, parse_constant=_no_constant, parse_float=_number, object_pairs_hook=_once)
    except Unreadable:
        raise
    except (ValueError, RecursionError):  # also of a whole number with thousands of digits
        raise Unreadable("expected JSON") from None
    return _bounded(found)


def _no_constant(name: str) -> NoReturn:
    raise Unreadable(f"expected JSON, which has no {name}")


def _number(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise Unreadable("expected numbers below 1e308")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that stands twice one program reads the first and another the last: nobody knows what was meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("expected every name once in an object; one stands twice")
    return found


def _bounded(found: Any) -> Any:
    level, count = [found], 0
    for _ in range(MAX_DEPTH + 1):
        count += len(level)
        if count > MAX_VALUES:
            raise Unreadable(f"expected at most {MAX_VALUES} values")
        inside: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inside += value.values()
            elif isinstance(value, list):
                inside += value
        if not inside:
            return found
        level = inside
    raise Unreadable(f"expected at most {MAX_DEPTH} levels of nesting")
