"""Who may look at a page and who may post from one; a refusal is a page too, because a person reads it."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import structlog
from fastapi import Request
from starlette.responses import HTMLResponse, Response

from speedlead.credentials import Credentials
from speedlead.gateway.guards import Guard, origins
from speedlead.gateway.problems import Problem
from speedlead.gateway.rendering import render
from speedlead.settings import Settings
from speedlead.store.transactions import StoreUnavailable

log = structlog.get_logger(__name__)

Handler = Callable[[Request], Awaitable[Response]]


class PageGuard:
    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._guard = Guard(settings, credentials)
        self._hosts = frozenset(urlsplit(origin).netloc for origin in origins(settings))

    def looking(self, handler: Handler) -> Handler:
        """For pages that change nothing: any link may lead here, but only under a name of ours (DNS rebinding)."""

        async def guarded(request: Request) -> Response:
            if request.headers.get("host", "").lower() not in self._hosts:
                return _page(403, "Not under this name", "This address is not one of this gateway's names.")
            return await _answered(handler, request)

        return guarded

    def changing(self, handler: Handler) -> Handler:
        """For what a page posts: only pages of ours may send it."""

        async def guarded(request: Request) -> Response:
            try:
                self._guard.same_origin(request)
            except Problem as problem:
                log.warning("post_refused", path=request.url.path[:60], reason=problem.reason)
                return _page(problem.status, "Not sent from our own pages", "Nothing was changed.")
            return await _answered(handler, request)

        return guarded


async def _answered(handler: Handler, request: Request) -> Response:
    try:
        return await handler(request)
    except StoreUnavailable:
        return _page(503, "Not available at this moment", "The database does not answer. Please try again in a moment.")


def missing(title: str, text: str) -> HTMLResponse:
    return _page(404, title, text)


def _page(status: int, title: str, text: str) -> HTMLResponse:
    return render("missing.html", {"title": title, "text": text}, status)
