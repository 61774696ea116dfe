"""Which keys this installation has, and the converter that its clients, workers and commands share."""

from typing import Any

import asyncpg
from temporalio.converter import DataConverter

from speedlead.credentials import Credentials
from speedlead.payload_keys import SETTING, PayloadKeys, parse_keys
from speedlead.settings import Settings
from speedlead.store.lead_keys import salts_in
from speedlead.temporal import encrypting

# the id of the key that the installation made for itself
OWN_KEY = "own"


def raw_keys_of(settings: Settings, credentials: Credentials) -> dict[str, bytes]:
    if settings.payload_keys is not None:
        return parse_keys(settings.payload_keys.get_secret_value())
    return {OWN_KEY: bytes.fromhex(credentials.payload_key.get_secret_value())}


def keys_of(settings: Settings, credentials: Credentials) -> PayloadKeys:
    unset = f"{SETTING} (not set: the key in the data folder alone)"
    return PayloadKeys(raw_keys_of(settings, credentials), SETTING if settings.payload_keys is not None else unset)


def converter_of(settings: Settings, credentials: Credentials, pool: "asyncpg.Pool[Any]") -> DataConverter:
    return encrypting(keys_of(settings, credentials), salts_in(pool), encrypts=settings.payload_encryption)
