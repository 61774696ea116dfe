"""A rep's open leads go to others: who gets how many is shown first, and then one click begins it."""

from collections import Counter
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.domain.hand_over import NoRoom
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.store.hand_over import begin_hand_over, plan_hand_over, rep_named
from speedlead.store.transactions import transact

SPREAD = "spread"
REASON = "handed_over"
_HEIRS = "select id::text as rep_id, name from rep where active and id <> $1 order by manager, name"


class HandOverPage:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def show(self, request: Request) -> Response:
        return await self._page(request, str(request.query_params.get("to") or SPREAD))

    async def carry_out(self, request: Request) -> Response:
        to = str((await request.form()).get("to") or "")
        rep_id = parse_id(request.path_params["rep_id"])
        if rep_id is None or (to != SPREAD and parse_id(to) is None):
            return missing("There is no such person", "The address is incomplete.")
        who = signed_in(request)

        async def write(conn: Any) -> str:
            plan = await plan_hand_over(conn, rep_id, None if to == SPREAD else parse_id(to))
            return await begin_hand_over(
                conn, rep_id, plan, REASON, role=str(who.role), account_id=who.account_id,
                wall=self._deps.clock.wall(), background=True,
            )  # fmt: skip

        try:
            run_id = await transact(self._deps.pool, write)
        except (LookupError, NoRoom):
            return await self._page(request, to)
        return RedirectResponse(f"/ops/steer/{run_id}", status_code=303)

    async def _page(self, request: Request, to: str) -> Response:
        """With what would happen, or why it cannot."""
        rep_id = parse_id(request.path_params["rep_id"])
        if rep_id is None:
            return missing("There is no such person", "The address is incomplete.")

        async def read(conn: Any) -> dict[str, Any] | None:
            whose = await rep_named(conn, rep_id)
            if whose is None:
                return None
            heirs = {row["rep_id"]: row["name"] for row in await conn.fetch(_HEIRS, rep_id)}
            shares: list[tuple[str, int]] = []
            problem = ""
            try:
                plan = await plan_hand_over(conn, rep_id, None if to == SPREAD else parse_id(to) or "")
                shares = sorted((heirs[heir], many) for heir, many in Counter(plan.values()).items())
            except (LookupError, NoRoom) as refused:
                problem = str(refused)
            return {"rep_id": rep_id, "name": whose[1], "heirs": heirs, "shares": shares, "problem": problem}

        found = await transact(self._deps.pool, read)
        if found is None:
            return missing("There is no such person", "The address is incomplete.")
        context = found | {"to": to, "spread": SPREAD}
        return render("hand_over.html", context, 422 if found["problem"] else 200)


def add_hand_over_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = HandOverPage(deps)
    path = "/people/{rep_id}/hand-over"
    app.router.routes.append(Route(path, answered(page.show)))
    app.router.routes.append(Route(path, answered(page.carry_out), methods=["POST"]))
