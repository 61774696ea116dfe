"""`/codec/decode` and `/codec/encode`: the Temporal UI shows what is encrypted to those who run the house.

The UI posts from its own origin, with the session's cookie when "Include cross-origin credentials" is ticked in its
codec settings; programs send the API key. The UI may add a query to the path, and names its namespace in a header.
"""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from speedlead.gateway.access.cookies import read_cookie
from speedlead.gateway.access.table import GRANTS, May, Role
from speedlead.gateway.context import Context
from speedlead.gateway.guards import origin_of
from speedlead.gateway.limits import read_body
from speedlead.gateway.problems import Problem
from speedlead.payload_batch import PayloadBatch
from speedlead.payload_codec import LeadCiphers, LeadCodec
from speedlead.payload_keys import UnknownKey
from speedlead.payloads import keys_of
from speedlead.store import audit, sessions
from speedlead.store.lead_keys import salts_in
from speedlead.store.transactions import transact

# a page of the UI sends every event of a history at once
MAX_BYTES = 4_000_000
_HEADERS = "content-type, x-namespace, authorization, x-api-key, caller-type"


class CodecServer:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._deps = context.deps
        settings = context.deps.settings
        ciphers = LeadCiphers(keys_of(settings, context.deps.credentials), salts_in(context.deps.pool))
        self._codec = LeadCodec(ciphers, encrypts=settings.payload_encryption)
        local = {f"http://{name}:{settings.temporal_ui_port}" for name in ("127.0.0.1", "localhost")}
        self._origins = {origin_of(settings.temporal_ui_url)} if settings.temporal_ui_url else local

    async def decode(self, request: Request) -> Response:
        return await self._answer(request, decode=True)

    async def encode(self, request: Request) -> Response:
        return await self._answer(request, decode=False)

    async def _answer(self, request: Request, *, decode: bool) -> Response:
        cors = self._cors(request)
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=cors)
        try:
            account_id, role = await self._who(request)
            payloads = _read(await read_body(request, MAX_BYTES))
            line = await self._begin(account_id, role, request.url.path, payloads)
            try:
                done = await payloads.through(self._codec, decode=decode)
            except UnknownKey as error:
                await self._end(line, 422)
                raise Problem(422, str(error), reason="payload_key") from None
            await self._end(line, 200)
        except Problem as problem:
            refused = problem.response()
            refused.headers.update(cors)
            return refused
        return JSONResponse(done, headers=cors)

    def _cors(self, request: Request) -> dict[str, str]:
        """Raises Problem for a page of anybody else's; programs name no origin."""
        origin = request.headers.get("origin")
        if origin is None:
            return {}
        if origin_of(origin) not in self._origins:
            raise Problem(403, "Only the Temporal UI may ask: SPEEDLEAD_TEMPORAL_UI_URL names it.", reason="origin")
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": _HEADERS,
            "Vary": "Origin",
        }

    async def _who(self, request: Request) -> tuple[str | None, str]:
        """(account, role). A cookie counts only with the UI's origin: no other page makes a browser ask here."""
        token = read_cookie(request, self._deps.settings)
        if token is not None and "origin" in request.headers:
            wall = self._deps.clock.wall()
            session = await transact(self._deps.pool, lambda conn: sessions.session_of(conn, token, wall))
            if session is not None:
                if May.RUN_HOUSE not in GRANTS[Role(session.role)]:
                    raise Problem(403, f"The role {session.role} may not do this.", reason="role")
                return session.account_id, session.role
        self._context.guard.need_key(request)
        return None, "api key"

    async def _begin(self, account_id: str | None, role: str, path: str, payloads: PayloadBatch) -> int:
        """Before anything is shown: who looked, at how many, of which lead."""
        leads = payloads.leads()
        about = next(iter(leads)) if len(leads) == 1 else None
        asked = {"payloads": len(payloads)} | ({"leads": len(leads)} if len(leads) > 1 else {})
        change = audit.Change(account_id, role, None, path, about, asked)
        wall = self._deps.clock.wall()
        return await transact(self._deps.pool, lambda conn: audit.begin(conn, change, None, wall))

    async def _end(self, line: int, status: int) -> None:
        await transact(self._deps.pool, lambda conn: audit.end(conn, line, None, status))


def _read(body: bytes) -> PayloadBatch:
    try:
        return PayloadBatch.read(body)
    except ValueError:
        raise Problem(422, 'Expected JSON such as {"payloads": [{"metadata": …, "data": …}]}.') from None


def add_codec_server(app: FastAPI, context: Context) -> None:
    server = CodecServer(context)
    for name, handle in (("decode", server.decode), ("encode", server.encode)):
        app.router.routes.append(Route(f"/codec/{name}", handle, methods=["POST", "OPTIONS"]))
