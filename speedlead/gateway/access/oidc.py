"""Signing in at the company's identity provider: authorization code with PKCE, state, nonce (docs/security.md)."""

from typing import Any
from urllib.parse import quote, urlsplit

import structlog
from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.gateway.access.cookies import drop_passing, read_passing, set_passing
from speedlead.gateway.access.oidc_provider import BACK, Provider, ProviderFailed
from speedlead.gateway.access.oidc_token import Claims, TokenRefused
from speedlead.gateway.access.sign_in import SignIn, local_path
from speedlead.gateway.context import Context
from speedlead.gateway.limits import TokenBuckets
from speedlead.gateway.page_errors import answered, missing
from speedlead.settings import parse_roles
from speedlead.store import audit, company_sign_in
from speedlead.store.company_sign_in import LASTS, Begun, Identity, IdentityRefused
from speedlead.store.transactions import transact

log = structlog.get_logger(__name__)

_WRONG = "What your company's sign-in sent is not right, and nobody was signed in. Please try again; if it stays so, "
REFUSED = {
    "state": "This sign-in has been used, is older than ten minutes, or did not begin here. Please begin again.",
    "browser": "This sign-in began in another browser. Please begin again in this one.",
    "said_no": "Your company's sign-in did not let you in, or you left it. Please try again.",
    "provider": "Your company's sign-in does not answer as it should. Please try again in a few minutes, or ask an "
    "admin of yours for a sign-in link.",
    "algorithm": _WRONG + "tell an admin: it is signed in a way that we do not take.",
    "key": _WRONG + "tell an admin: it is signed with a key that is not your company's.",
    "signature": _WRONG + "tell an admin: its signature is wrong.",
    "issuer": _WRONG + "tell an admin: it comes from another sign-in than your company's.",
    "audience": _WRONG + "tell an admin: it is meant for another program.",
    "expired": _WRONG + "tell an admin: it has run out, or the clocks are apart.",
    "nonce": _WRONG + "tell an admin: it belongs to another sign-in.",
    "token": _WRONG + "tell an admin: it cannot be read.",
    "email_unverified": "Your company's sign-in does not vouch for your e-mail address. Ask an admin of yours.",
    "no_account": "There is no account for you yet. Ask an admin of yours to add your e-mail address.",
    "no_group": "None of your groups at your company opens this any more. Ask an admin of yours.",
    "closed": "Your account here is closed. Ask an admin of yours.",
    "other_identity": "Your e-mail address belongs to another identity at your company, from an earlier sign-in. Ask "
    "an admin of yours to unlink it.",
}
# nothing that a provider sends is longer; what others send is not looked at
MAX_LENGTH = 4096
# there is nothing to guess here; a whole office may come in at nine, each with two requests
PER_MINUTE = 120


class CompanySignIn:
    """Every way that ends without a session is a plain sentence and a line of the audit."""

    def __init__(self, context: Context, sign_in: SignIn) -> None:
        self._deps = context.deps
        self._settings = context.deps.settings
        self._sign_in = sign_in
        self._by_address = TokenBuckets(PER_MINUTE)
        self._provider = sign_in.provider
        self._roles = parse_roles(self._settings.oidc_roles) if self._settings.oidc_roles else {}

    async def begin(self, request: Request) -> Response:
        if self._provider is None:
            return missing("There is no company sign-in here", "Passwords and sign-in links open accounts.")
        wanted = local_path(request.query_params.get("next", ""))
        ours = self._settings.staff_url
        if request.headers.get("host", "").lower() != urlsplit(ours).netloc.lower():
            # the provider sends people to that name, and our cookie would stay behind with this one
            return RedirectResponse(f"{ours}/sign-in/company?next={quote(wanted)}", status_code=303)
        self._sign_in.limit(request, self._by_address)
        wall = self._deps.clock.wall()
        begun = await transact(self._deps.pool, lambda conn: company_sign_in.begin(conn, wanted, wall))
        try:
            door = await self._provider.door(begun.state, begun.nonce, begun.verifier)
        except ProviderFailed as failure:
            return await self._refuse(request, "provider", failure)
        response = RedirectResponse(door, status_code=303)
        set_passing(response, request, self._settings, begun.browser, LASTS)
        return response

    async def back(self, request: Request) -> Response:
        if self._provider is None:
            return missing("There is no company sign-in here", "Passwords and sign-in links open accounts.")
        self._sign_in.limit(request, self._by_address)
        given = {name: text for name, text in request.query_params.items() if len(text) <= MAX_LENGTH}
        browser, wall = read_passing(request, self._settings) or "", self._deps.clock.wall()
        begun, why = await transact(
            self._deps.pool, lambda conn: company_sign_in.take(conn, given.get("state", ""), browser, wall)
        )
        if begun is None:
            return await self._refuse(request, why)
        # RFC 9207: an answer that names its provider must name ours
        if given.get("iss", self._provider.issuer) != self._provider.issuer:
            return await self._refuse(request, "issuer")
        if "error" in given or not given.get("code"):
            return await self._refuse(request, "said_no")
        try:
            account_id, id_token = await self._account(self._provider, given["code"], begun)
        except ProviderFailed as failure:
            return await self._refuse(request, "provider", failure)
        except (TokenRefused, IdentityRefused) as refused:
            return await self._refuse(request, refused.code)
        response = await self._sign_in.open(request, account_id, "company", begun.wanted, id_token)
        drop_passing(response, request, self._settings)
        return response

    async def _account(self, provider: Provider, code: str, begun: Begun) -> tuple[str, str]:
        """Whose it is, and the ID token."""
        wall = self._deps.clock.wall()
        claims, id_token = await provider.claims(code, begun.verifier, begun.nonce, wall)
        who = Identity(provider.issuer, claims["sub"], verified_email(claims), str(claims.get("name") or ""),
                       self._role(claims))  # fmt: skip
        account_id = await transact(self._deps.pool, lambda conn: company_sign_in.account_for(conn, who, wall))
        return account_id, id_token

    def _role(self, claims: Claims) -> str | None:
        given = claims.get(self._settings.oidc_groups_claim)
        groups = given if isinstance(given, list) else [given]
        return next((role for group, role in self._roles.items() if group in groups), None)

    async def _refuse(self, request: Request, code: str, failure: ProviderFailed | None = None) -> Response:
        log.warning("company sign-in refused", reason=code, detail=str(failure) if failure else None)
        wall = self._deps.clock.wall()

        async def write(conn: Any) -> None:
            line = audit.Change(None, "nobody", None, "signed in by company: refused", None, {"reason": code})
            await audit.end(conn, await audit.begin(conn, line, None, wall), None, 403)

        await transact(self._deps.pool, write)
        response = self._sign_in.form("", "", REFUSED[code], 503 if code == "provider" else 403)
        drop_passing(response, request, self._settings)
        return response


def verified_email(claims: Claims) -> str | None:
    """An address that anybody could have typed there opens nobody's account here."""
    email = claims.get("email")
    return email.strip().lower() if isinstance(email, str) and claims.get("email_verified") in (True, "true") else None


def add_company_sign_in(app: FastAPI, context: Context, sign_in: SignIn) -> None:
    """The routes are there without a provider too, and say so."""
    pages = CompanySignIn(context, sign_in)
    app.router.routes.extend([Route("/sign-in/company", answered(pages.begin)), Route(BACK, answered(pages.back))])
