"""Credentials of an installation, made at its first start and kept in `{data_dir}/credentials.json` (mode 0600).

No secret has a default in the code, so two installations never share one.
"""

import base64
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

FILE_NAME = "credentials.json"


class CredentialsError(Exception):
    """The file cannot be trusted or read; the message says what to do."""


class Credentials(BaseModel):
    """`secret` is 32 bytes as hex: it signs links and keys the hashes of suppressed addresses."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    api_key: SecretStr
    secret: SecretStr
    sandbox_twilio_account_sid: str
    sandbox_twilio_auth_token: SecretStr
    sandbox_sendgrid_api_key: SecretStr
    sandbox_sendgrid_signing_key: SecretStr
    """PEM of an EC P-256 private key: the sandbox signs its event webhook with it."""
    sandbox_sendgrid_public_key: str
    """base64 of the DER public key, the form in which SendGrid shows it."""
    push_private_key: SecretStr
    """32 bytes as base64url: the key of P-256 that browsers' push services know this installation by (VAPID)."""
    payload_key: SecretStr
    """32 bytes as hex: encrypts what Temporal carries, where no file of keys is set."""

    @property
    def secret_bytes(self) -> bytes:
        return bytes.fromhex(self.secret.get_secret_value())


@dataclass(frozen=True)
class _KeyPair:
    private_pem: str
    public_der_base64: str


def load_or_create(data_dir: Path) -> Credentials:
    """The same credentials for every process of `data_dir`, also when two start at once.

    Raises CredentialsError when others may read the file or it is damaged.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data_dir / FILE_NAME
    # the lock, not the file's presence, decides who creates: the loser then finds a whole file
    lock = os.open(data_dir / "credentials.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _write(path, _new())
        _complete(path)
        return _read(path)
    finally:
        os.close(lock)


def _read(path: Path) -> Credentials:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise CredentialsError(f"{path}: others may read it (mode {mode:04o}); run: chmod 600 '{path}'")
    try:
        return Credentials.model_validate_json(path.read_bytes())
    except ValidationError as error:
        fields = ", ".join(sorted({str(item["loc"][0]) if item["loc"] else "the JSON" for item in error.errors()}))
        raise CredentialsError(
            f"{path}: damaged ({fields}); restore it from a backup: a new one would forget who opted out"
        ) from None


def _complete(path: Path) -> None:
    """Adds what an older version did not have; a file that is wrong otherwise stays as it is, for `_read` to refuse."""
    try:
        values = json.loads(path.read_bytes())
        added = {name: make() for name, make in _ADDED.items() if name not in values}
        if not added or stat.S_IMODE(path.stat().st_mode) & 0o077:
            return
        whole = values | added
        Credentials.model_validate(whole)
    except (ValueError, TypeError):
        return
    _write(path, whole)


def _write(path: Path, values: dict[str, str]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(values, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _new() -> dict[str, str]:
    pair = _new_key_pair()
    return {
        "api_key": "sl_" + secrets.token_urlsafe(32),
        "secret": secrets.token_hex(32),
        "sandbox_twilio_account_sid": "AC" + secrets.token_hex(16),
        "sandbox_twilio_auth_token": secrets.token_hex(16),
        "sandbox_sendgrid_api_key": f"SG.{secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}",
        "sandbox_sendgrid_signing_key": pair.private_pem,
        "sandbox_sendgrid_public_key": pair.public_der_base64,
    } | {name: make() for name, make in _ADDED.items()}


def _new_push_key() -> str:
    from cryptography.hazmat.primitives.asymmetric import ec

    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return base64.urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode()


def _new_payload_key() -> str:
    return secrets.token_hex(32)


# what an older version did not have
_ADDED: dict[str, Callable[[], str]] = {"push_private_key": _new_push_key, "payload_key": _new_payload_key}


def _new_key_pair() -> _KeyPair:
    from cryptography.hazmat.primitives import serialization  # only at the very first start
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _KeyPair(private.decode(), base64.b64encode(public).decode())
