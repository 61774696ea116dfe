"""Tells every open page of figures that something has happened; the page then asks for its figures again.

One look a second and process at the number of the newest story, only while a page is open. A page is told every
TOLD_EVERY_S at most, so that what it shows is never older than five seconds and a busy minute costs no more than twenty
rounds; and every QUIET_S when nothing happens, because deadlines pass without a word.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from speedlead.gateway.access.who import Who, signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers.shelf import Shelf
from speedlead.store import sessions
from speedlead.store.transactions import StoreUnavailable, transact

LOOK_S = 1.0
TOLD_EVERY_S = 3.0
QUIET_S = 15.0
STREAMS = 200  # a process


class FigureEvents:
    """One per process."""

    def __init__(self, deps: GatewayDeps, shelf: Shelf) -> None:
        self._deps, self._shelf = deps, shelf
        self._open = 0
        self._closing = asyncio.Event()
        self._line = 0
        self._watch: asyncio.Task[None] | None = None

    def close(self) -> None:
        """The process stops: its pages are told to come back at once."""
        self._closing.set()

    async def serve(self, request: Request) -> Response:
        if request.method == "HEAD" or self._open >= STREAMS:
            return Response(status_code=204)  # which tells the browser not to come back
        stream = self._events(signed_in(request))
        return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def _events(self, who: Who) -> AsyncIterator[str]:
        self._open += 1
        try:
            if self._watch is None or self._watch.done():
                self._line = await self._shelf.line()
                self._watch = asyncio.create_task(self._look())
            watch = self._watch
            line, told = self._line, time.monotonic()
            yield "retry: 1000\n" + self._event("hello")
            while not self._closing.is_set() and not watch.done():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), LOOK_S)
                since = time.monotonic() - told
                if (self._line != line and since >= TOLD_EVERY_S) or since >= QUIET_S:
                    if since >= QUIET_S and not await self._still(who):
                        yield self._event("over")
                        return
                    line, told = self._line, time.monotonic()
                    yield self._event("changed")
        except StoreUnavailable:
            return  # the page says that it is stale and comes back
        finally:
            self._open -= 1
            if not self._open and self._watch is not None:
                self._watch.cancel()
                self._watch = None

    async def _look(self) -> None:
        while True:
            self._line = await self._shelf.line()
            await asyncio.sleep(LOOK_S)

    async def _still(self, who: Who) -> bool:
        """Is the session what it was when the stream began?"""
        wall = self._deps.clock.wall()
        now = await transact(self._deps.pool, lambda conn: sessions.session_of(conn, who.token, wall))
        return now is not None and (now.role, now.acting_rep_id) == (who.role, who.acting_rep_id)

    def _event(self, name: str) -> str:
        now = int(self._deps.clock.wall().timestamp() * 1000)
        return f"event: {name}\ndata: {json.dumps({'now': now})}\n\n"
