"""The session's cookie: no script reads it, no other site sends it with a post, no plain connection carries it."""

from datetime import timedelta
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from speedlead.settings import Settings
from speedlead.store.sessions import WHOLE

_COMPANY = "/sign-in/company"


def _name(settings: Settings) -> str:
    # cookies know no ports: two installations on one machine would sign each other out
    return f"speedlead-{settings.http_port}"


def read_cookie(request: Request, settings: Settings) -> str | None:
    return request.cookies.get(_name(settings)) or None


def set_cookie(response: Response, request: Request, settings: Settings, token: str) -> None:
    response.set_cookie(_name(settings), token, path="/", httponly=True, samesite="lax",
                        secure=_is_secure(request, settings), max_age=int(WHOLE.total_seconds()))  # fmt: skip


def drop_cookie(response: Response, request: Request, settings: Settings) -> None:
    response.delete_cookie(_name(settings), path="/", httponly=True, samesite="lax",
                           secure=_is_secure(request, settings))  # fmt: skip


# what ties a sign-in elsewhere to the browser that began it; it comes back from another site, so not SameSite=Strict


def read_passing(request: Request, settings: Settings) -> str | None:
    return request.cookies.get(f"{_name(settings)}-company") or None


def set_passing(response: Response, request: Request, settings: Settings, token: str, lasts: timedelta) -> None:
    response.set_cookie(f"{_name(settings)}-company", token, path=_COMPANY, httponly=True, samesite="lax",
                        secure=_is_secure(request, settings), max_age=int(lasts.total_seconds()))  # fmt: skip


def drop_passing(response: Response, request: Request, settings: Settings) -> None:
    response.delete_cookie(f"{_name(settings)}-company", path=_COMPANY, httponly=True, samesite="lax",
                           secure=_is_secure(request, settings))  # fmt: skip


def _is_secure(request: Request, settings: Settings) -> bool:
    """Under an https name of ours; who comes to loopback by http could not send a secure cookie back."""
    ours = (urlsplit(url) for url in (settings.public_url, settings.staff_url))
    host = request.headers.get("host", "").lower().partition(":")[0]
    return any(url.scheme == "https" and url.hostname == host for url in ours)
