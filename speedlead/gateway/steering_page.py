"""Ask one thing of all leads that a filter finds: first what would happen, then the run, with how far it is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.domain.steering import (
    ACTIONS,
    FASTEST,
    PACE,
    BadRequest,
    action_named,
    action_of,
    checked,
    mark_of,
    plan_named,
)
from speedlead.gateway.access.table import May
from speedlead.gateway.access.who import Who, signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, forbidden, missing
from speedlead.gateway.rendering import render
from speedlead.intake_text import one_line
from speedlead.lead_filter import FilterError, read_filter, written
from speedlead.store import steering as rows
from speedlead.store import views
from speedlead.store.plans import plan_of
from speedlead.store.transactions import transact

PATH = "/ops/steer"
EXAMPLES = 10
_NOT_THEIRS = "Those who publish plans move many leads to another one; a single lead is moved on its page."
# `to_plan`: `plan` is the filter's
_FIELDS = ("reason", "until", "step", "rep_id", "to_plan", "pace")
_PLANS = "select id || ':' || version as plan from plan order by id, version desc"


class SteeringPage:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def show(self, request: Request) -> Response:
        """The runs; with an action in the address what it would meet."""
        if request.query_params.get("action"):
            return await self._preview(request, request.query_params, "")
        return render("steering_runs.html", {"runs": await transact(self._deps.pool, rows.latest_runs)})

    async def begin(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        person = signed_in(request)
        try:
            action, filters = action_named(form.get("action", "")), read_filter(form)
            if not may_ask(person, action):
                return forbidden(_NOT_THEIRS)
            asked, reason, pace = _asked(action, form), one_line(form.get("reason", "")), _pace(form.get("pace", ""))
            asked = checked(action, asked, reason)
        except (BadRequest, FilterError) as wrong:
            return await self._preview(request, form, str(wrong))
        theirs = replace(filters, leads=person.leads, rep_id=person.rep_id)

        async def write(conn: Any) -> str | None:
            leads = await views.matching(conn, theirs)
            if not leads or mark_of(leads) != form.get("seen"):
                return None
            if action == "change_plan":
                await plan_of(conn, asked["plan_id"], asked["version"])
            wanted = rows.Wanted(
                action=action,
                asked=asked,
                reason=reason,
                leads={lead_id: {} for lead_id in leads},
                filter=written(filters),
                role=str(person.role),
                account_id=person.account_id,
                pace=pace,
                background=True,
            )
            return await rows.begin_run(conn, wanted, self._deps.clock.wall())

        try:
            run_id = await transact(self._deps.pool, write)
        except LookupError as wrong:
            return await self._preview(request, form, str(wrong))
        if run_id is None:
            return await self._preview(request, form, "Other leads match by now: please look again")
        return RedirectResponse(f"{PATH}/{run_id}", status_code=303)

    async def run(self, request: Request) -> Response:
        return await self._run(request, "steering_run.html")

    async def live(self, request: Request) -> Response:
        return await self._run(request, "steering_live.html")

    async def hold(self, request: Request) -> Response:
        """Nothing more is asked until somebody goes on; what is on its way is done."""
        return await self._held(request, hold=True)

    async def go_on(self, request: Request) -> Response:
        return await self._held(request, hold=False)

    async def _held(self, request: Request, *, hold: bool) -> Response:
        run_id = parse_id(request.path_params["run_id"])
        if run_id is None:
            return missing("There is no such run", "The address is incomplete.")
        wall = self._deps.clock.wall() if hold else None
        await transact(self._deps.pool, lambda conn: rows.hold_run(conn, run_id, wall, background=not hold))
        return RedirectResponse(f"{PATH}/{run_id}", status_code=303)

    async def _run(self, request: Request, template: str) -> Response:
        run_id = parse_id(request.path_params["run_id"])
        run = await transact(self._deps.pool, lambda conn: rows.run_of(conn, run_id)) if run_id else None
        if run is None:
            return missing("There is no such run", "The address is incomplete.")
        left = await transact(self._deps.pool, lambda conn: rows.not_done(conn, run.run_id))
        return render(template, {"run": run, "left": left, "action": action_of(run.action).words})

    async def _preview(self, request: Request, given: Mapping[str, str], problem: str) -> Response:
        person = signed_in(request)
        try:
            action, filters = action_named(given.get("action", "")), read_filter(given)
        except (BadRequest, FilterError) as wrong:
            return render("missing.html", {"title": "This cannot be asked", "text": f"{wrong}."}, 422)
        if not may_ask(person, action):
            return forbidden(_NOT_THEIRS)
        theirs = replace(filters, leads=person.leads, rep_id=person.rep_id)

        async def read(conn: Any) -> dict[str, Any]:
            leads = await views.matching(conn, theirs)
            return {
                "count": len(leads),
                "seen": mark_of(leads),
                "cards": await views.open_leads(conn, replace(theirs, limit=EXAMPLES)),
                "owners": [(rep.rep_id, rep.name) for rep in await views.reps(conn)],
                "plans": [row["plan"] for row in await conn.fetch(_PLANS)],
            }

        found = await transact(self._deps.pool, read)
        chosen = written(filters)
        context = {
            "name": action, "action": ACTIONS[action], "chosen": chosen, "query": urlencode(chosen),
            "typed": {name: given.get(name, "") for name in _FIELDS}, "problem": problem, "pace": PACE,
            "fastest": FASTEST,
        }  # fmt: skip
        return render("steering.html", found | context, 422 if problem else 200)


def may_ask(person: Who, action: str) -> bool:
    """Many leads go to another plan by those who publish plans; a single one by its page."""
    return action != "change_plan" or person.may(May.PUBLISH_PLANS)


def _asked(action: str, form: Mapping[str, str]) -> dict[str, Any]:
    """What the form says that this action needs or takes. Raises BadRequest."""
    known = ACTIONS[action]
    asked: dict[str, Any] = {name: form.get(name, "").strip() for name in (*known.needs, *known.takes) if name in form}
    if asked.get("until"):
        asked["until"] += "Z"  # a date and a time of day, in UTC as the form says
    if "plan_id" in known.needs and form.get("to_plan"):
        asked |= plan_named(form["to_plan"])
    return asked


def _pace(text: str) -> float:
    try:
        pace = float(text or PACE)
    except ValueError:
        pace = 0
    if not 0 < pace <= FASTEST:
        raise BadRequest(f"pace: expected more than 0 and at most {FASTEST:g} leads a second")
    return pace


def add_steering_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = SteeringPage(deps)
    app.router.routes.extend(
        Route(path, answered(handler), methods=[method])
        for method, path, handler in (
            ("GET", PATH, page.show),
            ("POST", PATH, page.begin),
            ("GET", f"{PATH}/{{run_id}}", page.run),
            ("GET", f"{PATH}/{{run_id}}/live", page.live),
            ("POST", f"{PATH}/{{run_id}}/hold", page.hold),
            ("POST", f"{PATH}/{{run_id}}/go-on", page.go_on),
        )
    )
