"""Reads request bodies into plain fields: URL-encoded and multipart forms, and JSON objects."""

import json
from collections.abc import AsyncGenerator
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from speedlead.gateway.problems import Problem

MAX_FIELDS = 300
MAX_FILES = 10
# decoders such as utf-7 or unicode-escape make text that cannot be stored or shown
CHARSETS = frozenset(
    {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "latin1", "windows-1252", "cp1252"}
)
JSON_TYPES = ("application/json", "text/json")


async def read_form(content_type: str, body: bytes, *, max_files: int = MAX_FILES) -> dict[str, list[str]]:
    """Every field with its values, files left out. Raises Problem 400 or 415."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded" or not kind:
        try:
            pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError:
            raise Problem(400, f"The form may have at most {MAX_FIELDS} fields.") from None
    elif kind == "multipart/form-data":
        pairs = await _multipart(content_type, body, max_files)
    else:
        raise Problem(415, "Expected application/x-www-form-urlencoded or multipart/form-data.")
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


async def _multipart(content_type: str, body: bytes, max_files: int) -> list[tuple[str, str]]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    if _charset(content_type) not in CHARSETS:
        raise Problem(415, "Expected the form in UTF-8.")
    try:
        parser = MultiPartParser(
            Headers({"content-type": content_type}), stream(), max_files=max_files, max_fields=MAX_FIELDS,
            max_part_size=len(body) + 1,
        )  # fmt: skip
        form = await parser.parse()
    except (MultiPartException, ValueError, KeyError, LookupError, AssertionError):
        raise Problem(400, "The multipart form cannot be read.") from None
    try:
        return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
    finally:
        await form.close()


def _charset(content_type: str) -> str:
    _, parameters = parse_options_header(content_type)
    return parameters.get(b"charset", b"utf-8").decode("latin-1").strip().lower()


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Raises Problem 400 for anything else; NaN and Infinity are no JSON."""
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Problem(400, "The body is not readable as JSON (UTF-8).") from None
    if not isinstance(found, dict):
        raise Problem(400, "Expected a JSON object.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
