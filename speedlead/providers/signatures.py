"""Was this webhook really sent by our provider? Pure functions over the raw request; odd input is False, no error.

Both need the bytes as they came: a re-serialised body has another signature.
"""

import base64
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from twilio.request_validator import HMAC_SHA1, RequestValidator

_MAX_FIELDS = 500
_AHEAD = timedelta(minutes=5)  # what two honest clocks may differ by


class _Form(dict[str, list[str]]):
    """A form whose fields may repeat, in the shape RequestValidator asks for."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def verify_twilio(secret: str, url: str, body: bytes, signature: str | None, algorithm: str = HMAC_SHA1) -> bool:
    """Checks X-Twilio-Signature: HMAC_SHA1 by an auth token, HMAC_SHA256 by a shared key.

    `url` is the public base plus the raw path and raw query, never a URL rebuilt behind a proxy. A JSON body is
    recognised by `bodySHA256` in the query, anything else is read as a form in which blank values count.
    """
    if not secret or not signature:  # an empty token would make signatures that anybody can compute
        return False
    try:
        validator = RequestValidator(secret)
        if "bodySHA256" in parse_qs(urlsplit(url).query):
            return bool(validator.validate(url, body.decode("utf-8"), signature, algorithm))
        form = _Form()
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
        for name, value in pairs:
            form.setdefault(name, []).append(value)
        return bool(validator.validate(url, form, signature, algorithm))
    except Exception:
        return False


def verify_sendgrid(public_key: str, body: bytes, signature: str | None, timestamp: str | None) -> bool:
    """Checks X-Twilio-Email-Event-Webhook-Signature: ECDSA P-256 / SHA-256 over the timestamp and the raw body.

    `public_key` is base64 DER as SendGrid shows it. Its age is a question of its own: `is_fresh`.
    """
    if not public_key or not signature or not timestamp:
        return False
    try:
        signed = base64.b64decode(signature, validate=True)
        _public_key(public_key).verify(signed, timestamp.encode("ascii") + body, ec.ECDSA(SHA256()))
    except Exception:
        return False
    return True


def is_fresh(timestamp: str, wall: datetime, oldest: timedelta) -> bool:
    """Is a signature's time stamp (seconds since 1970) neither older than `oldest` nor ahead of our clock?"""
    try:
        signed = datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        return False
    return wall - oldest <= signed <= wall + _AHEAD


@lru_cache(maxsize=8)
def _public_key(value: str) -> ec.EllipticCurvePublicKey:
    key = load_der_public_key(base64.b64decode(value, validate=True))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("webhook key: expected an EC public key")
    return key
