"""The page /review/goals: the goals of the house, in one place (REQ 156), how far they are, and a form to set one."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.domain.goals import AIMS, HORIZONS, GoalProblem, parse_goal
from speedlead.domain.review_week import day_of
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers.shelf import Shelf
from speedlead.gateway.page_errors import answered
from speedlead.gateway.rendering import render
from speedlead.review.goals import Progress, progress
from speedlead.review.words import check_named, shown
from speedlead.store.goals import By, end_goal, set_goal, standing
from speedlead.store.transactions import transact

PATH = "/review/goals"
SAID = {"set": "The goal is set.", "ended": "The goal is ended."}
_WITHIN_S = 60.0


class GoalPage:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps, self._zone = deps, deps.settings.house_zone
        # a cycle time looks at the leads of a year: not anew for everybody who looks
        self._shelf = Shelf(deps)

    async def show(self, request: Request) -> Response:
        return await self._show(request)

    async def set_one(self, request: Request) -> Response:
        form = await _form(request)
        today = day_of(self._deps.clock.wall(), self._zone)
        try:
            goal = parse_goal(
                form.get("aim", ""), form.get("target", ""), form.get("start", ""), form.get("horizon", ""), today
            )
        except GoalProblem as wrong:
            return await self._show(request, wrong, form)
        await transact(self._deps.pool, lambda conn: set_goal(conn, goal, self._by(request)))
        return RedirectResponse(f"{PATH}?said=set", status_code=303)

    async def end(self, request: Request) -> Response:
        aim = request.path_params["aim"]
        done = await transact(self._deps.pool, lambda conn: end_goal(conn, aim, self._by(request)))
        return RedirectResponse(f"{PATH}?said=ended" if done else PATH, status_code=303)

    def _by(self, request: Request) -> By:
        who = signed_in(request)
        return By(who.account_id, str(who.role), self._deps.clock.wall())

    async def _show(
        self, request: Request, wrong: GoalProblem | None = None, typed: Mapping[str, str] | None = None
    ) -> Response:
        today = day_of(self._deps.clock.wall(), self._zone)

        async def look(conn: Any) -> list[Progress]:
            return await progress(conn, today, self._zone)

        async def read() -> list[Progress]:
            return await transact(self._deps.pool, look, within_s=_WITHIN_S)

        known = await transact(self._deps.pool, standing)
        found = await self._shelf.ask(("goals", str(today), *(one.goal_id for one in known)), read)
        given = {"aim": "in_time", "target": "", "start": today.isoformat(), "horizon": "90"} | dict(typed or {})
        return render("goals.html", {
            "goals": found.value, "aims": AIMS.values(),
            "horizons": HORIZONS, "typed": given, "problem": str(wrong) if wrong else "",
            "wrong": wrong.field if wrong else "", "zone": self._zone, "shown": shown, "check_named": check_named,
            "said_text": SAID.get(request.query_params.get("said", ""), ""),
        }, 422 if wrong else 200)  # fmt: skip


async def _form(request: Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.form()).items()}


def add_goal_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = GoalPage(deps)
    for method, path, handler in (
        ("GET", PATH, page.show), ("POST", PATH, page.set_one), ("POST", f"{PATH}/{{aim}}/end", page.end)
    ):  # fmt: skip
        app.router.routes.append(Route(path, answered(handler), methods=[method]))
