"""Stands before every route: who asks, may they, is it their lead, was it asked on our page; and writes the audit."""

import contextlib
import re
from collections.abc import Mapping
from hmac import compare_digest
from typing import Any
from urllib.parse import quote

import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from speedlead.domain.steering import LONGEST_REASON
from speedlead.gateway.access.cookies import read_cookie
from speedlead.gateway.access.table import Door, Leads, Role, door
from speedlead.gateway.access.who import CURRENT, Who
from speedlead.gateway.context import Context
from speedlead.gateway.forms import JSON_TYPES, read_form, read_object
from speedlead.gateway.guards import SAFE_METHODS
from speedlead.gateway.limits import read_body
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import conflict, forbidden, missing, not_available
from speedlead.gateway.problems import Problem
from speedlead.intake_text import one_line
from speedlead.store import acceptance, accounts, audit, hooks, our_people, sessions
from speedlead.store.transactions import StoreUnavailable, transact
from speedlead.store.visible import is_visible

log = structlog.get_logger(__name__)

# a message of 20,000 characters, each of three bytes, written as %XX
MAX_BYTES = 262_144
# what the audit keeps of a request: codes, ids and times; never a note or a message that somebody typed. Why a lead was
# changed stands beside it, in a column that goes with the person
ASKED = frozenset({"call_result", "outcome", "at", "until", "scope", "channel", "rep_id", "plan_id", "version", "step",
                   "answer", "role", "active", "question_id", "action", "presence", "capacity", "weight",
                   "change_id", "cover", "level", "from", "to", "mapping", "pick_id", "run_id",
                   "finding_id", "repair_id", "aside", "other", "merge", "domain", "of_domain"})  # fmt: skip
_CODE = re.compile(r"[\w:.+-]{1,80}")


def protect(app: FastAPI, context: Context) -> None:
    """Puts a doorkeeper before every route. Raises LookupError for one that the table does not know."""
    for route in app.router.routes:
        if isinstance(route, Mount):
            doors = {"GET": door("GET", route.path)}
        elif isinstance(route, WebSocketRoute):
            # guarded as the posts of its folder are, by a signature: no cookie is read for a socket
            if (guard := door("POST", route.path)).may is not None or guard.key:
                raise LookupError(f"{route.path}: expected a socket in a folder that a signature guards")
            continue
        elif isinstance(route, Route):
            doors = {method: door(method, route.path) for method in route.methods or ()}
        else:
            raise LookupError(f"{route!r}: expected a route or a mount")
        route.app = Doorkeeper(route.app, context, route.path, doors)


