"""Where the house is: its folder, its database, its addresses, and what its doors take."""

import ipaddress
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote, unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator, model_validator

from speedlead.settings.base import PREFIX, Count, Names, Networks, Place, Port, Room, WebAddress


def _is_loopback(host: str) -> bool:
    """Raises ValueError for what is neither an address nor localhost."""
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def _origins(items: list[str]) -> list[str]:
    from speedlead.widget.origins import parse_origins

    parse_origins(items)
    return items


class Places(Room):
    data_dir: Place = Field(Path(".speedlead"), description="Folder for the embedded servers, logs and credentials")
    database_password: SecretStr | None = Field(
        None, description="Password for the database, when SPEEDLEAD_DATABASE_URL holds none"
    )
    database_url: SecretStr | None = Field(None, description="PostgreSQL 15 or newer; empty starts the embedded one")
    http_host: str = Field(
        "127.0.0.1", description="Address the gateway listens on; beyond loopback only behind a proxy with https"
    )
    http_port: Port = Field(8080, description="Port of the gateway: intake, webhooks, pages")
    sandbox_port: Port = Field(8090, description="Port of the provider stand-in and its inbox page")
    public_url: WebAddress = Field(
        default_factory=lambda data: f"http://127.0.0.1:{data.get('http_port', 8080)}",
        description="Address under which providers and leads reach the gateway; signatures are checked against it",
        json_schema_extra={"default_text": "http://127.0.0.1:{http_port}"},
    )
    staff_url: WebAddress = Field(
        default_factory=lambda data: data.get("public_url", ""),
        description="Address under which our own people open its pages: sign-in links, alerts, company sign-in; "
        "https, or this machine",
        json_schema_extra={"default_text": "{public_url}"},
    )
    trusted_proxies: Networks = Field(
        default_factory=list, description="Networks (CIDR, comma separated) whose X-Forwarded-For is believed"
    )

    intake_rate_per_minute_address: Count = Field(60, description="Inquiries a minute from one network address")
    intake_rate_per_minute_key: Count = Field(6000, description="Inquiries a minute with one API key")
    intake_max_bytes: Count = Field(65536, description="Largest inquiry, in bytes")
    widget_origins: Annotated[Names, AfterValidator(_origins)] = Field(
        default_factory=list,
        description="Sites (origins, comma separated) whose forms the widget may send; form=origin for one form alone",
    )

    @field_validator("http_host")
    @classmethod
    def _host_address(cls, value: str) -> str:
        try:
            _is_loopback(value)
        except ValueError:
            raise ValueError("an IP address such as 127.0.0.1") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is not None and urlsplit(value.get_secret_value()).scheme not in ("postgresql", "postgres"):
            raise ValueError("an address like postgresql://user:password@host/database")
        password = info.data.get("database_password")
        if value is None or password is None:
            return value
        parts, plain = urlsplit(value.get_secret_value()), password.get_secret_value()
        if not parts.username or (parts.password and unquote(parts.password) != plain):
            raise ValueError(f"a user and no password beside {PREFIX}DATABASE_PASSWORD")
        host = parts.netloc.rpartition("@")[2]
        netloc = f"{quote(unquote(parts.username), safe='')}:{quote(plain, safe='')}@{host}"
        return SecretStr(parts._replace(netloc=netloc).geturl())

    @field_validator("public_url")
    @classmethod
    def _no_underscore(cls, value: str) -> str:
        if "_" in (urlsplit(value).hostname or ""):
            raise ValueError("a host without an underscore: Twilio refuses status callbacks to such a host")
        return value

    @model_validator(mode="after")
    def _nothing_travels_plainly(self) -> Self:
        if self.database_password is not None and self.database_url is None:
            raise ValueError(f"{PREFIX}DATABASE_URL: expected a value as well when {PREFIX}DATABASE_PASSWORD is set")
        if not (_is_loopback(self.http_host) or (self.public_url.startswith("https://") and self.trusted_proxies)):
            raise ValueError(
                f"{PREFIX}HTTP_HOST: expected a loopback address such as 127.0.0.1, got {self.http_host!r}: passwords "
                f"and sessions must not travel plainly. Behind a proxy with https set {PREFIX}PUBLIC_URL (https) and "
                f"{PREFIX}TRUSTED_PROXIES as well"
            )
        staff = urlsplit(self.staff_url)
        local = staff.hostname in ("127.0.0.1", "localhost", "::1")
        if "staff_url" in self.model_fields_set and staff.scheme != "https" and not local:
            raise ValueError(
                f"{PREFIX}STAFF_URL: expected https, or this machine such as http://127.0.0.1:8082, got "
                f"{self.staff_url!r}: passwords and sessions must not travel plainly"
            )
        return self

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"
