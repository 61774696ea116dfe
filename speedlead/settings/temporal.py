"""The Temporal server: where it is, how it is reached, what its workers take."""

from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from speedlead.settings.base import PREFIX, Count, Place, Port, Room, Switch, WebAddress, either


class Temporal(Room):
    temporal_port: Port = Field(7233, description="Port of the embedded Temporal server")
    temporal_ui_port: Port = Field(8233, description="Port of the embedded Temporal UI")
    temporal_ui_url: WebAddress | None = Field(
        None, description="Address of the Temporal UI, whose pages may ask /codec; empty: the embedded one"
    )
    temporal_address: str = Field(
        default_factory=lambda data: f"127.0.0.1:{data.get('temporal_port', 7233)}",
        validation_alias=either("TEMPORAL_ADDRESS", "TEMPORAL_ADDRESS"),
        description="host:port of an outside Temporal server, also read from TEMPORAL_ADDRESS; empty starts one",
        json_schema_extra={"default_text": "127.0.0.1:{temporal_port}"},
    )
    temporal_namespace: str = Field(
        "default",
        validation_alias=either("TEMPORAL_NAMESPACE", "TEMPORAL_NAMESPACE"),
        description="Temporal namespace, also read from TEMPORAL_NAMESPACE",
    )
    temporal_api_key: SecretStr | None = Field(
        None,
        validation_alias=either("TEMPORAL_API_KEY", "TEMPORAL_API_KEY"),
        description="API key of that server (Temporal Cloud), also read from TEMPORAL_API_KEY",
    )
    temporal_tls: bool | None = Field(
        None,
        validation_alias=either("TEMPORAL_TLS", "TEMPORAL_TLS"),
        description="TLS to that server, also read from TEMPORAL_TLS; empty: with an API key or one of the files below",
        json_schema_extra={"expected": "true or false"},
    )
    temporal_tls_server_ca_cert_path: Place | None = Field(
        None,
        validation_alias=either("TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_SERVER_CA_CERT_PATH"),
        description="PEM of the authority that signed the server's certificate; empty: the usual ones",
    )
    temporal_tls_client_cert_path: Place | None = Field(
        None,
        validation_alias=either("TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_CERT_PATH"),
        description="PEM of our certificate (mTLS), with its chain",
    )
    temporal_tls_client_key_path: Place | None = Field(
        None,
        validation_alias=either("TEMPORAL_TLS_CLIENT_KEY_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH"),
        description="PEM of its private key",
    )
    temporal_tls_server_name: str | None = Field(
        None,
        validation_alias=either("TEMPORAL_TLS_SERVER_NAME", "TEMPORAL_TLS_SERVER_NAME"),
        description="Name that the server's certificate must have; empty: the host of the address",
    )
    worker_slots: Count = Field(16, description="Activities that one worker runs at a time, per task queue")
    worker_versioning: Switch = Field(
        False, description="Tell Temporal which version of the code a worker runs; leads go to the one that is promoted"
    )
    restarts_at_once: Count = Field(
        20, description="Leads of another code that are started again from the records in one round, every 15 s"
    )
    virtual_clock: Switch = Field(False, description="Let the embedded Temporal server skip time (tests and demo only)")

    @field_validator("temporal_address")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or not 1 <= int(port) <= 65535:
            raise ValueError("host:port")
        return value

    @model_validator(mode="after")
    def _keys_have_their_server(self) -> Self:
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
    def embedded_temporal(self) -> bool:
        """True when `speedlead up` starts a Temporal server, because no outside one is named."""
        return "temporal_address" not in self.model_fields_set
