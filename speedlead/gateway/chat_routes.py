"""`/chat/{token}`: a visitor reads and writes in the page after a form. The token names that post, and is the guard."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from speedlead.chat_links import CHAT
from speedlead.gateway.context import Context
from speedlead.gateway.forms import read_form
from speedlead.gateway.limits import TokenBuckets, client_address, read_body, sender_of
from speedlead.gateway.problems import Problem, unavailable, wrong_field
from speedlead.intake_text import many_lines
from speedlead.store.chat import ChatOver, look, say
from speedlead.store.transactions import StoreUnavailable, transact
from speedlead.tokens import read_token

MAX_TEXT = 4000
# a character takes twelve in a form's encoding at most
MAX_BYTES = 12 * MAX_TEXT + 1000
MAX_KEY = 64
# a page asks fifteen times a minute at most; several people of one house share an address
LOOKS = 300
OVER = "This conversation is not here any more."
FULL = "This conversation has become too long. Please write to us by e-mail."


class ChatRoutes:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._deps = context.deps
        self._looks = TokenBuckets(LOOKS)
        self._says = TokenBuckets(context.deps.settings.intake_rate_per_minute_address)

    async def handle(self, request: Request) -> Response:
        cors = self._context.cors
        if request.method == "OPTIONS":
            return cors.preflight(request, None, "GET, POST")
        try:
            cors.need(request, None)
            answer = await (self._say if request.method == "POST" else self._look)(request)
        except StoreUnavailable:
            answer = unavailable().response()
        except ChatOver as over:
            answer = Problem(404, OVER if over.reason == "gone" else FULL, reason=over.reason).response()
        except Problem as problem:
            answer = problem.response()
        answer.headers.update(cors.headers(request, None))
        return answer

    def _opened(self, request: Request, limit: TokenBuckets) -> str:
        """The inquiry in the token. Raises Problem."""
        limit.check(sender_of(client_address(request, self._context.proxies)))
        inquiry_id = read_token(self._deps.credentials.secret_bytes, CHAT, request.path_params["token"])
        if inquiry_id is None:
            raise Problem(404, OVER, reason="gone")
        return inquiry_id

    async def _look(self, request: Request) -> Response:
        inquiry_id = self._opened(request, self._looks)
        found = await transact(self._deps.pool, lambda conn: look(conn, self._deps.clock, inquiry_id))
        company = self._deps.settings.company_name
        return JSONResponse({
            "messages": [
                {"id": one.id, "ours": one.ours, "text": one.text, "at": one.at.isoformat(),
                 "who": (one.who or company) if one.ours else None}
                for one in found
            ]
        })  # fmt: skip

    async def _say(self, request: Request) -> Response:
        inquiry_id = self._opened(request, self._says)
        body = await read_body(request, MAX_BYTES)
        fields = await read_form(request.headers.get("content-type", ""), body, max_files=0)
        text, key = many_lines(fields.get("text", [""])[-1]), request.headers.get("idempotency-key", "")
        if not text or len(text) > MAX_TEXT:
            raise wrong_field("text", "too long" if text else "empty", f"1 to {MAX_TEXT} characters")
        if not (key.isascii() and key.isalnum() and len(key) <= MAX_KEY):
            raise wrong_field("Idempotency-Key", "missing or odd", f"1 to {MAX_KEY} letters and digits")
        said = await transact(
            self._deps.pool, lambda conn: say(conn, self._deps.clock, inquiry_id, key, text, self._deps.returns)
        )
        self._context.counters.add("chat_messages", repeat=str(said.repeat).lower())
        await self._context.deliver_now(said.lead_id)
        return JSONResponse({"id": key}, 202)


def add_chat_routes(app: FastAPI, context: Context) -> None:
    routes = ChatRoutes(context)
    app.router.add_route("/chat/{token}", routes.handle, methods=["GET", "POST", "OPTIONS"], include_in_schema=False)
