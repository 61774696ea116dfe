"""Addresses and secrets of endpoints at rest: encrypted by the key that also encrypts what Temporal carries."""

import base64
import json
import os
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidTag

from speedlead.domain.hooks import Secrets
from speedlead.payload_keys import PayloadKeys

_NONCE = 12


@dataclass(frozen=True, slots=True)
class Private:
    """What of an endpoint nobody may read in the database: an address may hold a token."""

    url: str
    secrets: Secrets


def seal(keys: PayloadKeys, endpoint_id: str, private: Private) -> str:
    """`<key id>:<base64>`; it opens for this endpoint alone."""
    known, nonce = private.secrets, os.urandom(_NONCE)
    text = json.dumps([private.url, known.secret, [[old, until.isoformat()] for old, until in known.old]])
    cipher = keys.cipher(keys.newest, None, None)
    sealed = cipher.encrypt(nonce, text.encode(), _about(endpoint_id))
    return f"{keys.newest}:{base64.b64encode(nonce + sealed).decode()}"


def unseal(keys: PayloadKeys, endpoint_id: str, sealed: str) -> Private:
    """Raises UnknownKey."""
    key_id, _, text = sealed.partition(":")
    raw = base64.b64decode(text)
    try:
        plain = keys.cipher(key_id, None, None).decrypt(raw[:_NONCE], raw[_NONCE:], _about(endpoint_id))
    except InvalidTag:
        raise keys.wrong(key_id) from None
    url, secret, former = json.loads(plain)
    return Private(url, Secrets(secret, tuple((old, datetime.fromisoformat(until)) for old, until in former)))


def is_newest(keys: PayloadKeys, sealed: str) -> bool:
    return sealed.partition(":")[0] == keys.newest


def _about(endpoint_id: str) -> bytes:
    return b"speedlead webhook endpoint " + endpoint_id.encode()
