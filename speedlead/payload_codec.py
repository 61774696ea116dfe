"""Encrypts what Temporal carries: AES-256-GCM, under a key of the lead whose workflow it is.

Which lead that is comes from the SDK, which names the workflow to a codec that asks for it (serialization context). A
payload says the id of its key and its lead, both authenticated. When the lead was erased its salt is gone: its payloads
then read "[erased]".
"""

import os
import time
from collections import OrderedDict
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from speedlead.ids import lead_of_workflow
from speedlead.lead_salts import take_fresh
from speedlead.payload_keys import PayloadKeys, Salt

ENCODING = b"binary/encrypted"
UNREADABLE = b"binary/unreadable"
ERASED = Payload(metadata={"encoding": b"json/plain", "erased": b"true"}, data=b'"[erased]"')
_NONCE_BYTES = 12
_MOST_CIPHERS = 5000
# how long another process may still read what was erased here
_FORGET_AFTER_S = 600.0


class LeadCiphers:
    """The keys in use, by key id and lead: looked up once in a while, not for each payload."""

    def __init__(self, keys: PayloadKeys, salt: Salt) -> None:
        self._keys = keys
        self._salt = salt
        self._known: OrderedDict[tuple[str, str | None], tuple[AESGCM, float]] = OrderedDict()

    @property
    def newest(self) -> str:
        return self._keys.newest

    async def of(self, key_id: str, lead_id: str | None) -> AESGCM | None:
        """None when the lead's key was destroyed. Raises UnknownKey, and what the database raises."""
        found = self._known.get((key_id, lead_id))
        if found is not None and time.monotonic() < found[1]:
            return found[0]
        salt = None
        if lead_id is not None:
            salt = take_fresh(lead_id) or await self._salt(lead_id)
            if salt is None:
                return None
        cipher = self._keys.cipher(key_id, lead_id, salt)
        self._known[key_id, lead_id] = cipher, time.monotonic() + _FORGET_AFTER_S
        while len(self._known) > _MOST_CIPHERS:
            self._known.popitem(last=False)
        return cipher

    def wrong(self, key_id: str) -> Exception:
        return self._keys.wrong(key_id)


class LeadCodec(PayloadCodec, WithSerializationContext):
    """Without a context, as in the codec server, new payloads get the installation's own key."""

    def __init__(self, ciphers: LeadCiphers, lead_id: str | None = None, *, encrypts: bool = True) -> None:
        self._ciphers = ciphers
        self._lead_id = lead_id
        self._encrypts = encrypts

    def with_context(self, context: SerializationContext) -> "LeadCodec":
        if isinstance(context, (WorkflowSerializationContext, ActivitySerializationContext)):
            return LeadCodec(self._ciphers, _lead_of(context.workflow_id), encrypts=self._encrypts)
        return self

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        if not self._encrypts:
            return list(payloads)
        key_id, lead_id = self._ciphers.newest, self._lead_id
        cipher = await self._ciphers.of(key_id, lead_id)
        if cipher is None:  # a workflow that ends after its lead was erased must not stand still
            lead_id, cipher = None, await self._ciphers.of(key_id, None)
        assert cipher is not None
        return [_sealed(payload, cipher, key_id, lead_id) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Raises UnknownKey: with the key in its place the same payload is read by the next try."""
        return [await self._open(payload) for payload in payloads]

    async def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id, lead = payload.metadata.get("key-id", b""), payload.metadata.get("lead", b"")
        if not key_id or len(payload.data) <= _NONCE_BYTES or not (key_id + lead).isascii():
            # nobody's key will ever open it: whoever reads it refuses it with a reason, and the workflow goes on
            return Payload(metadata={"encoding": UNREADABLE}, data=b"an encrypted payload without key-id or content")
        cipher = await self._ciphers.of(key_id.decode(), lead.decode() or None)
        if cipher is None:
            return ERASED
        try:
            plain = cipher.decrypt(payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:], _bound(key_id, lead))
        except InvalidTag:
            raise self._ciphers.wrong(key_id.decode()) from None
        return Payload.FromString(plain)


def _sealed(payload: Payload, cipher: AESGCM, key_id: str, lead_id: str | None) -> Payload:
    key, lead, nonce = key_id.encode(), (lead_id or "").encode(), os.urandom(_NONCE_BYTES)
    metadata = {"encoding": ENCODING, "key-id": key} | ({"lead": lead} if lead else {})
    return Payload(
        metadata=metadata, data=nonce + cipher.encrypt(nonce, payload.SerializeToString(), _bound(key, lead))
    )


def _bound(key_id: bytes, lead: bytes) -> bytes:
    return key_id + b"\0" + lead


def _lead_of(workflow_id: str | None) -> str | None:
    try:
        return lead_of_workflow(workflow_id or "")
    except ValueError:
        return None
