"""Who may sign in, and how: passwords, or the company's own identity provider (docs/security.md)."""

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from speedlead.settings.base import PREFIX, Room, Switch


def parse_roles(text: str) -> dict[str, str]:
    """Group -> role of `sales=rep,leads=manager`, in that order. Raises ValueError."""
    from speedlead.gateway.access.table import Role

    found: dict[str, str] = {}
    for part in text.split(","):
        group, equals, role = (piece.strip() for piece in part.rpartition("="))
        if not equals or not group or role not in list(Role):
            raise ValueError(f"group=role pairs, separated by commas, with one of the roles {', '.join(Role)}")
        if group in found:
            raise ValueError(f"each group once; {group} stands twice")
        found[group] = role
    return found


class SignIn(Room):
    oidc_issuer: str | None = Field(None, description="OpenID Connect issuer, https, as its discovery document has it")
    oidc_client_id: str | None = Field(None, description="Our client id there")
    oidc_client_secret: SecretStr | None = Field(None, description="Our client secret there; a public client has none")
    oidc_roles: str | None = Field(
        None, description="group=role, comma separated, the first that fits counts: who gets an account by signing in"
    )
    oidc_groups_claim: str = Field("groups", min_length=1, description="Claim of the ID token with somebody's groups")
    local_sign_in: Switch = Field(True, description="Whether passwords open accounts; a sign-in link does in any case")

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)  # kept to the letter, a slash at the end too: it is compared with tokens
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not (parts.scheme == "https" or local) or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("an address like https://login.example.com")
        return value

    @field_validator("oidc_roles")
    @classmethod
    def _roles(cls, value: str | None) -> str | None:
        if value is not None:
            parse_roles(value)
        return value

    @model_validator(mode="after")
    def _one_way_in_is_left(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            name = "ISSUER" if self.oidc_issuer is None else "CLIENT_ID"
            raise ValueError(f"{PREFIX}OIDC_{name}: expected a value as well: issuer and client id belong together")
        if not self.local_sign_in and self.oidc_issuer is None:
            raise ValueError(f"{PREFIX}LOCAL_SIGN_IN: expected true while no {PREFIX}OIDC_ISSUER is set")
        return self
