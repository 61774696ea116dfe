"""The keys of payloads: several of them, the newest first, and each lead's own key made of it and the lead's salt."""

import base64
import re
from collections.abc import Awaitable, Callable, Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
SETTING = "SPEEDLEAD_PAYLOAD_KEYS"
_LINE = re.compile(r"(?P<id>[A-Za-z0-9_.-]{1,32}):(?P<key>\S+)")

Salt = Callable[[str], Awaitable[bytes | None]]
"""The salt of a lead; None when it was destroyed, or there is no such lead."""


class UnknownKey(Exception):
    """A payload whose key is not among ours; the message names its id and the setting."""


class PayloadKeys:
    """`keys`: id -> 32 bytes, at least one, of which the first encrypts and all decrypt; `source` is for messages."""

    def __init__(self, keys: Mapping[str, bytes], source: str = SETTING) -> None:
        self._keys = dict(keys)
        self._source = source

    @property
    def newest(self) -> str:
        return next(iter(self._keys))

    def cipher(self, key_id: str, lead_id: str | None, salt: bytes | None) -> AESGCM:
        """Of one lead, or of the installation where no lead is known. Raises UnknownKey."""
        master = self._keys.get(key_id)
        if master is None:
            raise UnknownKey(f"payload key {key_id!r} is not in {self._source}, which has {', '.join(self._keys)}: "
                             "put it back behind the newest one")  # fmt: skip
        about = b"speedlead payload of " + (f"lead {lead_id}" if lead_id else "the installation").encode()
        return AESGCM(HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=about).derive(master))

    def wrong(self, key_id: str) -> UnknownKey:
        return UnknownKey(f"payload key {key_id!r} in {self._source} is another than the one that encrypted this "
                          "payload, or the payload was changed")  # fmt: skip


def parse_keys(text: str) -> dict[str, bytes]:
    """`id:key` one a line or between commas, the key 32 bytes in base64; # begins a comment.

    Raises ValueError with what was expected, and never with a key.
    """
    found: dict[str, bytes] = {}
    lines = (part.strip() for line in text.splitlines() for part in line.partition("#")[0].split(","))
    for number, line in enumerate((line for line in lines if line), start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise ValueError(f"id:key for key number {number}, the id of letters, digits, dots and dashes")
        try:
            key = base64.b64decode(match["key"], validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise ValueError(f"{KEY_BYTES} bytes in base64 for key {match['id']!r} (openssl rand -base64 {KEY_BYTES})")
        if match["id"] in found:
            raise ValueError(f"each id once; {match['id']!r} stands twice")
        found[match["id"]] = key
    if not found:
        raise ValueError("at least one id:key")
    return found
