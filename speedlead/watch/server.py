"""Health, readiness and metrics of a process on a port of its own: for workers, and for Prometheus beside the proxy.

There is nothing here but figures and codes, so nobody signs in; the port belongs into a private network.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from speedlead.watch.exposition import CONTENT_TYPE, Exposition
from speedlead.watch.readiness import Readiness


class PortTaken(Exception):
    """The port of SPEEDLEAD_WATCH_PORT cannot be had; the message says why."""


@asynccontextmanager
async def watch_port(host: str, port: int | None, readiness: Readiness, exposition: Exposition) -> AsyncIterator[None]:
    """Served until the block ends; nothing with `port` None. Raises PortTaken."""
    if port is None:
        yield
        return

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        ready = await readiness.ask()
        return web.json_response(ready.said(), status=200 if ready.ok else 503)

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(text=await exposition.text(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port, shutdown_timeout=1).start()
        except OSError as error:
            raise PortTaken(f"SPEEDLEAD_WATCH_PORT: {host}:{port} cannot be used: {error.strerror or error}") from error
        yield
    finally:
        await runner.cleanup()
