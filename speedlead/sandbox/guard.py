"""The sandbox holds what was sent to people and listens on this machine only: no other site may read or change it.

The provider APIs are exempt: they have keys of their own, and containers reach them under other names.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
PROVIDER_PATHS = ("/2010-04-01/", "/v1/", "/v3/")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses foreign hosts (DNS rebinding) and foreign origins (cross-site requests); adds the security headers."""
    if request.path.startswith(PROVIDER_PATHS) or request.path == "/healthz":
        return await handler(request)
    if _host(f"//{request.host}") not in LOOPBACK:
        return web.json_response({"title": "The sandbox answers on this machine only"}, status=403)
    if request.method not in ("GET", "HEAD") and not _same_origin(request):
        return web.json_response({"title": "Changes from another site are refused"}, status=403)
    answer = await handler(request)
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def _same_origin(request: web.Request) -> bool:
    """Browsers send Origin with every change; programs send none and are no cross-site danger."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc == request.host


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
