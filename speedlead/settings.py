"""Every setting of the product, read once from the environment and passed down as one object.

Only a `main()` reads the environment; everything else gets a `Settings`. A wrong value or an unknown `SPEEDLEAD_*`
variable (a typo) stops the process with one line per mistake, before anything has started.
"""

import base64
import ipaddress
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, unquote, urlsplit

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from speedlead.secret_files import SUFFIX, read_secret_files

PREFIX = "SPEEDLEAD_"

# how the DER form of every public key on that curve begins (RFC 5480), up to the two coordinates of 32 bytes each
_EC_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")

_HOST = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?")
_SIDS = {"twilio_account_sid": "AC", "twilio_messaging_service_sid": "MG", "twilio_api_key_sid": "SK"}

Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"expected": "a port number 1..65535"})]
Count = Annotated[int, Field(ge=1, json_schema_extra={"expected": "a whole number of at least 1"})]
Rate = Annotated[float, Field(gt=0, le=10_000, json_schema_extra={"expected": "a number above 0, at most 10000"})]


class SettingsError(Exception):
    """The environment is wrong; `lines` has one clear sentence per mistake, never a secret value."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


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


def _is_loopback(host: str) -> bool:
    """Raises ValueError for what is neither an address nor localhost."""
    return host == "localhost" or ipaddress.ip_address(host).is_loopback


def _either(name: str) -> AliasChoices:
    """Our name first, then the one that every Temporal tool reads."""
    return AliasChoices(PREFIX + name, name)


class Settings(BaseSettings):
    """What can be configured. Descriptions become the table in the README (`speedlead settings`)."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", populate_by_name=True
    )

    # where things are
    data_dir: Path = Field(Path(".speedlead"), description="Folder for the embedded servers, logs and credentials")
    database_password: SecretStr | None = Field(
        None, description="Password for the database, when SPEEDLEAD_DATABASE_URL holds none"
    )
    database_url: SecretStr | None = Field(None, description="PostgreSQL 15 or newer; empty starts the embedded one")
    http_host: str = Field(
        "127.0.0.1", description="Address the gateway listens on; beyond loopback only behind a proxy with https"
    )
    http_port: Port = Field(8080, description="Port of the gateway: intake, webhooks, pages")
    sandbox_port: Port = Field(8090, description="Port of the provider stand-in and its inbox page")
    temporal_port: Port = Field(7233, description="Port of the embedded Temporal server")
    temporal_ui_port: Port = Field(8233, description="Port of the embedded Temporal UI")
    temporal_address: str = Field(
        default_factory=lambda data: f"127.0.0.1:{data.get('temporal_port', 7233)}",
        validation_alias=_either("TEMPORAL_ADDRESS"),
        description="host:port of an outside Temporal server, also read from TEMPORAL_ADDRESS; empty starts one",
        json_schema_extra={"default_text": "127.0.0.1:{temporal_port}"},
    )
    temporal_namespace: str = Field(
        "default",
        validation_alias=_either("TEMPORAL_NAMESPACE"),
        description="Temporal namespace, also read from TEMPORAL_NAMESPACE",
    )
    temporal_api_key: SecretStr | None = Field(
        None,
        validation_alias=_either("TEMPORAL_API_KEY"),
        description="API key of that server (Temporal Cloud), also read from TEMPORAL_API_KEY",
    )
    temporal_tls: bool | None = Field(
        None,
        validation_alias=_either("TEMPORAL_TLS"),
        description="TLS to that server, also read from TEMPORAL_TLS; empty: with an API key or one of the files below",
        json_schema_extra={"expected": "true or false"},
    )
    temporal_tls_server_ca_cert_path: Path | None = Field(
        None,
        validation_alias=_either("TEMPORAL_TLS_SERVER_CA_CERT_PATH"),
        description="PEM of the authority that signed the server's certificate; empty: the usual ones",
    )
    temporal_tls_client_cert_path: Path | None = Field(
        None,
        validation_alias=_either("TEMPORAL_TLS_CLIENT_CERT_PATH"),
        description="PEM of our certificate (mTLS), with its chain",
    )
    temporal_tls_client_key_path: Path | None = Field(
        None, validation_alias=_either("TEMPORAL_TLS_CLIENT_KEY_PATH"), description="PEM of its private key"
    )
    temporal_tls_server_name: str | None = Field(
        None,
        validation_alias=_either("TEMPORAL_TLS_SERVER_NAME"),
        description="Name that the server's certificate must have; empty: the host of the address",
    )
    public_url: str = Field(
        default_factory=lambda data: f"http://127.0.0.1:{data.get('http_port', 8080)}",
        description="Address under which providers and leads reach the gateway; signatures are checked against it",
        json_schema_extra={"default_text": "http://127.0.0.1:{http_port}"},
    )
    staff_url: str = Field(
        default_factory=lambda data: data.get("public_url", ""),
        description="Address under which our own people open its pages: sign-in links, alerts, company sign-in; "
        "https, or this machine",
        json_schema_extra={"default_text": "{public_url}"},
    )
    trusted_proxies: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Networks (CIDR, comma separated) whose X-Forwarded-For is believed",
        json_schema_extra={"default_text": ""},
    )

    # intake
    intake_rate_per_minute_address: Count = Field(60, description="Inquiries a minute from one network address")
    intake_rate_per_minute_key: Count = Field(6000, description="Inquiries a minute with one API key")
    intake_max_bytes: Count = Field(65536, description="Largest inquiry, in bytes")
    widget_origins: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Sites (origins, comma separated) whose forms the widget may send; form=origin for one form alone",
        json_schema_extra={"default_text": ""},
    )

    # providers
    twilio_account_sid: str | None = Field(None, description="Twilio account (AC…); empty uses the sandbox")
    twilio_auth_token: SecretStr | None = Field(None, description="Twilio auth token; also verifies its webhooks")
    twilio_auth_token_other: SecretStr | None = Field(
        None, description="Second auth token that may sign webhooks, while tokens are changed"
    )
    twilio_webhook_shared_key: SecretStr | None = Field(
        None, description="Secret of a Twilio shared key that may sign webhooks (HMAC_SHA256)"
    )
    twilio_api_key_sid: str | None = Field(
        None, description="Twilio API key (SK…) that requests are made with instead of the auth token"
    )
    twilio_api_key_secret: SecretStr | None = Field(None, description="Secret of that API key")
    twilio_from: str = Field("+14155552671", description="Number that calls and texts come from, E.164")
    twilio_messaging_service_sid: str | None = Field(
        None, description="Messaging service (MG…) used instead of a number"
    )
    twilio_base_url: str | None = Field(None, description="Other address of the Twilio API, for a proxy or a test")
    sendgrid_api_key: SecretStr | None = Field(None, description="SendGrid API key; empty uses the sandbox")
    sendgrid_from: str = Field("hello@speedlead.example", description="Sender address of acknowledgements")
    sendgrid_reply_domain: str | None = Field(
        None, description="Host of the Inbound Parse setting, where replies go; empty is the domain of the sender"
    )
    sendgrid_base_url: str | None = Field(
        None, description="Other address of the SendGrid API: https://api.eu.sendgrid.com, a proxy or a test"
    )
    sendgrid_webhook_public_key: str | None = Field(
        None, description="Public keys (base64, comma separated) that sign SendGrid's events and Inbound Parse"
    )
    webhook_max_age_hours: Count = Field(73, description="Hours after which a SendGrid signature is too old")
    webhook_keep_days: Count = Field(7, description="Days for which webhooks are kept as they came (personal data)")

    flow_check: bool = Field(
        True,
        description="Whether a synthetic lead goes the whole way every five minutes and is measured",
        json_schema_extra={"expected": "true or false", "default_text": "true"},
    )

    # personal data (docs/personal-data.md)
    keep_leads_days: Count = Field(1095, description="Days after the last lead has closed until a person is erased")
    keep_story_days: Count = Field(400, description="Days after a lead has closed until its story is deleted")
    payload_encryption: bool = Field(
        True,
        description="Whether what Temporal carries is encrypted; what was encrypted stays readable without it",
        json_schema_extra={"expected": "true or false", "default_text": "true"},
    )
    payload_keys: SecretStr | None = Field(
        None, description="Keys for that, id:base64 each, the newest first; empty uses the one in the data folder"
    )
    temporal_ui_url: str | None = Field(
        None, description="Address of the Temporal UI, whose pages may ask /codec; empty: the embedded one"
    )

    # what the accounts take; the sandbox takes more unless these are set
    mails_per_second: Rate = Field(100, description="Planned mails a second, of all workers together")
    texts_per_second: Rate = Field(
        1, description="Planned texts a second: long code 1, toll-free 3, alphanumeric 10, short code 30 and more"
    )
    calls_per_second: Rate = Field(1, description="Calls a second; 1 is what Twilio gives a new account")

    call_queue_limit_s: Rate = Field(
        5, description="Seconds for which Twilio may hold a call back before operations hear of it"
    )
    sendgrid_unsubscribe_group: Count | None = Field(
        None, description="SendGrid unsubscribe group (asm group_id) of mails of the plan; empty: our own link alone"
    )

    # signing in at the company's own identity provider (docs/security.md)
    oidc_issuer: str | None = Field(None, description="OpenID Connect issuer, https, as its discovery document has it")
    oidc_client_id: str | None = Field(None, description="Our client id there")
    oidc_client_secret: SecretStr | None = Field(None, description="Our client secret there; a public client has none")
    oidc_roles: str | None = Field(
        None, description="group=role, comma separated, the first that fits counts: who gets an account by signing in"
    )
    oidc_groups_claim: str = Field("groups", min_length=1, description="Claim of the ID token with somebody's groups")
    local_sign_in: bool = Field(
        True,
        description="Whether passwords open accounts; a sign-in link does in any case",
        json_schema_extra={"expected": "true or false", "default_text": "true"},
    )
    calendar_networks: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Private networks (CIDR, comma separated) in which reps' calendars may be; else public ones only",
        json_schema_extra={"default_text": ""},
    )

    # webhooks that we send (docs/webhooks.md)
    hook_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Hosts and private networks (names, CIDR, comma separated) that webhooks may go to, also by http; "
        "else public hosts by https only",
        json_schema_extra={"default_text": ""},
    )
    hook_retry_days: int = Field(
        5, ge=1, le=30, description="Days after which an event that an endpoint does not take is given up"
    )
    hook_dead_days: int = Field(
        3, ge=1, le=30, description="Days of nothing but failures after which an endpoint is switched off"
    )
    keep_hook_days: int = Field(
        30, ge=1, le=365, description="Days for which events can be sent again and the log of webhooks is kept"
    )

    # what other systems tell us (docs/mappings.md)
    mappings_dir: Path | None = Field(
        None, description="Folder of mappings of your own; they go before the packaged ones of the same name"
    )
    mapping_secrets_dir: Path | None = Field(
        None,
        description="Folder with a file for each secret that senders sign with, named as the mapping says",
        json_schema_extra={"default_text": "{data_dir}/mapping-secrets"},
    )
    mappings_unsigned: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Mappings (comma separated) with the scheme none that take what anybody sends",
        json_schema_extra={"default_text": ""},
    )
    ticket_cost: str | None = Field(
        None, description="What a ticket of the helpdesk costs, such as 12.50 EUR, where its mapping does not say"
    )

    # where people of ours are told, besides their page
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

    # the product
    company_name: str = Field("Acme", min_length=1, description="Name in messages, pages and call scripts")
    company_phone: str | None = Field(None, description="Number that a lead may call, E.164, shown in acknowledgements")
    # the weekly review (docs/review.md)
    house_zone: str = Field("UTC", description="Time zone of the house, by which its weeks and goals are counted")
    review_at: str = Field("mon 07:00", description="When the review of the week before is composed and sent")
    review_mail: bool = Field(
        True,
        description="Whether managers and admins get it by mail; the page has it in any case",
        json_schema_extra={"expected": "true or false", "default_text": "true"},
    )
    plan_file: Path | None = Field(None, description="Plan to follow; empty uses the packaged inbound.yaml")
    law_file: Path | None = Field(
        None, description="File or folder of law rows of your own, laid over the packaged ones"
    )
    calendars_file: Path | None = Field(
        None, description="Business calendars: closures, half days, on-call cover; empty uses the packaged ones"
    )
    routing_file: Path | None = Field(
        None, description="Rules of routing: weights, what may be given up; empty uses the packaged ones"
    )
    lanes_file: Path | None = Field(
        None, description="Rules of what makes a lead hot, warm, cold or of low quality; empty uses the packaged ones"
    )
    # an outside source about companies (docs/enrichment.md)
    company_source_url: str | None = Field(
        None, description="Address that is asked about companies, with {domain} for that of their mail; empty: none"
    )
    company_source_fields: str = Field(
        "company=name,employees=employees,industry=industry,country=country",
        description="fact=path, comma separated: where in its JSON answer company, employees, industry and country are",
    )
    company_source_header: str = Field("Authorization", description="Header in which it gets its secret")
    company_source_secret: SecretStr | None = Field(
        None, description="That header's whole value, such as Bearer …; empty: none"
    )
    company_source_hosts: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Hosts and private networks (names, CIDR, comma separated) where it may be, also by http; "
        "else public hosts by https only",
        json_schema_extra={"default_text": ""},
    )
    booking: bool = Field(
        True,
        description="Offer leads a page on which they choose a time for a meeting",
        json_schema_extra={"expected": "true or false", "default_text": "true"},
    )
    booking_file: Path | None = Field(
        None, description="Rules of booking: length, notice, teams, reminders; empty uses the packaged ones"
    )
    quality_file: Path | None = Field(
        None, description="What contacts are reviewed by: share, criteria; empty uses the packaged ones"
    )
    caldav_file: Path | None = Field(
        None, description="Our people's calendars on CalDAV servers, with what opens them; empty: none"
    )
    calcom_webhook_secret: SecretStr | None = Field(
        None, description="Secret of the webhook at Cal.com; empty: its bookings are not taken over"
    )
    calendly_webhook_key: SecretStr | None = Field(
        None, description="Signing key of the webhook at Calendly; empty: its bookings are not taken over"
    )
    templates_dir: Path | None = Field(
        None, description="Folder of message templates and scripts of your own, laid over the packaged ones"
    )
    language: str = Field(
        "en",
        pattern="^[a-z]{2,3}$",
        description="Language of messages to leads who have asked for none that we write",
        json_schema_extra={"expected": "a language such as en"},
    )
    sms_segments: Annotated[int, Field(ge=1, le=10, json_schema_extra={"expected": "a number 1..10"})] = Field(
        3, description="Most segments that a text message may take"
    )
    callbacks: Literal["late", "before"] = Field(
        "late", description="Whether the sandbox runs its callbacks after or before it answers (tests)"
    )
    virtual_clock: bool = Field(
        False,
        description="Let the embedded Temporal server skip time (tests and demo only)",
        json_schema_extra={"expected": "true or false", "default_text": "false"},
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")
    worker_versioning: bool = Field(
        False,
        description="Tell Temporal which version of the code a worker runs; leads go to the one that is promoted",
        json_schema_extra={"expected": "true or false", "default_text": "false"},
    )
    restarts_at_once: Count = Field(
        20, description="Leads of another code that are started again from the records in one round, every 15 s"
    )
    watch_port: Port | None = Field(
        None, description="Port of a process for health, readiness and metrics, without a key; empty: none"
    )
    watch_host: str = Field("127.0.0.1", description="Address of that port; beyond loopback in a private network only")
    otlp_endpoint: str | None = Field(
        None,
        validation_alias=AliasChoices(PREFIX + "OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="Address of an OpenTelemetry receiver (HTTP, protobuf) for traces, also read from "
        "OTEL_EXPORTER_OTLP_ENDPOINT; empty sends none",
    )
    worker_slots: Count = Field(16, description="Activities that one worker runs at a time, per task queue")

    @field_validator("data_dir", "plan_file", "law_file", "calendars_file", "routing_file", "templates_dir",
                     "booking_file", "quality_file", "caldav_file", "mappings_dir", "mapping_secrets_dir",
                     "temporal_tls_server_ca_cert_path", "temporal_tls_client_cert_path",
                     "temporal_tls_client_key_path")  # fmt: skip
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        # children may be started from another folder
        return None if value is None else Path(os.path.abspath(value.expanduser()))

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

    @field_validator(
        "public_url", "staff_url", "twilio_base_url", "sendgrid_base_url", "otlp_endpoint", "temporal_ui_url"
    )
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("an address like https://leads.example.com")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _no_underscore(cls, value: str) -> str:
        if "_" in (urlsplit(value).hostname or ""):
            raise ValueError("a host without an underscore: Twilio refuses status callbacks to such a host")
        return value

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

    @field_validator("payload_keys")
    @classmethod
    def _payload_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            from speedlead.payload_keys import parse_keys

            parse_keys(value.get_secret_value())
        return value

    @field_validator("oidc_roles")
    @classmethod
    def _roles(cls, value: str | None) -> str | None:
        if value is not None:
            parse_roles(value)
        return value

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

    @field_validator("temporal_address")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ValueError("host:port")
        return value

    @field_validator("trusted_proxies", "calendar_networks", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        for item in items if isinstance(items, list) else []:
            try:
                ipaddress.ip_network(item)
            except ValueError:
                raise ValueError("networks like 10.0.0.0/8, separated by commas") from None
        return items

    @field_validator("widget_origins", mode="before")
    @classmethod
    def _widget_origins(cls, value: object) -> object:
        items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if isinstance(items, list):
            from speedlead.widget.origins import parse_origins

            parse_origins(items)
        return items

    @field_validator("company_source_url")
    @classmethod
    def _company_source_url(cls, value: str | None) -> str | None:
        if value is not None:
            from speedlead.enrichment.source import check_url

            check_url(value)
        return value

    @field_validator("company_source_fields")
    @classmethod
    def _company_source_fields(cls, value: str) -> str:
        from speedlead.enrichment.source import parse_fields

        parse_fields(value)
        return value

    @field_validator("company_source_header")
    @classmethod
    def _company_source_header(cls, value: str) -> str:
        from speedlead.enrichment.source import check_header

        check_header(value)
        return value

    @field_validator("hook_hosts", "company_source_hosts", mode="before")
    @classmethod
    def _hook_hosts(cls, value: object) -> object:
        items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        if isinstance(items, list):
            from speedlead.hooks.address import parse_allowed

            parse_allowed(items)
        return items

    @field_validator("mappings_unsigned", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("ticket_cost")
    @classmethod
    def _ticket_cost(cls, value: str | None) -> str | None:
        if value is not None:
            from speedlead.mappings.money import parse_cost

            parse_cost(value)
        return value

    @field_validator("house_zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        from speedlead.domain.calendar import parse_zone

        try:
            return parse_zone(value)
        except ValueError:
            raise ValueError("a time zone such as Europe/Berlin") from None

    @field_validator("review_at")
    @classmethod
    def _review_at(cls, value: str) -> str:
        from speedlead.domain.review_week import parse_moment

        try:
            parse_moment(value)
        except ValueError:
            raise ValueError("a day and a time such as mon 07:00") from None
        return value

    @field_validator("twilio_from", "company_phone")
    @classmethod
    def _e164(cls, value: str | None) -> str | None:
        if value is not None and not (value.startswith("+") and value[1:].isdigit() and 7 <= len(value[1:]) <= 15):
            raise ValueError("a number in E.164 form such as +14155552671")
        return value

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

    @field_validator("twilio_account_sid", "twilio_messaging_service_sid", "twilio_api_key_sid")
    @classmethod
    def _sid(cls, value: str | None, info: ValidationInfo) -> str | None:
        prefix = _SIDS[str(info.field_name)]
        if value is not None and not re.fullmatch(f"{prefix}[0-9a-fA-F]{{32}}", value):
            raise ValueError(f"{prefix} and 32 hexadecimal digits")
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

    @model_validator(mode="after")
    def _one_way_in_is_left(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            name = "ISSUER" if self.oidc_issuer is None else "CLIENT_ID"
            raise ValueError(f"{PREFIX}OIDC_{name}: expected a value as well: issuer and client id belong together")
        if not self.local_sign_in and self.oidc_issuer is None:
            raise ValueError(f"{PREFIX}LOCAL_SIGN_IN: expected true while no {PREFIX}OIDC_ISSUER is set")
        return self

    @model_validator(mode="after")
    def _company_source_is_allowed(self) -> Self:
        if self.company_source_url is not None:
            from speedlead.enrichment.source import check_reach

            try:
                check_reach(self.company_source_url, self.company_source_hosts)
            except ValueError as error:
                raise ValueError(f"{PREFIX}COMPANY_SOURCE_URL: expected {error}") from None
        return self

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
        if (self.temporal_tls_client_cert_path is None) != (self.temporal_tls_client_key_path is None):
            name = "CERT" if self.temporal_tls_client_cert_path is None else "KEY"
            raise ValueError(f"{PREFIX}TEMPORAL_TLS_CLIENT_{name}_PATH: expected a value as well: one needs the other")
        if self._temporal_secrets and self.temporal_tls is False:
            raise ValueError(f"{PREFIX}TEMPORAL_TLS: expected true with an API key or a certificate")
        if (self._temporal_secrets or self.temporal_tls) and self.embedded_temporal:
            raise ValueError(f"{PREFIX}TEMPORAL_ADDRESS: expected the server that the API key or TLS is for")
        return self

    @property
    def _temporal_secrets(self) -> bool:
        names = ("api_key", "tls_server_ca_cert_path", "tls_client_cert_path", "tls_server_name")
        return any(getattr(self, f"temporal_{name}") is not None for name in names)

    @property
    def uses_temporal_tls(self) -> bool:
        return self.temporal_tls or self._temporal_secrets

    @property
    def reply_domain(self) -> str:
        """Where replies to our mails go: the host of the Inbound Parse setting."""
        return self.sendgrid_reply_domain or self.sendgrid_from.rpartition("@")[2].lower()

    @property
    def uses_sandbox(self) -> bool:
        """True when no provider account is configured: the SDKs then talk to `speedlead sandbox`."""
        return self.twilio_account_sid is None

    @property
    def embedded_temporal(self) -> bool:
        """True when `speedlead up` starts a Temporal server, because no outside one is named."""
        return "temporal_address" not in self.model_fields_set

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def to_environment(self) -> dict[str, str]:
        """What was set explicitly, as variables for a child process. Holds secrets: never print it."""
        found: dict[str, str] = {}
        for name in self.model_fields_set:
            value = getattr(self, name)
            if isinstance(value, SecretStr):
                value = value.get_secret_value()
            if isinstance(value, list):
                value = ",".join(value)
            if value is not None:
                found[PREFIX + name.upper()] = str(value)
        return found


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


def variables() -> dict[str, FieldInfo]:
    """Environment variable name -> field, in the order of the table."""
    return {PREFIX + name.upper(): field for name, field in Settings.model_fields.items()}


def secret_file_variables() -> list[str]:
    """The variables that name a file with a secret, one for each setting that holds one."""
    return [name + SUFFIX for name, field in variables().items() if "SecretStr" in str(field.annotation)]


def settings_table() -> list[tuple[str, str, str]]:
    """(variable, default, description) rows for the README; holds defaults only, never a value in use."""
    return [(name, _default_text(field), field.description or "") for name, field in variables().items()]


def _default_text(field: FieldInfo) -> str:
    text = _extra(field, "default_text")
    if text is None:
        text = "" if field.default is None else str(field.default)
    return text


def _extra(field: FieldInfo, key: str) -> str | None:
    extra = field.json_schema_extra
    value = extra.get(key) if isinstance(extra, dict) else None
    return value if isinstance(value, str) else None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings of `os.environ`, after refusing unknown names in `environment`. Raises SettingsError."""
    known = [*variables(), *secret_file_variables()]
    unknown = sorted(name for name in environment if name.upper().startswith(PREFIX) and name.upper() not in known)
    lines = [_unknown_line(name, known) for name in unknown]
    secrets = read_secret_files(environment, [name.removesuffix(SUFFIX) for name in secret_file_variables()])
    lines += secrets.mistakes
    try:
        settings = Settings(**{name.removeprefix(PREFIX).lower(): value for name, value in secrets.values.items()})  # type: ignore[arg-type]
    except ValidationError as error:
        # a default that is computed from a wrong value is not a mistake of its own
        lines += [_line(item) for item in error.errors() if item["type"] != "default_factory_not_called"]
    if lines:
        raise SettingsError(lines)
    for line in secrets.warnings:
        print(line, file=sys.stderr)
    return settings


def load_settings() -> Settings:
    """For a `main()`: the settings, or one line per mistake on stderr and exit code 2."""
    try:
        return read_settings(os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(2) from None


def _unknown_line(name: str, known: list[str]) -> str:
    import difflib  # only on this path

    near = difflib.get_close_matches(name.upper(), known, n=1)
    return f"{name}: unknown setting" + (f", did you mean {near[0]}?" if near else "; `speedlead settings` lists all")


def _line(item: Any) -> str:
    if not item["loc"]:
        return str(item["ctx"]["error"])
    name = str(item["loc"][0])
    name = name if name in Settings.model_fields else name.removeprefix(PREFIX).lower()
    field = Settings.model_fields[name]
    if item["type"] == "value_error":
        expected = str(item["ctx"]["error"])
    else:
        expected = _extra(field, "expected") or item["msg"].removeprefix("Input should be ")
    got = "a value that is not shown" if "SecretStr" in str(field.annotation) else repr(item["input"])
    return f"{PREFIX}{name.upper()}: expected {expected}, got {got}"
