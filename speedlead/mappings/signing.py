"""Was this request sent by whom the mapping says? Pure. Whatever is odd about it, the answer is no."""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Literal
from urllib.parse import parse_qsl

from speedlead.mappings.model import Signature, Timestamp
from speedlead.mappings.payload import Unreadable, read_json
from speedlead.mappings.values import look

# what both say of their own: five minutes (standardwebhooks.com; docs.stripe.com/webhooks)
_TOLERANCE = timedelta(minutes=5)
_STANDARD = Timestamp(header="webhook-timestamp", tolerance=_TOLERANCE)
_MOST_SIGNATURES = 20


class Forged(Exception):
    """`why`: forged (by nobody who knows the secret) or stale (signed too long ago, or ahead of our clock)."""

    def __init__(self, why: Literal["forged", "stale"]) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Secret:
    """Two may be valid at once, while they are changed. `name` is what is shown."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it came. `headers`: names in small letters; `url`: our public address with its path and query."""

    method: str
    url: str
    query: str
    headers: Table[str, str]
    body: bytes


def verified_by(signature: Signature, secrets: Sequence[Secret], sent: Sent, wall: datetime) -> str:
    """The name of the secret that fits. Raises Forged. The scheme `none` is believed by whoever asks."""
    if signature.scheme == "none":
        return "nobody"
    stale = False
    for secret in secrets:
        try:
            if secret.text and _fits(signature, secret.text, sent, wall):
                return secret.name
        except _Stale:
            stale = True
    raise Forged("stale" if stale else "forged")


class _Stale(Exception): ...


def _fits(signature: Signature, secret: str, sent: Sent, wall: datetime) -> bool:
    match signature.scheme:
        case "hmac":
            return _hmac(signature, secret, sent, wall)
        case "stripe":
            return _stripe(secret, sent, wall)
        case "standard":
            return _standard(secret, sent, wall)
        case "token":
            return _same(_token(signature, sent), secret)
        case "basic":
            scheme, _, given = sent.headers.get("authorization", "").partition(" ")
            return scheme.lower() == "basic" and _same(_decoded(given.strip()), secret)
        case _:
            return False


def _hmac(signature: Signature, secret: str, sent: Sent, wall: datetime) -> bool:
    given = sent.headers.get(signature.header or "", "").strip()
    if not given.startswith(signature.prefix):
        return False
    stamp = sent.headers.get(signature.timestamp.header, "") if signature.timestamp else ""
    known = {"{body}": sent.body, "{timestamp}": stamp.encode(), "{method}": sent.method.encode(),
             "{url}": sent.url.encode()}  # fmt: skip
    # cut at the places, so that a place inside the body is only text
    parts = re.split(r"(\{(?:body|timestamp|method|url)\})", signature.signed)
    made = _signed(secret.encode(), b"".join(known.get(part, part.encode()) for part in parts))
    if not _matches(given[len(signature.prefix) :], made, signature.encoding):
        return False
    if signature.timestamp is not None and not _fresh(stamp, signature.timestamp, wall):
        raise _Stale
    return True


def _stripe(secret: str, sent: Sent, wall: datetime) -> bool:
    """docs.stripe.com/webhooks: HMAC over the time stamp, a dot and the body, with the whole `whsec_…` as the key."""
    pairs = [part.strip().partition("=") for part in sent.headers.get("stripe-signature", "").split(",")]
    stamp = next((text for name, _, text in pairs if name == "t"), "")
    made = _signed(secret.encode(), stamp.encode() + b"." + sent.body)
    given = [text for name, _, text in pairs if name == "v1"][:_MOST_SIGNATURES]
    if not any(_matches(text, made, "hex") for text in given):
        return False
    if not _fresh(stamp, _STANDARD, wall):
        raise _Stale
    return True


def _standard(secret: str, sent: Sent, wall: datetime) -> bool:
    """standardwebhooks.com: HMAC over id, time stamp and body; the key is the base64 behind `whsec_`."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (ValueError, binascii.Error):
        return False
    number, stamp = sent.headers.get("webhook-id", ""), sent.headers.get("webhook-timestamp", "")
    if not key or not number:
        return False
    made = _signed(key, f"{number}.{stamp}.".encode() + sent.body)
    given = [text.partition(",") for text in sent.headers.get("webhook-signature", "").split()][:_MOST_SIGNATURES]
    if not any(version == "v1" and _matches(text, made, "base64") for version, _, text in given):
        return False
    if not _fresh(stamp, _STANDARD, wall):
        raise _Stale
    return True


def _token(signature: Signature, sent: Sent) -> str:
    if signature.header is not None:
        given = sent.headers.get(signature.header, "").strip()
        return given.removeprefix(signature.prefix) if given.startswith(signature.prefix) else ""
    if signature.query is not None:
        try:
            pairs = parse_qsl(sent.query, max_num_fields=50)
        except ValueError:
            return ""
        return next((text for name, text in pairs if name == signature.query), "")
    try:
        found = look(signature.path or "", read_json(sent.body))
    except Unreadable:
        return ""
    return found if isinstance(found, str) else ""


def _signed(key: bytes, said: bytes) -> bytes:
    return hmac.new(key, said, sha256).digest()


def _matches(given: str, made: bytes, encoding: Literal["hex", "base64"]) -> bool:
    expected = made.hex() if encoding == "hex" else base64.b64encode(made).decode()
    return _same(given.strip().lower() if encoding == "hex" else given.strip(), expected)


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (ValueError, binascii.Error):
        return ""


def _fresh(stamp: str, how: Timestamp, wall: datetime) -> bool:
    try:
        if how.unit == "iso":
            at = datetime.fromisoformat(stamp)
            at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
        else:
            at = datetime.fromtimestamp(int(stamp) / (1000 if how.unit == "milliseconds" else 1), UTC)
        return abs(wall - at) <= how.tolerance
    except (ValueError, OverflowError, OSError):
        return False
