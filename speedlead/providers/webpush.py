"""Web push to browsers and phones: RFC 8030 (the request), 8291 (encryption), 8292 (who we are, VAPID).

The push service is chosen by the browser, so its address comes from outside: it must be https on a public host.
"""

import base64
import json
import socket
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from speedlead.domain.alert import Alert, cut
from speedlead.ports import SendError, SendErrorKind
from speedlead.providers.hooks import post
from speedlead.providers.http import new_session
from speedlead.public_hosts import PublicResolver

# push services take 4096 bytes, encrypted; the envelope needs about 100 (RFC 8291 section 4)
_MOST_BYTES = 3500
_TOKEN_FOR_S = 12 * 3600  # RFC 8292: 24 hours at most
_CURVE = ec.SECP256R1()


@dataclass(frozen=True, slots=True)
class Device:
    """A browser that has subscribed; the keys are base64url as it gives them."""

    endpoint: str
    p256dh: str
    auth: str


class NoDevice(ValueError):
    """What a browser sent is no subscription; the text names the field and what was expected."""


def read_device(endpoint: str, p256dh: str, auth: str) -> Device:
    """Raises NoDevice."""
    refuse_address(endpoint)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, unb64(p256dh))
    except ValueError:
        raise NoDevice("p256dh: expected a P-256 public key, base64url") from None
    try:
        secret = unb64(auth)
    except ValueError:
        secret = b""
    if len(secret) != 16:
        raise NoDevice("auth: expected 16 bytes, base64url")
    return Device(endpoint, p256dh, auth)


def refuse_address(endpoint: str) -> None:
    """Raises NoDevice unless it is https on the usual port of a host that may be public."""
    parts = urlsplit(endpoint if len(endpoint) <= 2000 and endpoint.isascii() else "")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme != "https" or not parts.hostname or port not in (None, 443) or parts.username is not None:
        raise NoDevice("endpoint: expected an https address of a push service")
    host = parts.hostname.rstrip(".")
    if "." not in host or host.endswith((".localhost", ".local", ".internal")) or _is_literal(host):
        raise NoDevice("endpoint: expected the public name of a push service")


def _is_literal(host: str) -> bool:
    """An address instead of a name, in any way of writing that a socket takes (127.1, 0x7f000001)."""
    try:
        socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        return False
    return True


def public_session() -> aiohttp.ClientSession:
    """For addresses that come from outside. Close it at the end."""
    return new_session(connector=aiohttp.TCPConnector(resolver=PublicResolver()))


class PushKeys:
    """Our key pair, which the browsers subscribe to and the push services know us by.

    `private`: 32 bytes, base64url. `contact`: mailto: or https:, for the push service's people.
    """

    def __init__(self, private: str, contact: str) -> None:
        """Raises ValueError for anything but a private key of P-256."""
        number = int.from_bytes(unb64(private))
        if len(unb64(private)) != 32:
            raise ValueError("expected 32 bytes, base64url")
        self._key = ec.derive_private_key(number, _CURVE)
        self._contact = contact
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.public = b64(point)

    def header(self, endpoint: str) -> str:
        """The Authorization header for this push service."""
        from py_vapid import Vapid02  # only where something is pushed

        vapid = Vapid02()
        vapid.private_key = self._key
        parts = urlsplit(endpoint)
        until = int(time.time()) + _TOKEN_FOR_S
        signed = vapid.sign({"sub": self._contact, "aud": f"{parts.scheme}://{parts.netloc}", "exp": until})
        return str(signed["Authorization"])


async def send_push(
    session: aiohttp.ClientSession, keys: PushKeys, device: Device, alert: Alert, *, keep_s: int
) -> None:
    """`keep_s`: how long the push service keeps it for a phone that is off. Raises SendError.

    BAD_ADDRESS: the browser has let go of its subscription (404, 410).
    """
    headers = {
        "Authorization": keys.header(device.endpoint),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(keep_s),
        "Urgency": "high" if alert.urgent else "normal",
        # the same message, sent twice, replaces itself while it waits: 32 characters at most
        "Topic": alert.key.replace("-", "")[:32],
    }
    await post(
        session,
        device.endpoint,
        data=encrypted(device, push_message(alert)),
        headers=headers,
        gone=SendErrorKind.BAD_ADDRESS,
        gone_at=frozenset({404, 410}),
    )


def push_message(alert: Alert) -> bytes:
    """What `static/push-worker.js` shows."""
    lines = [value for _, value in alert.facts] + ([alert.said] if alert.said else [])
    shown = {"title": alert.title, "url": alert.url, "button": alert.button, "tag": alert.key, "urgent": alert.urgent}
    for most in (600, 300, 100):
        body = json.dumps(shown | {"body": cut(" · ".join(lines), most)}, ensure_ascii=False).encode()
        if len(body) <= _MOST_BYTES:
            return body
    raise SendError(SendErrorKind.CONTENT, "not sent (too long)")


def encrypted(device: Device, body: bytes) -> bytes:
    import http_ece

    secret: bytes = http_ece.encrypt(
        body,
        private_key=ec.generate_private_key(_CURVE),
        dh=unb64(device.p256dh),
        auth_secret=unb64(device.auth),
        version="aes128gcm",
    )
    return secret


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Raises ValueError."""
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