class Doorkeeper:
    def __init__(self, app: ASGIApp, context: Context, path: str, doors: Mapping[str, Door]) -> None:
        self._app = app
        self._context = context
        self._pool = context.deps.pool
        self._path = path
        self._doors = doors
        self._is_page = not path.startswith(("/api/", "/metrics"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._doors.get(scope.get("method", ""))
        if asked is None or (asked.may is None and not asked.key):
            await self._app(scope, receive, send)  # open to everybody, or a method that the route itself refuses
            return
        request = Request(scope, receive)
        if asked.key and (asked.may is None or self._context.guard.has_key(request)):
            self._context.guard.need_key(request)
            if request.method in SAFE_METHODS or "lead_id" not in request.path_params:
                await self._app(scope, receive, send)
            else:
                await self._change(request, None, send)
            return
        try:
            found = await self._admit(request, asked)
        except StoreUnavailable:
            if not self._is_page:
                raise
            found = not_available()
        if isinstance(found, Response):
            await found(scope, receive, send)
            return
        scope["speedlead.who"] = found
        mark = CURRENT.set(found)
        try:
            if request.method in SAFE_METHODS:
                await self._app(scope, receive, send)
            else:
                await self._change(request, found, send)
        finally:
            CURRENT.reset(mark)

    # ── may they ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _admit(self, request: Request, asked: Door) -> Who | Response:
        """The person, or the answer to somebody who may not. Raises Problem for the API."""
        token, wall = read_cookie(request, self._context.deps.settings), self._context.deps.clock.wall()
        # a page that refreshes, or listens, is no sign of a person
        by_itself = "hx-request" in request.headers or "text/event-stream" in request.headers.get("accept", "")

        async def look(conn: Any) -> tuple[Who | None, bool, str | None]:
            session = await sessions.session_of(conn, token, wall) if token else None
            if session is None or token is None:
                return None, False, None
            if not by_itself:
                await sessions.note_seen(conn, token, session, wall)
            who = Who(session.account_id, session.email, session.name, Role(session.role), session.own_rep_id,
                      session.acting_rep_id, token)  # fmt: skip
            meets = await self._meets(conn, request, asked, who)
            return who, meets, None if meets else await _too_late(conn, request, who)

        who, meets, late = await transact(self._pool, look)
        if who is None:
            return self._unknown(request)
        if asked.may is not None and not who.may(asked.may):
            if not self._is_page:
                raise Problem(403, f"The role {who.role} may not do this.", reason="role")
            mark = CURRENT.set(who)
            try:
                return forbidden(f"Your role here is {who.role}; this is not part of it.")
            finally:
                CURRENT.reset(mark)
        if late is not None:
            if not self._is_page:
                raise Problem(409, f"The lead refused: {late}", reason=late)
            return conflict("This lead is not with you any more", late)
        if not meets:
            if not self._is_page:
                raise Problem(404, "There is no such lead.")
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        return who

    async def _meets(self, conn: Any, request: Request, asked: Door, who: Who) -> bool:
        """Is every lead that the request names one that this person meets?"""
        named = [request.path_params.get("lead_id"), request.query_params.get(asked.lead) if asked.lead else None]
        leads = [lead_id for text in named if text and (lead_id := parse_id(str(text).strip()))]
        if asked.lead and leads and who.leads is Leads.NONE:
            return False
        return all([await is_visible(conn, lead_id, who.leads, who.rep_id) for lead_id in leads])

    def _unknown(self, request: Request) -> Response:
        if not self._is_page:
            raise Problem(401, "Sign in, or send an API key as 'Authorization: Bearer <api key>' or as X-Api-Key.",
                          headers={"WWW-Authenticate": 'Bearer realm="speedlead"'})  # fmt: skip
        if "hx-request" in request.headers:  # the whole page goes to the sign-in, not a part of it
            return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        here = f"?next={quote(wanted, safe='/')}" if request.method in SAFE_METHODS and wanted != "/" else ""
        return RedirectResponse(f"/sign-in{here}", status_code=303)

    # ── what they change ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _change(self, request: Request, who: Who | None, send: Send) -> None:
        """Lets a change through that a machine (None) asks of a lead, or a person on a page of ours, between the two
        halves of its line in the audit."""
        body = await read_body(request, MAX_BYTES)
        fields = await _fields(request, body)
        given = request.headers.get("x-csrf-token") or str(fields.get("csrf") or "")
        if who is not None and not compare_digest(given.encode("utf-8", "replace"), who.csrf.encode()):
            if not self._is_page:
                raise Problem(403, "Send the page's token as X-CSRF-Token.", reason="csrf")
            refused = forbidden("This form is from an earlier sign-in. Please go back, load the page anew, try again.")
            await refused(request.scope, request.receive, send)
            return
        line = Line(self._context, self._path, request, who, fields)
        try:
            await line.begin()
            request.scope["speedlead.line"] = line
        except StoreUnavailable:
            if not self._is_page:
                raise
            await not_available()(request.scope, request.receive, send)
            return

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                await line.end(message["status"])
            await send(message)

        await self._app(request.scope, _again(body, request.receive), watched)


class Line:
    """One line of the audit: begun before the change, ended when it is answered."""

    def __init__(
        self, context: Context, path: str, request: Request, who: Who | None, fields: Mapping[str, Any]
    ) -> None:
        self._pool, self._wall = context.deps.pool, context.deps.clock.wall()
        named = {name: str(value) for name, value in request.path_params.items()}
        ids = (parse_id(named.get(name, "")) for name in ("lead_id", "account_id", "rep_id"))
        self._lead, self._account, self._rep = ids
        # a machine says in whose name it asks
        names = ASKED if who else ASKED | {"by"}
        kept = {name: str(value) for name, value in (dict(fields) | named).items() if name in names and value}
        self._hook = parse_id(named.get("hook_id", ""))
        about = self._lead or self._account or self._rep or self._hook or parse_id(named.get("notice_id", ""))
        reason = one_line(str(fields.get("reason") or ""))[:LONGEST_REASON] if self._lead else ""
        self._change = audit.Change(
            account_id=who.account_id if who else None,
            role=who.role if who else "api key",
            rep_id=who.rep_id if who else None,
            action=path,
            object=about or (who.account_id if who else None),
            asked={name: text for name, text in kept.items() if _CODE.fullmatch(text)},
            note=reason or None,
        )
        self._id: int | None = None
        self._made: str | None = None
        self._told: dict[str, str] = {}

    def about(self, account_id: str) -> None:
        """Says which account the change has made: the request could not name it."""
        self._made = self._account = account_id

    def about_rep(self, rep_id: str) -> None:
        """The same for one of our people, and for a change whose path does not name them."""
        self._made = self._rep = rep_id

    @property
    def request_id(self) -> str:
        """For the id of an update that is asked for this change: its workflow writes no line of its own then."""
        return self._change.request_id

    def about_hook(self, hook_id: str) -> None:
        """The same for a webhook endpoint."""
        self._made = self._hook = hook_id

    def tell(self, told: Mapping[str, str]) -> None:
        """What the change came to, where no fact may say it: such as of an address that is kept sealed."""
        self._told |= told

    async def begin(self) -> None:
        async def write(conn: Any) -> int:
            return await audit.begin(conn, self._change, await self._facts(conn), self._wall)

        self._id = await transact(self._pool, write)

    async def end(self, status: int) -> None:
        async def write(conn: Any) -> None:
            assert self._id is not None
            facts = await self._facts(conn)
            after = {**(facts or {}), **self._told} if self._told else facts
            await audit.end(conn, self._id, after, status, made=self._made)

        # the change is made: its answer does not wait for a database that has just gone away
        with contextlib.suppress(StoreUnavailable):
            await transact(self._pool, write)

    async def _facts(self, conn: Any) -> dict[str, Any] | None:
        if self._lead:
            return await audit.lead_facts(conn, self._lead)
        if self._account and (found := await accounts.account(conn, self._account)):
            return {"role": found.role, "active": found.active, "has_password": found.has_password,
                    "review_mail": found.review_mail}  # fmt: skip
        if self._rep:
            return await our_people.rep_facts(conn, self._rep)
        if self._hook:
            return await hooks.facts(conn, self._hook)
        return None


async def _too_late(conn: Any, request: Request, who: Who) -> str | None:
    """To who was asked and answers too late it is said who has the lead now: this, and nothing else of it."""
    lead_id = parse_id(str(request.path_params.get("lead_id", "")))
    answers = request.method == "POST" and request.url.path.endswith(("/accept", "/decline"))
    if not answers or lead_id is None or who.rep_id is None:
        return None
    return await acceptance.too_late(conn, lead_id, who.rep_id)


async def _fields(request: Request, body: bytes) -> dict[str, Any]:
    """What was sent, as far as it can be read; whoever serves it says what is wrong with it."""
    content_type = request.headers.get("content-type", "")
    try:
        if content_type.partition(";")[0].strip().lower() in JSON_TYPES:
            return dict(read_object(body)) if body else {}
        return {name: values[-1] for name, values in (await read_form(content_type, body)).items()}
    except Problem:
        return {}


def _again(body: bytes, then: Receive) -> Receive:
    """The body once more, for the handler."""
    parts = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(parts, None) or await then()

    return receive
