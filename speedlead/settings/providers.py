"""The accounts at Twilio and SendGrid, and what they take."""

import base64
import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from speedlead.settings.base import PREFIX, Count, Phone, Rate, Room, WebAddress

# how the DER form of every public key on that curve begins (RFC 5480), up to the two coordinates of 32 bytes each
_EC_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
_HOST = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?")


def _sid(prefix: str) -> AfterValidator:
    def check(value: str) -> str:
        if not re.fullmatch(f"{prefix}[0-9a-fA-F]{{32}}", value):
            raise ValueError(f"{prefix} and 32 hexadecimal digits")
        return value

    return AfterValidator(check)


class Providers(Room):
    twilio_account_sid: Annotated[str, _sid("AC")] | None = Field(
        None, description="Twilio account (AC…); empty uses the sandbox"
    )
    twilio_auth_token: SecretStr | None = Field(None, description="Twilio auth token; also verifies its webhooks")
    twilio_auth_token_other: SecretStr | None = Field(
        None, description="Second auth token that may sign webhooks, while tokens are changed"
    )
    twilio_webhook_shared_key: SecretStr | None = Field(
        None, description="Secret of a Twilio shared key that may sign webhooks (HMAC_SHA256)"
    )
    twilio_api_key_sid: Annotated[str, _sid("SK")] | None = Field(
        None, description="Twilio API key (SK…) that requests are made with instead of the auth token"
    )
    twilio_api_key_secret: SecretStr | None = Field(None, description="Secret of that API key")
    twilio_from: Phone = Field("+14155552671", description="Number that calls and texts come from, E.164")
    twilio_messaging_service_sid: Annotated[str, _sid("MG")] | None = Field(
        None, description="Messaging service (MG…) used instead of a number"
    )
    twilio_base_url: WebAddress | None = Field(
        None, description="Other address of the Twilio API, for a proxy or a test"
    )
    sendgrid_api_key: SecretStr | None = Field(None, description="SendGrid API key; empty uses the sandbox")
    sendgrid_from: str = Field("hello@speedlead.example", description="Sender address of acknowledgements")
    sendgrid_reply_domain: str | None = Field(
        None, description="Host of the Inbound Parse setting, where replies go; empty is the domain of the sender"
    )
    sendgrid_base_url: WebAddress | None = Field(
        None, description="Other address of the SendGrid API: https://api.eu.sendgrid.com, a proxy or a test"
    )
    sendgrid_webhook_public_key: str | None = Field(
        None, description="Public keys (base64, comma separated) that sign SendGrid's events and Inbound Parse"
    )
    sendgrid_unsubscribe_group: Count | None = Field(
        None, description="SendGrid unsubscribe group (asm group_id) of mails of the plan; empty: our own link alone"
    )
    webhook_max_age_hours: Count = Field(73, description="Hours after which a SendGrid signature is too old")
    webhook_keep_days: Count = Field(7, description="Days for which webhooks are kept as they came (personal data)")

    # what the accounts take; the sandbox takes more unless these are set
    mails_per_second: Rate = Field(100, description="Planned mails a second, of all workers together")
    texts_per_second: Rate = Field(
        1, description="Planned texts a second: long code 1, toll-free 3, alphanumeric 10, short code 30 and more"
    )
    calls_per_second: Rate = Field(1, description="Calls a second; 1 is what Twilio gives a new account")
    call_queue_limit_s: Rate = Field(
        5, description="Seconds for which Twilio may hold a call back before operations hear of it"
    )
    callbacks: Literal["late", "before"] = Field(
        "late", description="Whether the sandbox runs its callbacks after or before it answers (tests)"
    )

    @field_validator("sendgrid_from")
    @classmethod
    def _mailbox(cls, value: str) -> str:
        local, _, domain = value.rpartition("@")
        if not local or "." not in domain or any(c.isspace() for c in value):
            raise ValueError("an e-mail address")
        return value

    @field_validator("sendgrid_reply_domain")
    @classmethod
    def _host(cls, value: str | None) -> str | None:
        if value is not None and not _HOST.fullmatch(value):
            raise ValueError("a host name such as reply.example.com")
        return value and value.lower()

    @field_validator("sendgrid_webhook_public_key")
    @classmethod
    def _public_keys(cls, value: str | None) -> str | None:
        for part in value.split(",") if value is not None else ():
            try:
                key = base64.b64decode(part.strip(), validate=True)
            except ValueError:
                key = b""
            if not key.startswith(_EC_P256) or len(key) != len(_EC_P256) + 64:
                raise ValueError("public keys as SendGrid shows them (base64 of an EC P-256 key), separated by commas")
        return value

    @model_validator(mode="after")
    def _accounts_are_whole(self) -> Self:
        # half an account would send one channel to real people and the other into the sandbox
        given = {"twilio_account_sid": self.twilio_account_sid, "twilio_auth_token": self.twilio_auth_token,
                 "sendgrid_api_key": self.sendgrid_api_key}  # fmt: skip
        missing = [PREFIX + name.upper() for name, value in given.items() if value is None]
        if missing and len(missing) < len(given):
            raise ValueError(f"{missing[0]}: expected a value as well when another provider account is set "
                             "(all of them, or none for the sandbox)")  # fmt: skip
        if (self.twilio_api_key_sid is None) != (self.twilio_api_key_secret is None):
            name = "SID" if self.twilio_api_key_sid is None else "SECRET"
            raise ValueError(f"{PREFIX}TWILIO_API_KEY_{name}: expected a value as well: the key has both")
        # their defaults belong to nobody: no real person may get a message from them
        absent = [name for name in ("public_url", "twilio_from", "sendgrid_from") if name not in self.model_fields_set]
        if absent and not missing:
            raise ValueError(f"{PREFIX}{absent[0].upper()}: expected a value of your own with a provider account")
        return self

    @property
    def reply_domain(self) -> str:
        """Where replies to our mails go: the host of the Inbound Parse setting."""
        return self.sendgrid_reply_domain or self.sendgrid_from.rpartition("@")[2].lower()

    @property
    def uses_sandbox(self) -> bool:
        """True when no provider account is configured: the SDKs then talk to `speedlead sandbox`."""
        return self.twilio_account_sid is None
