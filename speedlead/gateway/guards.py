"""Who may ask: holders of the API key, and our own pages in a browser on this installation.

Who has signed in, and what they may, is told in `access/`. What is kept out here is another site that uses a visitor's
browser: it can send a request here (CSRF) or pretend to be here (DNS rebinding). The Host header tells the second,
Origin the first.
"""

from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from speedlead.credentials import Credentials
from speedlead.gateway.problems import Problem
from speedlead.settings import Settings

SAFE_METHODS = frozenset({"GET", "HEAD"})


def origins(settings: Settings) -> frozenset[str]:
    """Every origin under which this gateway is reached."""
    local = {f"http://{name}:{settings.http_port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    return frozenset(local | {origin_of(settings.public_url), origin_of(settings.staff_url)})


def origin_of(url: str) -> str:
    """scheme://host[:port] in lower case, without a default port; empty when it is no web address."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != default else "")


class Guard:
    """One per app; `allow` passes or raises Problem."""

    def __init__(self, settings: Settings, credentials: Credentials) -> None:
        self._key = credentials.api_key.get_secret_value().encode()
        self.origins = origins(settings)
        self._hosts = frozenset(urlsplit(origin).netloc for origin in self.origins)

    def has_key(self, request: Request) -> bool:
        """True with the right API key, False without any. Raises Problem 401 for a wrong one."""
        given = _given_key(request)
        if given is None:
            return False
        if not compare_digest(given.encode("utf-8", "replace"), self._key):
            raise _no_key("The API key is not right.")
        return True

    def need_key(self, request: Request) -> None:
        if not self.has_key(request):
            raise _no_key("Send it as 'Authorization: Bearer <api key>' or as X-Api-Key.")

    def allow(self, request: Request) -> None:
        """For the JSON API: the API key, or a page of ours in a browser."""
        if not self.has_key(request):
            self.same_origin(request)

    def same_origin(self, request: Request) -> None:
        """Passes requests that a page of this gateway makes. Use it on every route of a page that changes something.

        Browsers set Origin and Sec-Fetch-Site themselves; no script can. Reading needs Sec-Fetch-Site or a Referer of
        ours, because browsers send no Origin with a plain GET.
        """
        self.known_host(request)
        origin = request.headers.get("origin")
        if origin is not None:
            ours = origin_of(origin) in self.origins
        elif "sec-fetch-site" in request.headers:
            ours = request.headers["sec-fetch-site"] == "same-origin"
        else:
            ours = request.method in SAFE_METHODS and origin_of(request.headers.get("referer", "")) in self.origins
        if ours:
            return
        if origin is None and "sec-fetch-site" not in request.headers:
            raise _no_key("Send an API key, or use the pages of this gateway.")
        raise Problem(403, "Another site may not ask this gateway.", reason="origin")

    def known_host(self, request: Request) -> None:
        """Raises Problem 403 when a name that is not ours was made to point here (DNS rebinding)."""
        host = request.headers.get("host", "").lower()
        if host not in self._hosts and host.removesuffix(":80").removesuffix(":443") not in self._hosts:
            raise Problem(403, "This Host is not one of this gateway's names.", reason="host")


class PageGuard:
    """ASGI middleware: pages answer to our own names only, and change things for our own pages only.

    The doors that others have to use are elsewhere: forms and webhooks come from other sites by nature, links in mail
    carry a signature, and the JSON API asks for its key itself.
    """

    OPEN = (
        "/f/", "/u/", "/webhooks/", "/in/", "/api/", "/codec/", "/static/", "/widget.js", "/widget/", "/chat/",
        "/healthz", "/readyz", "/metrics",
    )  # fmt: skip

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(self.OPEN):
            request = Request(scope)
            try:
                if request.method in SAFE_METHODS:
                    self._guard.known_host(request)
                else:
                    self._guard.same_origin(request)
            except Problem as problem:
                await problem.response()(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _given_key(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.headers.get("x-api-key")


def _no_key(detail: str) -> Problem:
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="speedlead"'})
