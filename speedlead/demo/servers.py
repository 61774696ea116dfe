"""Servers for one demo: Postgres and a Temporal server that skips time, in a folder and on ports of their own.

Nothing of a running `up` is touched, and no provider account is used even when one is configured.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.client import Client
from temporalio.testing import TimeSkipper

from speedlead.embedded.ports import HOST, free_ports
from speedlead.embedded.postgres import Postgres
from speedlead.embedded.temporal_server import TemporalServer
from speedlead.settings import Settings
from speedlead.store.migrate import migrate
from speedlead.temporal import connect

# every account is named, so that one in the environment is not taken
_NO_ACCOUNTS: dict[str, None] = dict.fromkeys(
    ("twilio_account_sid", "twilio_auth_token", "twilio_messaging_service_sid", "twilio_base_url", "sendgrid_api_key",
     "twilio_api_key_sid", "twilio_api_key_secret", "sendgrid_base_url", "sendgrid_webhook_public_key", "database_url")
)  # fmt: skip


@dataclass(frozen=True)
class Servers:
    settings: Settings
    database_url: str
    client: Client


def demo_settings(settings: Settings, folder: Path) -> Settings:
    """The product as configured (company, plan, law), everything else apart from what runs on this machine."""
    http, sandbox, temporal, ui = free_ports(4)
    product = ("company_name", "company_phone", "plan_file", "law_file", "calendars_file")
    kept = {name: getattr(settings, name) for name in product}
    values: dict[str, object] = {
        **kept,
        **_NO_ACCOUNTS,
        "data_dir": folder,
        "http_host": HOST,
        "http_port": http,
        "sandbox_port": sandbox,
        "temporal_port": temporal,
        "temporal_ui_port": ui,
        "temporal_address": f"{HOST}:{temporal}",
        "temporal_namespace": "default",
        "public_url": f"http://{HOST}:{http}",
        "trusted_proxies": [],
        "callbacks": "before",
        "virtual_clock": True,
    }
    return Settings(**values)  # type: ignore[arg-type]


@asynccontextmanager
async def open_servers(settings: Settings, folder: Path) -> AsyncIterator[Servers]:
    """Raises StartError. Whatever had started is stopped at the end, in the opposite order."""
    own = demo_settings(settings, folder)
    postgres = Postgres(folder, durable=False)
    temporal = TemporalServer(folder, port=own.temporal_port, ui_port=own.temporal_ui_port, virtual_clock=True)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(postgres.stop)
        await postgres.start()
        stack.push_async_callback(temporal.stop)
        await temporal.start()
        await migrate(postgres.dsn())
        client = await connect(own.temporal_address, own.temporal_namespace)
        yield Servers(own, postgres.dsn(), TimeSkipper(client).client)
