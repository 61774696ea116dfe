"""What is left of an address or a number after an erasure: a keyed hash, so that an opt-out still holds.

Without the installation's secret nobody can try out numbers against it; marks of two installations have nothing in
common.
"""

import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marks:
    email: bytes | None = None
    phone: bytes | None = None


NO_MARKS = Marks()


def mark_of(secret: bytes, contact: str) -> bytes:
    """32 bytes. `contact`: an e-mail address in lower case, or a number in E.164 form."""
    return hmac.digest(secret, b"contact:" + contact.encode(), hashlib.sha256)


def marks_of(secret: bytes, email: str | None, phone: str | None) -> Marks:
    return Marks(mark_of(secret, email) if email else None, mark_of(secret, phone) if phone else None)
