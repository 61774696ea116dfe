"""The product as separate processes on this machine, durable, with a door to post through and a witness to read."""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from temporalio.client import Client

from bench.bare import Bare, BareSender, bare_worker, stock_worker
from bench.night import NightLeads
from speedlead.credentials import load_or_create
from speedlead.embedded.ports import free_ports
from speedlead.embedded.stack import Stack
from speedlead.providers.sendgrid import SendgridMailer
from speedlead.sandbox.server import DATABASE
from speedlead.settings import Settings
from speedlead.store.pool import open_pool
from speedlead.temporal import connect

AGAIN_AFTER_S = 0.5  # what "please send it again" is taken for
NO_LIMIT = 10_000_000  # an inquiry rate a minute that no measurement reaches

_NOT_SETTLED = """
select count(*) from lead l where created_wall >= $1 and not exists (
    select from touch t where t.lead_id = l.id and t.purpose = 'acknowledgement' and t.state = 'sent')
    or created_wall >= $1 and (l.open_at is null or l.next_touch_at is null and l.next_step is null)
"""


@dataclass
class House:
    stack: Stack
    http: aiohttp.ClientSession
    pool: "asyncpg.Pool[Any]"
    client: Client
    bare: Bare
    stock: Bare
    sender: BareSender
    leads: NightLeads
    key: str
    refused: int = 0

    async def post(self, *, api: bool = False) -> tuple[str, float]:
        """(e-mail address, wall time when the form first left) of a new lead; what is refused is sent again."""
        form = self.leads.form()
        url = self.stack.settings.public_url
        left = time.time()
        while True:
            if api:
                headers = {"Authorization": f"Bearer {self.key}"}
                request = self.http.post(f"{url}/api/leads", json=form, headers=headers)
            else:
                request = self.http.post(f"{url}/f/demo", data=form)
            try:
                async with request as answer:
                    if answer.status < 300:
                        await answer.read()
                        return form["email"], left
                    if answer.status != 503:
                        raise RuntimeError(f"a form was refused with {answer.status}: {await answer.text()}")
            except aiohttp.ClientConnectionError:
                pass  # hung up on: what a person sees as a page that does not load, and tries again
            self.refused += 1
            await asyncio.sleep(AGAIN_AFTER_S)

    def arrivals(self) -> dict[str, float]:
        """E-mail address -> wall time when the provider had its first mail, from the provider's own file."""
        file = sqlite3.connect(f"file:{self.stack.data_dir / DATABASE}?mode=ro", uri=True, timeout=10)
        try:
            rows = file.execute("select recipient, min(received_at) from message group by recipient").fetchall()
        finally:
            file.close()
        return {address: datetime.fromisoformat(at).timestamp() for address, at in rows}

    async def arrived(self, addresses: Sequence[str], within_s: float) -> dict[str, float]:
        """`arrivals` once all of `addresses` are in it. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while not (found := self.arrivals()).keys() >= set(addresses):  # noqa: ASYNC110 a file
                await asyncio.sleep(0.25)
        return found

    async def settled(self, since: datetime, within_s: float) -> None:
        """Returns when every lead since then is acknowledged, routed and waits for its next step."""
        async with asyncio.timeout(within_s):
            while await self.pool.fetchval(_NOT_SETTLED, since):  # noqa: ASYNC110 rows of others
                await asyncio.sleep(0.1)

    async def warm_up(self, count: int = 5) -> None:
        """Both sides once through; the bare mail becomes a copy of a real acknowledgement."""
        posted = [(await self.post())[0] for _ in range(count)]
        await self.arrived(posted, 30)
        file = sqlite3.connect(f"file:{self.stack.data_dir / DATABASE}?mode=ro", uri=True, timeout=10)
        row = file.execute("select subject, text, html from message where recipient = ?", (posted[0],)).fetchone()
        file.close()
        self.sender.subject, self.sender.text, self.sender.html = row
        for n in range(count):
            await (await self.bare.send(f"warm{n}@bare.example.com")).result()
            await (await self.stock.send(f"warm{n}@stock.example.com")).result()


@asynccontextmanager
async def open_house() -> AsyncIterator[House]:
    """A new data folder on free ports; stopped and removed at the end."""
    async with AsyncExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="speedlead-bench-", ignore_cleanup_errors=True))
        )
        running = await stack.enter_async_context(Stack(bench_settings(folder)))
        credentials = load_or_create(folder)
        mailer = SendgridMailer(
            credentials.sandbox_sendgrid_api_key.get_secret_value(), from_address="hello@speedlead.example",
            from_name="Acme", reply_domain="speedlead.example", base_url=running.settings.sandbox_url,
        )  # fmt: skip
        stack.push_async_callback(mailer.close)
        client = await connect(running.settings.temporal_address)
        sender = BareSender(mailer)
        bare = await stack.enter_async_context(bare_worker(client, sender))
        stock = await stack.enter_async_context(stock_worker(client, sender))
        pool = await open_pool(running.database_url, size=2)
        stack.push_async_callback(pool.close)
        # every form comes from another person, so over a connection of its own
        http = await stack.enter_async_context(
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=60), connector=aiohttp.TCPConnector(limit=0, force_close=True)
            )
        )
        key = credentials.api_key.get_secret_value()
        yield House(running, http, pool, client, bare, stock, sender, NightLeads(), key)


def bench_settings(folder: Path) -> Settings:
    """Defaults whatever the environment says, but for ports, the folder and the limits of the door."""
    http, sandbox, temporal, ui = free_ports(4)
    return Settings(
        data_dir=folder, http_port=http, sandbox_port=sandbox, temporal_port=temporal, temporal_ui_port=ui,
        intake_rate_per_minute_address=NO_LIMIT, intake_rate_per_minute_key=NO_LIMIT, log_level="warning",
    )  # fmt: skip
