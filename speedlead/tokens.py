"""Short signed tokens for links and reply addresses: they name a row and cannot be made up.

A token is lower-case base32 because mail systems change the case of what stands before the @, and 45 characters long
because that part may hold 64. It does not expire: an unsubscribe link has to work for as long as the mail is kept.
"""

import base64
import hashlib
import hmac
import uuid

_MAC_BYTES = 12
_TOKEN_CHARS = 45


def make_token(secret: bytes, kind: str, row_id: str) -> str:
    """`kind` keeps purposes apart (`reply`, `unsubscribe`); `row_id` is a UUID. Raises ValueError for another id."""
    identity = uuid.UUID(row_id).bytes
    return base64.b32encode(identity + _mac(secret, kind, identity)).decode().rstrip("=").lower()


def read_token(secret: bytes, kind: str, token: str) -> str | None:
    """The id in a token of this kind, whatever its case; None when it is not one of ours."""
    if len(token) != _TOKEN_CHARS or not token.isascii():
        return None
    try:
        raw = base64.b32decode(token.upper() + "===")
    except ValueError:
        return None
    identity, mac = raw[:16], raw[16:]
    if not hmac.compare_digest(mac, _mac(secret, kind, identity)):
        return None
    return str(uuid.UUID(bytes=identity))


def _mac(secret: bytes, kind: str, identity: bytes) -> bytes:
    return hmac.digest(secret, b"speedlead token\0" + kind.encode() + b"\0" + identity, hashlib.sha256)[:_MAC_BYTES]
