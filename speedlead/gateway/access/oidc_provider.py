"""The company's identity provider: where people are sent, how a code becomes claims, and whose keys sign (OIDC)."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import aiohttp
import structlog

from speedlead.gateway.access.oidc_token import Claims, KeyUnknown, TokenRefused, check_token
from speedlead.settings import Settings

log = structlog.get_logger(__name__)

TIMEOUT_S = 10.0
MAX_BYTES = 1_000_000
# how long the provider's addresses and keys are taken as known; a key that is new is asked for at once
KEPT_S = 3600.0
# somebody who invents key ids must not make us ask for keys each time
KEYS_AGAIN_S = 10.0
BACK = "/sign-in/company/back"
MAX_HINT = 4000


class ProviderFailed(Exception):
    """It does not answer, or not as OpenID Connect says; the text is for the log."""


class Provider:
    def __init__(self, settings: Settings) -> None:
        assert settings.oidc_issuer is not None
        assert settings.oidc_client_id is not None
        self._issuer, self._client_id = settings.oidc_issuer, settings.oidc_client_id
        secret = settings.oidc_client_secret
        self._secret = None if secret is None else secret.get_secret_value()
        self._groups = settings.oidc_groups_claim
        self._back, self._after = settings.staff_url + BACK, settings.staff_url + "/sign-in"
        self._known: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[Mapping[str, Any]]] | None = None

    @property
    def issuer(self) -> str:
        return self._issuer

    async def door(self, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes. Raises ProviderFailed."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": self._client_id, "redirect_uri": self._back,
            "scope": "openid email profile", "state": state, "nonce": nonce,
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        return _with(await self._address("authorization_endpoint"), asked)

    async def way_out(self, id_token: str) -> str | None:
        """Where the browser goes to sign out there as well (RP-Initiated Logout 1.0); None: it has no such place.

        Raises ProviderFailed.
        """
        if "end_session_endpoint" not in await self._discovery():
            return None
        asked = {"client_id": self._client_id, "post_logout_redirect_uri": self._after}
        if len(id_token) <= MAX_HINT:  # a token full of groups would make an address that no server takes
            asked["id_token_hint"] = id_token
        return _with(await self._address("end_session_endpoint"), asked)

    async def claims(self, code: str, verifier: str, nonce: str, now: datetime) -> tuple[Claims, str]:
        """Who it is, checked, and the ID token that says so. Raises ProviderFailed and TokenRefused."""
        given = await self._exchange(code, verifier)
        token = given.get("id_token")
        if not isinstance(token, str):
            raise ProviderFailed("no id_token")
        whole = {"issuer": self._issuer, "client_id": self._client_id, "nonce": nonce, "now": now}
        try:
            claims = check_token(token, await self._current_keys(), **whole)  # type: ignore[arg-type]
        except KeyUnknown:
            claims = check_token(token, await self._current_keys(anew=True), **whole)  # type: ignore[arg-type]
        return await self._with_more(claims, given.get("access_token")), token

    async def _exchange(self, code: str, verifier: str) -> dict[str, Any]:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._back, "code_verifier": verifier}
        headers = {}
        methods = (await self._discovery()).get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._secret is None:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in methods:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form |= {"client_id": self._client_id, "client_secret": self._secret}
        return await self._json("POST", await self._address("token_endpoint"), data=form, headers=headers)

    async def _with_more(self, claims: Claims, access_token: object) -> Claims:
        """Some providers keep address and groups out of the ID token: they stand at the userinfo endpoint."""
        wanted = {"email", "email_verified", "name", self._groups}
        if wanted <= set(claims) or not isinstance(access_token, str):
            return claims
        if "userinfo_endpoint" not in await self._discovery():
            return claims
        headers = {"Authorization": f"Bearer {access_token}"}
        more = await self._json("GET", await self._address("userinfo_endpoint"), headers=headers)
        if more.get("sub") != claims["sub"]:
            raise TokenRefused("token")
        if "email" in claims:  # the address of one place is not verified by the word of another
            more = {name: value for name, value in more.items() if name != "email_verified" or
                    more.get("email") == claims["email"]}  # fmt: skip
        return {name: more[name] for name in wanted & set(more)} | claims

    # ── what the provider publishes ──────────────────────────────────────────────────────────────────────────────────

    async def _discovery(self) -> dict[str, Any]:
        now = asyncio.get_running_loop().time()
        if self._known is None or now - self._known[0] > KEPT_S:
            found = await self._json("GET", self._issuer.rstrip("/") + "/.well-known/openid-configuration")
            if found.get("issuer") != self._issuer:
                raise ProviderFailed(f"SPEEDLEAD_OIDC_ISSUER: it calls itself {found.get('issuer')!r}")
            self._known = (now, found)
        return self._known[1]

    async def _address(self, name: str) -> str:
        value = (await self._discovery()).get(name)
        scheme = urlsplit(value).scheme if isinstance(value, str) else ""
        if not isinstance(value, str) or scheme not in ("https", urlsplit(self._issuer).scheme):
            raise ProviderFailed(f"{name}: expected an https address")
        return value

    async def _current_keys(self, *, anew: bool = False) -> list[Mapping[str, Any]]:
        now = asyncio.get_running_loop().time()
        age = now - self._keys[0] if self._keys else None
        if self._keys is None or age is None or age > (KEYS_AGAIN_S if anew else KEPT_S):
            found = (await self._json("GET", await self._address("jwks_uri"))).get("keys")
            if not isinstance(found, list):
                raise ProviderFailed("jwks_uri: expected a list of keys")
            self._keys = (now, [key for key in found if isinstance(key, dict)])
        return self._keys[1]

    async def _json(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
                session.request(method, address, allow_redirects=False, **more) as answer,
            ):
                body = b""
                async for chunk in answer.content.iter_chunked(65_536):
                    body += chunk
                    if len(body) > MAX_BYTES:
                        raise ProviderFailed(f"{urlsplit(address).path}: more than {MAX_BYTES} bytes")
                if answer.status != 200:
                    raise ProviderFailed(f"{urlsplit(address).path}: status {answer.status}")
            found = json.loads(body)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            raise ProviderFailed(f"{urlsplit(address).path}: {type(error).__name__}") from None
        if not isinstance(found, dict):
            raise ProviderFailed(f"{urlsplit(address).path}: expected a JSON object")
        return found


def _with(address: str, asked: Mapping[str, str]) -> str:
    return f"{address}{'&' if urlsplit(address).query else '?'}{urlencode(asked)}"
