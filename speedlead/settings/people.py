"""Where people of ours are told, besides their page."""

import re

from pydantic import Field, SecretStr, field_validator

from speedlead.settings.base import Room


def hooks_of(value: SecretStr | None) -> dict[str, str]:
    """Team -> address; the team "" is everybody else's. Raises ValueError."""
    found: dict[str, str] = {}
    for part in value.get_secret_value().split(",") if value is not None else ():
        match = re.fullmatch(r"(?:([\w.-]+)=)?(https://[^\s/]+\.[^\s/]+/\S*)", part.strip())
        if match is None:
            raise ValueError("addresses like https://… or team=https://…, separated by commas")
        team, address = match.groups(default="")
        if team in found:
            raise ValueError(f"one address for each team; there are two for {team or 'everybody else'}")
        found[team] = address
    return found


class People(Room):
    slack_webhook_url: SecretStr | None = Field(
        None, description="Slack incoming webhook; of one team only: team=https://…; several with commas"
    )
    teams_webhook_url: SecretStr | None = Field(
        None, description="Workflows webhook of a Microsoft Teams channel; teams and several as for Slack"
    )
    vapid_private_key: SecretStr | None = Field(
        None, description="Key for web push (32 bytes, base64url); empty uses the one in the data folder"
    )
    vapid_subject: str | None = Field(
        None, description="mailto: or https: address that push services may write to; empty is the sender of mails"
    )

    @field_validator("slack_webhook_url", "teams_webhook_url")
    @classmethod
    def _hooks(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            hooks_of(value)
        return value

    @field_validator("vapid_private_key")
    @classmethod
    def _push_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"[\w-]{43}=?", value.get_secret_value(), re.ASCII):
            raise ValueError("a private key of P-256: 32 bytes as base64url")
        return value

    @field_validator("vapid_subject")
    @classmethod
    def _contact(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"mailto:[^@\s]+@[^@\s]+\.[^@\s]+|https://\S+\.\S+", value):
            raise ValueError("an address like mailto:ops@example.com or https://example.com/contact")
        return value
