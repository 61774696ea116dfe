"""How the house is watched: logs, health, metrics, traces and the lead of our own (docs/operations.md)."""

from typing import Literal

from pydantic import Field

from speedlead.settings.base import Port, Room, Switch, WebAddress, either


class Watching(Room):
    flow_check: Switch = Field(
        True, description="Whether a synthetic lead goes the whole way every five minutes and is measured"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is logged")
    watch_port: Port | None = Field(
        None, description="Port of a process for health, readiness and metrics, without a key; empty: none"
    )
    watch_host: str = Field("127.0.0.1", description="Address of that port; beyond loopback in a private network only")
    otlp_endpoint: WebAddress | None = Field(
        None,
        validation_alias=either("OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        description="Address of an OpenTelemetry receiver (HTTP, protobuf) for traces, also read from "
        "OTEL_EXPORTER_OTLP_ENDPOINT; empty sends none",
    )
