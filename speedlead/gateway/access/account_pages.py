"""Pages about accounts: one's own, everybody's (admins), and what people changed (admins and operations)."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.gateway.access import passwords
from speedlead.gateway.access.table import Role
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, forbidden, missing
from speedlead.gateway.rendering import render
from speedlead.store import accounts, audit, review_mails, sessions
from speedlead.store.accounts import Account, AccountRefused
from speedlead.store.transactions import transact

SAID = {"password": "Your password is set; everywhere else you are signed out.", "changed": "Changed.",
        "review": "Saved."}  # fmt: skip


class AccountPages:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    # ── one's own ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def own(self, request: Request) -> Response:
        return await self._own(request, None)

    async def password(self, request: Request) -> Response:
        if not self._deps.settings.local_sign_in:
            return forbidden("Passwords open nothing here: people sign in with their company account.")
        who, form = signed_in(request), await request.form()
        current, new = (str(form.get(name) or "") for name in ("current", "new"))
        wall = self._deps.clock.wall()
        _, known = await transact(self._deps.pool, lambda conn: accounts.password_of(conn, who.email))
        if known is not None:
            # the same count as at the sign-in: an open screen is no place to guess
            wait = await transact(self._deps.pool, lambda conn: accounts.count_try(conn, who.email, wall))
            if wait is not None or not await passwords.matches(known, current):
                return await self._own(request, ("current", "This is not your present password."))
        weak = passwords.weakness(new, who.email)
        if weak is not None:
            return await self._own(request, ("new", weak))
        made = await passwords.hashed(new)

        async def write(conn: Any) -> None:
            await accounts.forget_failures(conn, who.email)
            await accounts.set_password(conn, who.account_id, made)
            await sessions.close_all(conn, who.account_id, but=who.token)

        await transact(self._deps.pool, write)
        return RedirectResponse("/account?said=password", status_code=303)

    async def review(self, request: Request) -> Response:
        who, wanted = signed_in(request), (await request.form()).get("wanted") == "yes"
        await transact(self._deps.pool, lambda conn: review_mails.wish(conn, who.account_id, wanted))
        request.scope["speedlead.line"].about(who.account_id)
        return RedirectResponse("/account?said=review", status_code=303)

    async def _own(self, request: Request, problem: tuple[str, str] | None) -> Response:
        who = signed_in(request)
        account = await transact(self._deps.pool, lambda conn: accounts.account(conn, who.account_id))
        context = {"account": account, "problem": problem, "least": passwords.MIN_LENGTH, "said_text": _said(request),
                   "local": self._deps.settings.local_sign_in, "review_roles": review_mails.ROLES,
                   "review_sent": self._deps.settings.review_mail}  # fmt: skip
        return render("account.html", context, 422 if problem else 200)

    # ── everybody's ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def everybody(self, request: Request) -> Response:
        return await self._everybody(request)

    async def add(self, request: Request) -> Response:
        form, wall = await request.form(), self._deps.clock.wall()
        email, name, role = (str(form.get(field) or "").strip() for field in ("email", "name", "role"))
        if role not in list(Role):
            return await self._everybody(request, problem="role: expected one of the list")

        async def write(conn: Any) -> tuple[Account, str]:
            made = await accounts.add_account(conn, email, name, role, wall)
            return made, await accounts.make_link(conn, made.account_id, wall)

        try:
            made, token = await transact(self._deps.pool, write)
        except AccountRefused as refused:
            return await self._everybody(request, problem=f"{refused.field}: {refused.text}")
        request.scope["speedlead.line"].about(made.account_id)
        return await self._everybody(request, link=(made, self._address(token)))

    async def role(self, request: Request) -> Response:
        role = str((await request.form()).get("role") or "")
        if role not in list(Role):
            return await self._everybody(request, problem="role: expected one of the list")
        return await self._alter(request, lambda conn, account_id: accounts.set_role(conn, account_id, role))

    async def active(self, request: Request) -> Response:
        active = (await request.form()).get("active") == "yes"
        return await self._alter(request, lambda conn, account_id: accounts.set_active(conn, account_id, active))

    async def sign_out(self, request: Request) -> Response:
        return await self._alter(request, sessions.close_all)

    async def link(self, request: Request) -> Response:
        account, wall = await self._account(request), self._deps.clock.wall()
        if account is None or not account.active:
            return missing("There is no such account", "Or it is closed: open it first.")
        token = await transact(self._deps.pool, lambda conn: accounts.make_link(conn, account.account_id, wall))
        return await self._everybody(request, link=(account, self._address(token)))

    async def _alter(self, request: Request, change: Any) -> Response:
        account = await self._account(request)
        if account is None:
            return missing("There is no such account", "The address is incomplete.")
        try:
            await transact(self._deps.pool, lambda conn: change(conn, account.account_id))
        except AccountRefused as refused:
            return await self._everybody(request, problem=f"{refused.field}: {refused.text}")
        return RedirectResponse("/accounts?said=changed", status_code=303)

    async def _account(self, request: Request) -> Account | None:
        account_id = parse_id(request.path_params["account_id"])
        if account_id is None:
            return None
        return await transact(self._deps.pool, lambda conn: accounts.account(conn, account_id))

    async def _everybody(
        self, request: Request, *, problem: str | None = None, link: tuple[Account, str] | None = None
    ) -> Response:
        found = await transact(self._deps.pool, accounts.accounts)
        context = {
            "accounts": found,
            "roles": list(Role),
            "problem": problem,
            "link": link,
            "said_text": _said(request),
        }
        return render("accounts.html", context, 422 if problem else 200)

    def _address(self, token: str) -> str:
        return f"{self._deps.settings.staff_url}/sign-in/link/{token}"

    # ── what people changed ──────────────────────────────────────────────────────────────────────────────────────────

    async def audit(self, request: Request) -> Response:
        about = parse_id(request.query_params.get("object", "").strip())
        found = await transact(self._deps.pool, lambda conn: audit.lines(conn, object_id=about))
        return render("audit.html", {"lines": found, "about": about})


def _said(request: Request) -> str:
    return SAID.get(request.query_params.get("said", ""), "")


def add_account_pages(app: FastAPI, deps: GatewayDeps) -> None:
    pages = AccountPages(deps)
    shown = {"/account": pages.own, "/accounts": pages.everybody, "/audit": pages.audit}
    posted = {
        "/account/password": pages.password,
        "/account/review": pages.review,
        "/accounts": pages.add,
        "/accounts/{account_id}/role": pages.role,
        "/accounts/{account_id}/active": pages.active,
        "/accounts/{account_id}/link": pages.link,
        "/accounts/{account_id}/sign-out": pages.sign_out,
    }
    app.router.routes.extend(Route(path, answered(page)) for path, page in shown.items())
    app.router.routes.extend(Route(path, answered(page), methods=["POST"]) for path, page in posted.items())
