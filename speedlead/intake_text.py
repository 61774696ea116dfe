"""Cleaning of what strangers type: pure, total, and safe to store (no NUL, no half characters, no direction tricks)."""

import json
import math
import re
import unicodedata
from collections.abc import Mapping

MAX_EXTRA_FIELDS = 40
MAX_EXTRA_BYTES = 8192
MAX_KEY = 64
_MAX_DEPTH = 4

# marks that turn the direction of the text around them: they can make a name read as something else
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def one_line(value: str) -> str:
    """Composed characters, single spaces, no line breaks."""
    return " ".join(_UNWANTED.sub("", _composed(_whole(value))).split())


def many_lines(value: str) -> str:
    """As `one_line`, with its line breaks kept as \\n."""
    text = _UNWANTED.sub("", _composed(_whole(value)).replace("\r\n", "\n").replace("\r", "\n"))
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip()


def slug(value: str) -> str:
    """`Trade Show 2026` to `trade_show_2026`: at most 40 of a-z, 0-9, - and _."""
    return re.sub(r"[^a-z0-9_-]+", "_", one_line(value).lower()).strip("_-")[:40]


def bounded_extra(fields: Mapping[str, object]) -> dict[str, object]:
    """Unknown fields as JSON values, at most 40 and 8 KB; how many did not fit stands in `fields_dropped`.

    Dropped, not refused: a person cannot correct a form's hidden fields, and the inquiry must not be lost for them.
    """
    kept: dict[str, object] = {}
    size = dropped = 0
    for key, value in fields.items():
        name, safe = one_line(key[: MAX_KEY * 4])[:MAX_KEY], _json_value(value, _MAX_DEPTH)
        cost = len(json.dumps({name: safe}, ensure_ascii=False).encode())
        if not name or len(kept) >= MAX_EXTRA_FIELDS or size + cost > MAX_EXTRA_BYTES:
            dropped += 1
            continue
        kept[name] = safe
        size += cost
    if dropped:
        kept["fields_dropped"] = dropped
    return kept


def _json_value(value: object, depth: int) -> object:
    if isinstance(value, str):
        return many_lines(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 10**30 else "number out of range"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth and isinstance(value, Mapping):
        items = list(value.items())[:MAX_EXTRA_FIELDS]
        return {one_line(str(key)[:MAX_KEY]): _json_value(item, depth - 1) for key, item in items}
    if depth and isinstance(value, list | tuple):
        return [_json_value(item, depth - 1) for item in value[:MAX_EXTRA_FIELDS]]
    return f"({type(value).__name__} not kept)"


def _composed(text: str) -> str:
    """NFC, in pieces: the order of a long run of combining marks takes time with its square."""
    return "".join(unicodedata.normalize("NFC", text[at : at + 1000]) for at in range(0, len(text), 1000))


def _whole(value: str) -> str:
    """Without halves of surrogate pairs, which JSON can carry and UTF-8 cannot."""
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
