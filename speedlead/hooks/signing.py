"""Signatures of Standard Webhooks 1.0: HMAC-SHA256 over id, time and body, one for each secret in use."""

import base64
import binascii
import hashlib
import hmac
import secrets as chance
from collections.abc import Iterable
from datetime import datetime

PREFIX = "whsec_"
# the standard: between 24 and 64 bytes
_LEAST, _MOST, _OURS = 24, 64, 32


def new_secret() -> str:
    return PREFIX + base64.b64encode(chance.token_bytes(_OURS)).decode()


def key_of(secret: str) -> bytes:
    """Raises ValueError with what was expected, never with the secret."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not _LEAST <= len(key) <= _MOST:
        raise ValueError(f"expected {PREFIX} and {_LEAST} to {_MOST} bytes in base64")
    return key


def headers_of(event_id: str, at: datetime, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """`at`: wall time of this request; receivers refuse what is five minutes off."""
    stamp = str(int(at.timestamp()))
    signed = b".".join((event_id.encode(), stamp.encode(), body))
    marks = (hmac.digest(key_of(secret), signed, hashlib.sha256) for secret in secrets)
    return {
        "webhook-id": event_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join("v1," + base64.b64encode(mark).decode() for mark in marks),
    }
