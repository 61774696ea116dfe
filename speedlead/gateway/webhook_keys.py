"""Which secrets may have signed a webhook. Two may be valid at once, while they are changed; each has a name."""

from dataclasses import dataclass, field
from typing import Literal

from speedlead.credentials import Credentials
from speedlead.settings import Settings

FLOW_CHECK = "flow check"


@dataclass(frozen=True, slots=True)
class Key:
    """`name` is what is stored with a request and shown by `speedlead doctor`, never the secret."""

    name: str
    secret: str = field(repr=False)
    algorithm: Literal["HMAC_SHA1", "HMAC_SHA256", "ECDSA"]


def twilio_keys(settings: Settings, credentials: Credentials) -> tuple[Key, ...]:
    """The auth token signs HMAC-SHA1, a shared key HMAC-SHA256. Which is which is our configuration, not a header's."""
    if settings.twilio_auth_token is None:
        keys = [Key("sandbox", credentials.sandbox_twilio_auth_token.get_secret_value(), "HMAC_SHA1")]
    else:
        keys = [Key("auth token", settings.twilio_auth_token.get_secret_value(), "HMAC_SHA1")]
    if settings.twilio_auth_token_other is not None:
        keys.append(Key("other auth token", settings.twilio_auth_token_other.get_secret_value(), "HMAC_SHA1"))
    if settings.twilio_webhook_shared_key is not None:
        keys.append(Key("shared key", settings.twilio_webhook_shared_key.get_secret_value(), "HMAC_SHA256"))
    return tuple(keys)


def sendgrid_keys(settings: Settings, credentials: Credentials) -> tuple[Key, ...]:
    """None for an account of one's own without a configured key: then no webhook of SendGrid is believed."""
    if settings.sendgrid_webhook_public_key is not None:
        found = [part.strip() for part in settings.sendgrid_webhook_public_key.split(",") if part.strip()]
        return tuple(Key(f"key {number}", key, "ECDSA") for number, key in enumerate(found, 1))
    return (Key("sandbox", credentials.sandbox_sendgrid_public_key, "ECDSA"),) if settings.uses_sandbox else ()


def flow_check_keys(settings: Settings, credentials: Credentials) -> tuple[Key, ...]:
    """Beside an account of one's own: this installation's key, which is believed about its flow checks alone."""
    key = Key(FLOW_CHECK, credentials.sandbox_sendgrid_public_key, "ECDSA")
    return () if settings.uses_sandbox else (key,)
