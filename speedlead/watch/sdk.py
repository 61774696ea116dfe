"""Metrics of Temporal's SDK: its core serves them on a loopback port of its own, and `/metrics` passes them on."""

import aiohttp
from temporalio.runtime import LoggingConfig, PrometheusConfig, Runtime, TelemetryConfig, TelemetryFilter

from speedlead.embedded.ports import free_ports

_WITHIN_S = 2.0


class SdkMetrics:
    """Make one for a process and connect its client with `runtime`."""

    def __init__(self) -> None:
        self._port, self.runtime = _open()

    async def text(self) -> str:
        """What the SDK says now; empty when it does not answer, which takes nothing from the other figures."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_WITHIN_S)) as http,
                http.get(f"http://127.0.0.1:{self._port}/metrics") as answer,
            ):
                return await answer.text() if answer.status == 200 else ""
        except (aiohttp.ClientError, TimeoutError, OSError):
            return ""


def _open() -> tuple[int, Runtime]:
    tries = 5  # between looking for a free port and taking it somebody else may
    while True:
        tries -= 1
        port = free_ports(1)[0]
        metrics = PrometheusConfig(f"127.0.0.1:{port}", counters_total_suffix=True, durations_as_seconds=True)
        logging = LoggingConfig(filter=TelemetryFilter(core_level="WARN", other_level="ERROR"))
        try:
            return port, Runtime(telemetry=TelemetryConfig(logging=logging, metrics=metrics))
        except (RuntimeError, ValueError):
            if not tries:
                raise
