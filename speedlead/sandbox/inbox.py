"""The inbox page and its JSON API: what was sent, and buttons that do what people do."""

import json
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ValidationError

from speedlead.sandbox.calls import OVER, Calls
from speedlead.sandbox.faults import FaultPlan, Faults
from speedlead.sandbox.people import Behaviour, People, normal
from speedlead.sandbox.store import Row, Store

Model = TypeVar("Model", bound=BaseModel)
HERE = Path(__file__).parent
REACTIONS = ("reply", "opt_out", "bounce", "out_of_office", "spam_report", "click")
CALL_COMMANDS = {
    "press": "press:1", "answer": "answer", "decline": "decline", "voicemail": "voicemail", "hang_up": "hangup",
}  # fmt: skip
PAGE_ROWS = 60
# mail is shown in a frame of its own: no scripts, no network, no access to this page
FRAME_CSP = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


class Inbox:
    def __init__(self, store: Store, people: People, calls: Calls, faults: Faults, *, gateway_url: str) -> None:
        self._store = store
        self._people = people
        self._calls = calls
        self._faults = faults
        self._gateway_url = gateway_url
        self._pages = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip

    def routes(self) -> list[web.AbstractRouteDef]:
        return [
            web.get("/", self.page),
            web.get("/rows", self.rows),
            web.get("/messages/{id}/html", self.frame),
            web.get("/healthz", self.healthz),
            web.get("/api/messages", self.list_json),
            web.get("/api/messages/{id}", self.one_json),
            web.post("/api/messages/{id}/{action}", self.act),
            web.get("/api/people", self.all_people),
            web.get("/api/people/{address}", self.get_person),
            web.put("/api/people/{address}", self.put_person),
            web.post("/people", self.person_form),
            web.get("/api/faults", self.get_faults),
            web.put("/api/faults", self.put_faults),
            web.static("/static", HERE / "static"),
        ]

    # pages

    async def page(self, request: web.Request) -> web.Response:
        return self._render("inbox.html", request)

    async def rows(self, request: web.Request) -> web.Response:
        """The list alone, for the refresh."""
        return self._render("rows.html", request)

    async def frame(self, request: web.Request) -> web.Response:
        row = self._row(request)
        return web.Response(text=row.html, content_type="text/html", headers={"Content-Security-Policy": FRAME_CSP})

    def _render(self, template: str, request: web.Request) -> web.Response:
        channel = request.query.get("channel", "")
        rows = self._store.find(limit=PAGE_ROWS, channel=channel, recipient=request.query.get("to", ""))
        html = self._pages.get_template(template).render(
            rows=[(row, self._behaviour_of(row), row.status in OVER) for row in rows], channel=channel,
            to=request.query.get("to", ""), gateway_url=self._gateway_url,
        )  # fmt: skip
        return web.Response(text=html, content_type="text/html")

    def _behaviour_of(self, row: Row) -> Behaviour | None:
        return self._people.behaviour(row.recipient) if row.direction != "inbound" else None

    # JSON

    async def healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def list_json(self, request: web.Request) -> web.Response:
        query = request.query
        limit = int(query["limit"]) if query.get("limit", "").isdigit() else 100
        rows = self._store.find(
            limit=min(limit, 10_000), channel=query.get("channel"), recipient=_address(query.get("to")),
            touch_id=query.get("touch"),
        )  # fmt: skip
        return web.json_response([row.as_json() for row in rows])

    async def one_json(self, request: web.Request) -> web.Response:
        return web.json_response(self._row(request).as_json())

    async def act(self, request: web.Request) -> web.Response:
        """POST /api/messages/{id}/{action}: a reaction, or for a call press, answer, decline, hang_up."""
        row, action = self._row(request), request.match_info["action"]
        text = await _text(request)
        if row.channel == "call":
            if action not in CALL_COMMANDS:
                return _problem(404, "Not an action of a call", action)
            if not self._calls.command(row, CALL_COMMANDS[action]):
                return _problem(409, "The call is over", row.status)
        elif action not in REACTIONS:
            return _problem(404, "Not an action of a message", action)
        else:
            try:
                await self._people.react(row, action, text)
            except ValueError as error:
                return _problem(409, "This message has no such action", str(error))
        return _done(request, row.id)

    async def all_people(self, _request: web.Request) -> web.Response:
        return web.json_response(self._store.people())

    async def get_person(self, request: web.Request) -> web.Response:
        return web.json_response(self._people.behaviour(request.match_info["address"]).model_dump())

    async def put_person(self, request: web.Request) -> web.Response:
        behaviour = await _body(request, Behaviour)
        self._people.set_behaviour(request.match_info["address"], behaviour)
        return web.json_response(behaviour.model_dump())

    async def person_form(self, request: web.Request) -> web.Response:
        """One setting of one address, from the page."""
        form = await request.post()
        address, name, value = (str(form.get(k, "")) for k in ("address", "setting", "value"))
        if name not in ("rep", "call", "email", "sms"):
            return _problem(400, "Unknown setting", name)
        current = self._people.behaviour(address).model_dump(exclude_unset=True)
        try:
            self._people.set_behaviour(address, Behaviour.model_validate({**current, name: value}))
        except ValidationError:
            return _problem(400, "Not a value of this setting", value)
        return _done(request, str(form.get("message", "")))

    async def get_faults(self, _request: web.Request) -> web.Response:
        return web.json_response(self._faults.plan.model_dump(by_alias=True))

    async def put_faults(self, request: web.Request) -> web.Response:
        self._faults.set(await _body(request, FaultPlan))
        return web.json_response(self._faults.plan.model_dump(by_alias=True))

    def _row(self, request: web.Request) -> Row:
        row = self._store.get(request.match_info["id"])
        if row is None:
            text = json.dumps({"title": "No such message", "status": 404})
            raise web.HTTPNotFound(text=text, content_type="application/problem+json")
        return row


def _address(value: str | None) -> str | None:
    # a plus sign in a query is a blank when somebody forgot to encode it
    return normal(value if "@" in value else "+" + value.strip().lstrip("+")) if value else None


async def _body(request: web.Request, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(await request.read() or b"{}")
    except ValidationError as error:
        first = error.errors()[0]
        detail = f"{'.'.join(str(part) for part in first['loc']) or 'body'}: {first['msg']}"
        text = json.dumps({"title": "Not understood", "status": 400, "detail": detail})
        raise web.HTTPBadRequest(text=text, content_type="application/problem+json") from None


async def _text(request: web.Request) -> str:
    if request.content_type == "application/json":
        try:
            body: Any = await request.json()
        except ValueError:
            return ""
        return str(body.get("text", "")) if isinstance(body, dict) else ""
    return str((await request.post()).get("text", ""))


def _problem(status: int, title: str, detail: str) -> web.Response:
    body = {"title": title, "status": status, "detail": detail}
    return web.json_response(body, status=status, content_type="application/problem+json")


def _done(request: web.Request, message_id: str) -> web.Response:
    """A form without JavaScript goes back to its message; programs get 204."""
    if "text/html" in request.headers.get("Accept", ""):
        raise web.HTTPSeeOther(f"/#m-{message_id}")
    return web.Response(status=204)
