"""What a person reads when a page cannot be shown. Who may look and post is the business of `access/`."""

from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from speedlead.gateway.rendering import render
from speedlead.store.transactions import StoreUnavailable

Handler = Callable[[Request], Awaitable[Response]]


def answered(handler: Handler) -> Handler:
    """The handler, with a page instead of a problem document when the database does not answer."""

    async def page(request: Request) -> Response:
        try:
            return await handler(request)
        except StoreUnavailable:
            return not_available()

    return page


def reads_pages(request: Request) -> bool:
    """Is it a person with a browser, and no program, that meets the error?"""
    return "text/html" in request.headers.get("Accept", "") and not request.url.path.startswith("/api/")


def broken() -> HTMLResponse:
    return _page(500, "Something on our side went wrong", "It was noted. Please try again in a moment.")


def nothing_here(status: int) -> HTMLResponse:
    """For addresses that no route has, and methods that a route has not."""
    return _page(status, "There is no such page", "The address may be mistyped, or what it showed is gone.")


def not_available() -> HTMLResponse:
    return _page(503, "Not available at this moment", "The database does not answer. Please try again in a moment.")


def forbidden(text: str) -> HTMLResponse:
    return _page(403, "Not for this account", text)


def conflict(title: str, text: str) -> HTMLResponse:
    return _page(409, title, text)


def missing(title: str, text: str) -> HTMLResponse:
    return _page(404, title, text)


def _page(status: int, title: str, text: str) -> HTMLResponse:
    return render("missing.html", {"title": title, "text": text}, status)
