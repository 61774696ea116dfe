"""The identity provider of a company, for tests: real keys, real redirects, and every way of being wrong."""

import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from speedlead.embedded.ports import free_ports

CLIENT, SECRET = "speedlead", "s3cret/with:signs"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, kid: str) -> dict[str, Any]:
    public = key.public_key()
    made = (RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm).to_jwk(public, as_dict=True)
    return {**made, "kid": kid, "use": "sig"}


def forged_hs256(claims: dict[str, Any], kid: str) -> str:
    """Signed with the provider's public key as if it were a shared secret; PyJWT itself refuses to make it."""
    import hmac

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    text = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{part(claims)}"
    secret = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signature = hmac.digest(secret, text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@dataclass
class Company:
    issuer: str
    now: Callable[[], datetime]
    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk(RSA_KEY, "one"), jwk(EC_KEY, "two")])
    # what the next token says, beside what it has to; None takes a claim away
    claims: dict[str, Any] = field(default_factory=dict)
    make: Callable[[dict[str, Any]], str] | None = None
    userinfo: dict[str, Any] | None = None
    ends_sessions = False
    # what it was asked when somebody signed out
    left: list[dict[str, str]] = field(default_factory=list)
    kid, key, algorithm = "one", RSA_KEY, "RS256"
    down = False
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(self, nonce: str) -> str:
        now = self.now().timestamp()
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "u-1", "iat": now, "exp": now + 300, "nonce": nonce,
            "email": "mara@acme.example", "email_verified": True, "name": "Mara",
        } | self.claims  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.make is not None:
            return self.make(claims)
        return jwt.encode(claims, self.key, algorithm=self.algorithm, headers={"kid": self.kid})

    async def discovery(self, request: web.Request) -> web.Response:
        self.asked.append("discovery")
        if self.down:
            return web.Response(status=500, text="<h1>no</h1>")
        there = {"issuer": self.issuer, "authorization_endpoint": "authorize", "token_endpoint": "token",
                 "jwks_uri": "keys"} | ({"userinfo_endpoint": "me"} if self.userinfo else {})  # fmt: skip
        there |= {"end_session_endpoint": "out?tenant=1"} if self.ends_sessions else {}
        return web.json_response(
            {name: f"{self.issuer}/{path}" if name != "issuer" else path for name, path in there.items()}
        )

    async def jwks(self, request: web.Request) -> web.Response:
        self.asked.append("keys")
        return web.json_response({"keys": self.keys})

    async def authorize(self, request: web.Request) -> web.Response:
        """Everybody is signed in there already."""
        asked = dict(request.query)
        assert (asked["client_id"], asked["response_type"], asked["code_challenge_method"]) == (CLIENT, "code", "S256")
        code = f"code-{time.monotonic_ns()}"
        self.codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"], "iss": self.issuer})
        raise web.HTTPFound(f"{asked['redirect_uri']}?{back}")

    async def exchange(self, request: web.Request) -> web.Response:
        form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
        asked = self.codes.pop(form["code"], None)  # once
        whole = base64.b64encode(f"{CLIENT}:s3cret%2Fwith%3Asigns".encode()).decode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        if (
            asked is None
            or request.headers.get("Authorization") != f"Basic {whole}"
            or asked["code_challenge"] != challenge.decode()
            or asked["redirect_uri"] != form["redirect_uri"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"id_token": self.token(asked["nonce"]), "access_token": "at", "token_type": "Bearer"})

    async def me(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer at"
        return web.json_response(self.userinfo)

    async def out(self, request: web.Request) -> web.Response:
        """As RP-Initiated Logout 1.0 has it: whose session, by a token of ours whose time may be over; then back."""
        asked = dict(request.query)
        options = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
        jwt.decode(asked["id_token_hint"], RSA_KEY.public_key(), ["RS256"], audience=CLIENT, options=options)
        assert asked["client_id"] == CLIENT
        self.left.append(asked)
        raise web.HTTPFound(asked["post_logout_redirect_uri"])


@asynccontextmanager
async def company(now: Callable[[], datetime]) -> AsyncIterator[Company]:
    (port,) = free_ports(1)
    made = Company(f"http://127.0.0.1:{port}", now)
    app = web.Application()
    app.add_routes([
        web.get("/.well-known/openid-configuration", made.discovery), web.get("/keys", made.jwks),
        web.get("/authorize", made.authorize), web.post("/token", made.exchange), web.get("/me", made.me),
        web.get("/out", made.out),
    ])  # fmt: skip
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield made
    finally:
        await runner.cleanup()
