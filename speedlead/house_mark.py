"""Whether the secrets of this process are those by which its database was written: told by HMACs, never by a secret."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from speedlead.credentials import FILE_NAME, Credentials
from speedlead.payload_keys import SETTING
from speedlead.payloads import OWN_KEY, raw_keys_of
from speedlead.settings import Settings


class OtherHouse(Exception):
    """The database belongs to other secrets; the message names the file or setting and what to do."""


@dataclass(frozen=True)
class HouseMark:
    """`secret`: HMAC of the installation's secret; `payload_keys`: key id -> HMAC of the key. All hexadecimal."""

    secret: str
    payload_keys: Mapping[str, str]

    @classmethod
    def of(cls, settings: Settings, credentials: Credentials) -> Self:
        keys = raw_keys_of(settings, credentials)
        return cls(_mark(credentials.secret_bytes, "house"),
                   {key_id: _mark(key, f"payload key {key_id}") for key_id, key in keys.items()})  # fmt: skip

    def compare(self, recorded: Self, data_dir: Path) -> None:
        """Raises OtherHouse. Keys that only one side has are no contradiction: keys are changed one after the other."""
        file = data_dir / FILE_NAME
        if not hmac.compare_digest(self.secret, recorded.secret):
            raise OtherHouse(_refusal(str(file), "its secret", f"the {FILE_NAME}"))
        for key_id, mark in self.payload_keys.items():
            if not hmac.compare_digest(mark, recorded.payload_keys.get(key_id, mark)):
                own = self.payload_keys.keys() == {OWN_KEY}
                where, what = (str(file), "its payload_key") if own else (SETTING, f"the payload key {key_id!r}")
                raise OtherHouse(_refusal(where, what, f"the {FILE_NAME}" if own else "the key"))


def nothing_here(data_dir: Path) -> OtherHouse:
    """For who has no credentials at all, and would have to make some to be told that they are others."""
    return OtherHouse(f"{data_dir / FILE_NAME}: there is none, and this database has an owner: run this where the"
                      f" {FILE_NAME} is that it was written with, or say so by SPEEDLEAD_DATA_DIR")  # fmt: skip


def _mark(secret: bytes, about: str) -> str:
    return hmac.digest(secret, f"speedlead {about}".encode(), "sha256").hex()


def _refusal(where: str, what: str, right: str) -> str:
    return (f"{where}: {what} is another than the one that this database was written with: put {right} of the "
            "first host or of the backup there, or run `speedlead credentials accept` to go on with this one for good "
            "(docs/operations.md, Credentials)")  # fmt: skip
