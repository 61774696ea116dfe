"""What happens, as it happens, to every rep page that is open: one stream of server-sent events each.

A stream tells the present, not a history: a page that comes back asks for its queue and is told every notice that is
unseen, so nothing has to be replayed, and a page that was away for an hour is as right as one away for a second. A beat
says that the server and its database answer; a page that hears none for a while says that it is stale.

Changes are looked for once a second and process, by the numbers of the stories, and only while a page is open: a NOTIFY
with each change of a lead would cost its commit more than all pages together gain (docs/rep-page.md).
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from speedlead import wording
from speedlead.gateway.access.who import Who, signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_errors import answered
from speedlead.store import rep_page, sessions, views
from speedlead.store.transactions import StoreUnavailable, transact
from speedlead.store.view_models import NoticeView

BEAT_S = 15.0
LOOK_S = 1.0
# what is written within this time is told together
_TOGETHER_S = 0.05
# a browser opens six connections to a host: four tabs that listen leave two to work with
STREAMS_PER_ACCOUNT = 4
# somebody was told something: `store/` raises it with the rows
CHANNEL = "notices"

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Stream:
    """One open page. `leads` and `fresh` are what it has not been told yet; `known`: notices it was told."""

    who: Who
    rep_id: str
    leads: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    unseen: set[str] = field(default_factory=set)
    over: str | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, why: str) -> None:
        """`why`: signed_out, elsewhere (too many pages are open), again (come back at once)."""
        self.over = self.over or why
        self.wake.set()


class RepEvents:
    """One per process."""

    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps
        self._streams: list[Stream] = []
        self._watch: asyncio.Task[None] | None = None
        self._look = asyncio.Event()
        self._closing = False

    def close(self) -> None:
        """The process stops: each page is told to come back at once, to another gateway or to the next start."""
        self._closing = True
        for stream in self._streams:
            stream.end("again")

    async def serve(self, request: Request) -> Response:
        who = signed_in(request)
        if who.rep_id is None or request.method == "HEAD":
            return Response(status_code=204)  # which tells the browser not to come back
        headers = {"X-Accel-Buffering": "no"}
        return StreamingResponse(self._events(who, who.rep_id), media_type="text/event-stream", headers=headers)

    async def _events(self, who: Who, rep_id: str) -> AsyncIterator[str]:
        stream = self._opened(Stream(who, rep_id))
        try:
            yield self._event("hello") + "retry: 1000\n\n"
            asked = time.monotonic()
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stream.wake.wait(), BEAT_S)
                if time.monotonic() - asked >= BEAT_S:  # by time, not by silence: a busy page is never silent
                    asked = time.monotonic()
                    if not await self._still(stream):
                        stream.end("signed_out")
                if self._watch is None or self._watch.done():
                    stream.end("again")  # nobody looks any more: no beat may say otherwise
                stream.wake.clear()
                if stream.over is not None:
                    yield self._event("over", why=stream.over)
                    return
                for text in await self._news(stream):
                    yield text
                yield self._event("beat", unseen=len(stream.unseen))
        except StoreUnavailable:
            return  # no beat without the database: the page says so and tries again
        finally:
            self._closed(stream)

    async def _news(self, stream: Stream) -> list[str]:
        told: list[str] = []
        if stream.leads:
            told.append(self._event("changed", leads=sorted(stream.leads)))
            stream.leads.clear()
        fresh = stream.unseen - stream.known
        stream.known |= fresh
        if fresh:
            unseen = await transact(self._deps.pool, lambda conn: views.unseen_notices(conn, stream.rep_id))
            told += [self._event("notice", **self._words(notice)) for notice in unseen if notice.notice_id in fresh]
        return told

    def _words(self, notice: NoticeView) -> dict[str, Any]:
        return {
            "id": notice.notice_id,
            "lead": notice.lead_id,
            "kind": notice.kind,
            "text": wording.notice(notice.kind),
            "title": notice.lead_title or "",
            "reason": wording.reason(notice.reason) if notice.reason else "",
            "urgent": notice.kind in wording.OFFERS,
        }

    def _event(self, name: str, **data: Any) -> str:
        now = int(self._deps.clock.wall().timestamp() * 1000)
        return f"event: {name}\ndata: {json.dumps({'now': now, **data})}\n\n"

    async def _still(self, stream: Stream) -> bool:
        """Is the session what it was when the stream began?"""
        wall = self._deps.clock.wall()
        now = await transact(self._deps.pool, lambda conn: sessions.session_of(conn, stream.who.token, wall))
        return now is not None and (now.role, now.acting_rep_id) == (stream.who.role, stream.who.acting_rep_id)

    # ── who listens ──────────────────────────────────────────────────────────────────────────────────────────────────

    def _opened(self, stream: Stream) -> Stream:
        same = [other for other in self._streams if other.who.account_id == stream.who.account_id]
        for other in same[: max(0, len(same) + 1 - STREAMS_PER_ACCOUNT)]:
            other.end("elsewhere")
        self._streams.append(stream)
        if self._closing:
            stream.end("again")
        self._look.set()
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._watched())
        return stream

    def _closed(self, stream: Stream) -> None:
        self._streams.remove(stream)
        if not self._streams and self._watch is not None:
            self._watch.cancel()
            self._watch = None

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _watched(self) -> None:
        """Until the last page is closed. What fails ends the streams: their pages say so and come back."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hear())
                group.create_task(self._follow())
        except* (StoreUnavailable, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as group_error:
            log.warning("rep pages not live", error=type(group_error.exceptions[0]).__name__)
            for stream in self._streams:
                stream.end("again")

    async def _follow(self) -> None:
        line = await transact(self._deps.pool, rep_page.newest)
        before: set[str] | None = None
        while True:
            self._look.clear()
            found, unseen = await transact(self._deps.pool, partial(self._read, line))
            fresh = [change for change in found if before is not None and change.mark not in before]
            before = {change.mark for change in found}
            line = max([line, *(change.line for change in found)])
            await self._tell(fresh, unseen)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), LOOK_S)
            await asyncio.sleep(_TOGETHER_S)

    async def _read(self, line: int, conn: Any) -> tuple[list[rep_page.Change], dict[str, set[str]]]:
        reps = sorted({stream.rep_id for stream in self._streams})
        changes = await rep_page.changes(conn, line, self._deps.clock.wall())
        return changes, await rep_page.unseen_ids(conn, reps)

    async def _tell(self, changes: list[rep_page.Change], unseen: dict[str, set[str]]) -> None:
        distinct = list({change.lead_id for change in changes})
        whose = await transact(self._deps.pool, lambda conn: rep_page.concerned(conn, distinct)) if distinct else {}
        for stream in self._streams:
            mine = {lead_id for lead_id, reps in whose.items() if {stream.rep_id, None} & reps}
            now = unseen.get(stream.rep_id, stream.unseen)
            if mine or now != stream.unseen:
                stream.leads |= mine
                stream.unseen = now
                stream.wake.set()

    async def _hear(self) -> None:
        """A notice is looked for at once; one that is not heard costs a second at most."""
        async with self._deps.pool.acquire() as conn:

            def look(*_: object) -> None:
                self._look.set()

            await conn.add_listener(CHANNEL, look)
            try:
                while not conn.is_closed():
                    await asyncio.sleep(5)
                    await conn.execute("select 1")
            finally:
                await conn.remove_listener(CHANNEL, look)


def add_rep_events(app: FastAPI, deps: GatewayDeps) -> None:
    """`app.state.rep_events` is for whoever stops the app."""
    app.state.rep_events = RepEvents(deps)
    app.router.routes.append(Route("/rep/events", answered(app.state.rep_events.serve)))
