"""The way in: password or a link that works once; and the way out."""

import math
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.gateway.access import passwords
from speedlead.gateway.access.cookies import drop_cookie, read_cookie, set_cookie
from speedlead.gateway.access.oidc_provider import Provider, ProviderFailed
from speedlead.gateway.access.who import CURRENT, signed_in
from speedlead.gateway.context import Context, log
from speedlead.gateway.forms import read_form
from speedlead.gateway.limits import TokenBuckets, client_address, read_body, sender_of
from speedlead.gateway.page_errors import answered
from speedlead.gateway.problems import Problem
from speedlead.gateway.rendering import render
from speedlead.store import accounts, audit, sessions
from speedlead.store.transactions import transact

# an office behind one address signs in on a Monday morning; a list of leaked passwords takes longer
TRIES_PER_MINUTE = 20
MAX_BYTES = 16_384  # nobody is signed in yet: what may be sent here is bounded
WRONG = (
    "This address and this password do not open an account. If you have no password yet, or have forgotten it, ask an "
    "admin of yours for a sign-in link."
)
NO_PASSWORDS = "Passwords open nothing here: please sign in with your company account."
USED_UP = "This link has been used, is older than an hour, or is not complete. Ask for a new one."
_LOCAL = re.compile(r"/(?![/\\])[!-~]*")


class SignIn:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._deps = context.deps
        self._by_address = TokenBuckets(TRIES_PER_MINUTE)
        self.provider = Provider(self._deps.settings) if self._deps.settings.oidc_issuer else None

    async def show(self, request: Request) -> Response:
        return self.form(request.query_params.get("next", ""))

    async def password(self, request: Request) -> Response:
        self.limit(request)
        if not self._deps.settings.local_sign_in:
            return self.form("", "", NO_PASSWORDS, 403)
        form = await read_form(request.headers.get("content-type", ""), await read_body(request, MAX_BYTES))
        email, typed, wanted = (form.get(name, [""])[-1] for name in ("email", "password", "next"))
        pool, wall = self._deps.pool, self._deps.clock.wall()
        wait = await transact(pool, lambda conn: accounts.count_try(conn, email, wall))
        if wait is not None:
            return self.form(wanted, email, too_many(wait), 429)
        account_id, known = await transact(pool, lambda conn: accounts.password_of(conn, email))
        if not await passwords.matches(known, typed) or account_id is None or known is None:
            return self.form(wanted, email, WRONG, 403)
        anew = await passwords.hashed(typed) if passwords.outdated(known) else None

        async def settle(conn: Any) -> None:
            await accounts.forget_failures(conn, email)
            if anew is not None:
                await accounts.set_password(conn, account_id, anew)

        await transact(pool, settle)
        return await self.open(request, account_id, "password", wanted)

    async def link(self, request: Request) -> Response:
        """Shows a button: programs that look at links in mails would use it up."""
        token, wall = str(request.path_params["token"]), self._deps.clock.wall()
        good = await transact(self._deps.pool, lambda conn: accounts.link_is_good(conn, token, wall))
        return render("sign_in_link.html", {"token": token, "problem": None if good else USED_UP}, 200 if good else 410)

    async def use_link(self, request: Request) -> Response:
        token, wall = str(request.path_params["token"]), self._deps.clock.wall()
        account_id = await transact(self._deps.pool, lambda conn: accounts.use_link(conn, token, wall))
        if account_id is None:
            return render("sign_in_link.html", {"token": token, "problem": USED_UP}, 410)
        return await self.open(request, account_id, "link", "/account")

    async def open(
        self, request: Request, account_id: str, how: str, wanted: str, id_token: str | None = None
    ) -> Response:
        """A new session; the one that this browser had is closed. `id_token`: of a company's sign-in."""
        wall, before = self._deps.clock.wall(), read_cookie(request, self._deps.settings)

        async def write(conn: Any) -> str:
            if before:
                await sessions.close_session(conn, before)
            token = await sessions.open_session(conn, account_id, wall, id_token)
            found = await accounts.account(conn, account_id)
            role = found.role if found else ""
            line = audit.Change(account_id, role, None, f"signed in by {how}", account_id, {})
            await audit.end(conn, await audit.begin(conn, line, None, wall), None, 303)
            return token

        token = await transact(self._deps.pool, write)
        response = RedirectResponse(local_path(wanted) or "/", status_code=303)
        set_cookie(response, request, self._deps.settings, token)
        return response

    async def out(self, request: Request) -> Response:
        return await self._gone(request, lambda conn: sessions.close_session(conn, signed_in(request).token))

    async def out_everywhere(self, request: Request) -> Response:
        return await self._gone(request, lambda conn: sessions.close_all(conn, signed_in(request).account_id))

    async def _gone(self, request: Request, close: Callable[[Any], Awaitable[None]]) -> Response:
        """Signed out here, whatever becomes of the rest; who came by the company's sign-in leaves that as well."""

        async def write(conn: Any) -> str | None:
            id_token = await sessions.id_token_of(conn, signed_in(request).token)
            await close(conn)
            return id_token

        id_token = await transact(self._deps.pool, write)
        away = await self._way_out(id_token) if id_token is not None else None
        CURRENT.set(None)  # no menu of pages that are closed now
        # a page and no redirect: browsers let a form lead to this site only, at the end of redirects too
        response = render("signed_out.html", {"away": away}) if away else RedirectResponse("/sign-in", status_code=303)
        drop_cookie(response, request, self._deps.settings)
        return response

    async def _way_out(self, id_token: str) -> str | None:
        try:
            return await self.provider.way_out(id_token) if self.provider is not None else None
        except ProviderFailed as failure:
            log.warning("not signed out at the company", detail=str(failure))
            return None

    def limit(self, request: Request, buckets: TokenBuckets | None = None) -> None:
        """Raises Problem 429."""
        address = sender_of(client_address(request, self._context.proxies))
        wait_s = (buckets or self._by_address).take(address)
        if wait_s > 0:
            text = f"Too many tries from your network. Please try again in {math.ceil(wait_s)} s."
            raise Problem(429, text, retry_after_s=wait_s)

    def form(self, wanted: str, email: str = "", problem: str | None = None, status: int = 200) -> Response:
        settings = self._deps.settings
        context = {"wanted": local_path(wanted), "email": email, "problem": problem,
                   "company": settings.oidc_issuer is not None, "local": settings.local_sign_in}  # fmt: skip
        return render("sign_in.html", context, status)


def local_path(wanted: str) -> str:
    """A path of this site as it is, anything else as nothing: a sign-in sends nobody elsewhere."""
    return wanted if _LOCAL.fullmatch(wanted) else ""


def too_many(wait: timedelta) -> str:
    minutes = math.ceil(wait.total_seconds() / 60)
    return (
        f"Too many tries with this address. Please wait {minutes} minute{'s' if minutes != 1 else ''}, or ask an admin "
        "of yours for a sign-in link, which works at once."
    )


def add_sign_in(app: FastAPI, context: Context) -> SignIn:
    pages = SignIn(context)
    app.router.routes.extend([
        Route("/sign-in", answered(pages.show)),
        Route("/sign-in", answered(pages.password), methods=["POST"]),
        Route("/sign-in/link/{token}", answered(pages.link)),
        Route("/sign-in/link/{token}", answered(pages.use_link), methods=["POST"]),
        Route("/sign-out", answered(pages.out), methods=["POST"]),
        Route("/sign-out/everywhere", answered(pages.out_everywhere), methods=["POST"]),
    ])  # fmt: skip
    return pages
