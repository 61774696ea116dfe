"""Was this webhook really sent by our provider? Pure functions over the raw request; odd input is False, no error.

Both need the bytes as they came: a re-serialised body has another signature.
"""

import base64
from functools import lru_cache
from urllib.parse import parse_qs, parse_qsl, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from twilio.request_validator import RequestValidator

_MAX_FIELDS = 500


class _Form(dict[str, list[str]]):
    """A form whose fields may repeat, in the shape RequestValidator asks for."""

    def getlist(self, name: str) -> list[str]:
        return self[name]


def verify_twilio(auth_token: str, url: str, body: bytes, signature: str | None) -> bool:
    """Checks X-Twilio-Signature (HMAC-SHA1).

    `url` is the public base plus the raw path and raw query, never a URL rebuilt behind a proxy. A JSON body is
    recognised by `bodySHA256` in the query, anything else is read as a form in which blank values count.
    """
    if not auth_token or not signature:  # an empty token would make signatures that anybody can compute
        return False
    try:
        validator = RequestValidator(auth_token)
        if "bodySHA256" in parse_qs(urlsplit(url).query):
            return bool(validator.validate(url, body.decode("utf-8"), signature))
        form = _Form()
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
        for name, value in pairs:
            form.setdefault(name, []).append(value)
        return bool(validator.validate(url, form, signature))
    except Exception:
        return False


def verify_sendgrid(public_key: str, body: bytes, signature: str | None, timestamp: str | None) -> bool:
    """Checks X-Twilio-Email-Event-Webhook-Signature: ECDSA P-256 / SHA-256 over the timestamp and the raw body.

    `public_key` is base64 DER as SendGrid shows it. The age of the timestamp is not judged here: SendGrid retries for
    a day, and the events' own ids make repeats harmless.
    """
    if not public_key or not signature or not timestamp:
        return False
    try:
        signed = base64.b64decode(signature, validate=True)
        _public_key(public_key).verify(signed, timestamp.encode("ascii") + body, ec.ECDSA(SHA256()))
    except Exception:
        return False
    return True


@lru_cache(maxsize=8)
def _public_key(value: str) -> ec.EllipticCurvePublicKey:
    key = load_der_public_key(base64.b64decode(value, validate=True))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("webhook key: expected an EC public key")
    return key
