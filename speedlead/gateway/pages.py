"""The pages that people look at: form, lead, ops. Server-rendered; htmx refreshes what changes.

Nothing here decides: pages read rows (`store/views.py`), and what a page changes goes through `page_actions.py`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from speedlead.domain.steering import ACTIONS
from speedlead.gateway import rendering
from speedlead.gateway.access.table import May
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.capacity_page import add_capacity_page
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.lead_context import lead_context
from speedlead.gateway.lead_steering import add_lead_steering
from speedlead.gateway.numbers.page import add_numbers_page
from speedlead.gateway.page_actions import SAID, Mistake, Typed, add_page_actions, parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.preview_page import add_preview_page
from speedlead.gateway.rendering import render
from speedlead.gateway.rep_page import add_rep_page
from speedlead.gateway.script_page import add_script_page
from speedlead.gateway.steering_page import may_ask
from speedlead.gateway.templates_page import add_templates_page
from speedlead.lead_filter import read_leniently, written
from speedlead.store import views
from speedlead.store.transactions import transact
from speedlead.store.view_models import LeadCard, NoticeView
from speedlead.store.waiting_pool import pool_now


@dataclass(frozen=True, slots=True)
class Item:
    """A lead in a list, with its own present."""

    card: LeadCard
    now: datetime
    temporal_url: str


class Pages:
    def __init__(self, deps: GatewayDeps) -> None:
        self.deps = deps

    def routes(self) -> list[Route]:
        pages = {
            "/": self.start,
            "/form": self.form,
            "/ops/leads": self.ops,
            "/ops/table": self.ops_table,
            "/leads/{lead_id}": self.lead,
            "/leads/{lead_id}/live": self.lead_live,
        }
        return [Route(path, answered(page)) for path, page in pages.items()]

    async def start(self, request: Request) -> Response:
        settings = self.deps.settings
        return render("start.html", {
            "company_name": settings.company_name,
            "sandbox_url": settings.sandbox_url if settings.uses_sandbox else None,
            "temporal_url": f"http://127.0.0.1:{settings.temporal_ui_port}/namespaces/{settings.temporal_namespace}",
        })  # fmt: skip

    async def form(self, request: Request) -> Response:
        # a link may fill the form in, and its marks travel along: /form?intent=pricing&utm_source=newsletter
        pairs = request.query_params.multi_items()
        given = {name: text for name, text in pairs if name in rendering.LINKED_FIELDS}
        more = [(name, text) for name, text in pairs if name not in rendering.FORM_FIELDS]
        return rendering.form_page(self.deps.settings, values=given, more=more)

    # ── one lead ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def lead(self, request: Request) -> Response:
        return await self.lead_page(request, Typed(), None)

    async def lead_page(self, request: Request, typed: Typed, problem: Mistake | None) -> Response:
        """The lead's page; with a problem it answers 422 and keeps what was typed."""
        context = await self._lead(request)
        if context is None:
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        context |= {"live": is_live(request), "typed": typed, "problem": problem, "said_text": said(request)}
        return render("lead.html", context, 422 if problem else 200)

    async def lead_live(self, request: Request) -> Response:
        context = await self._lead(request)
        return Response(status_code=204) if context is None else render("lead_live.html", context)

    async def _lead(self, request: Request) -> dict[str, Any] | None:
        lead_id = parse_id(request.path_params["lead_id"])
        return await lead_context(self.deps, lead_id) if lead_id else None

    # ── all leads ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def ops(self, request: Request) -> Response:
        context = await self._table(request)
        reps = await transact(self.deps.pool, views.reps)
        context |= {"owners": [(rep.rep_id, rep.name) for rep in reps], "live": is_live(request)}
        return render("ops.html", context)

    async def ops_table(self, request: Request) -> Response:
        return render("ops_table.html", await self._table(request))

    async def _table(self, request: Request) -> dict[str, Any]:
        person = signed_in(request)
        filters = replace(read_leniently(request.query_params), leads=person.leads, rep_id=person.rep_id)
        cards = await transact(self.deps.pool, lambda conn: views.open_leads(conn, filters))
        counters = await transact(self.deps.pool, lambda conn: views.counters(conn, self.deps.clock.wall()))
        notices = []
        if person.may(May.RUN_HOUSE):
            notices = await transact(self.deps.pool, lambda conn: views.unseen_notices(conn, None))
        return {
            "filters": filters,
            "query": urlencode(written(filters)),
            "chosen": {"breached": ""} | written(filters),
            "actions": [(name, action.words) for name, action in ACTIONS.items() if may_ask(person, name)],
            "items": [self._item(card) for card in cards],
            "counters": counters,
            "waiting": await transact(self.deps.pool, lambda conn: pool_now(conn, self.deps.clock.wall())),
            "notices": self._notices(notices),
        }

    def _notices(self, notices: list[NoticeView]) -> list[dict[str, Any]]:
        """Each with the present of its lead."""
        return [{"notice": notice, "now": self.deps.clock.business(notice.clock_offset_us)} for notice in notices]

    def _item(self, card: LeadCard) -> Item:
        now = self.deps.clock.business(card.clock_offset_us)
        return Item(card, now, rendering.workflow_url(self.deps.settings, card.lead_id))


def is_live(request: Request) -> bool:
    return request.query_params.get("live") != "off"


def said(request: Request) -> str:
    """What a redirect has to say, by code: never text from the address."""
    return SAID.get(request.query_params.get("said", ""), "")


def add_pages(app: FastAPI, deps: GatewayDeps) -> None:
    """Mounts every page, what the pages post, and /static."""
    pages = Pages(deps)
    app.router.routes.extend(pages.routes())
    add_rep_page(app, deps)
    add_script_page(app, deps)
    add_lead_steering(app, deps, pages.lead_page)  # before the route that takes any name of an action
    add_page_actions(app, deps, pages.lead_page)
    add_preview_page(app, deps)
    add_templates_page(app, deps)
    add_capacity_page(app, deps)
    add_numbers_page(app, deps)
    app.mount("/static", StaticFiles(directory=rendering.STATIC), name="static")
