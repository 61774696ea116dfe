"""A rep's open leads go to others: who gets how many is shown first, and then one click does it."""

from collections import Counter
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from speedlead.domain.hand_over import NoRoom
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.hand_over import Handed, hand_over
from speedlead.store.hand_over import plan_hand_over, rep_named
from speedlead.store.transactions import transact

SPREAD = "spread"
REASON = "handed_over"
_HEIRS = "select id::text as rep_id, name from rep where active and id <> $1 order by manager, name"


class HandOverPage:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def show(self, request: Request) -> Response:
        return await self._page(request, str(request.query_params.get("to") or SPREAD), None)

    async def carry_out(self, request: Request) -> Response:
        to = str((await request.form()).get("to") or "")
        rep_id = parse_id(request.path_params["rep_id"])
        if rep_id is None or (to != SPREAD and parse_id(to) is None):
            return missing("There is no such person", "The address is incomplete.")
        try:
            plan = await transact(
                self._deps.pool, lambda conn: plan_hand_over(conn, rep_id, None if to == SPREAD else parse_id(to))
            )
        except (LookupError, NoRoom):
            return await self._page(request, to, None)
        done = await hand_over(self._deps.leads, plan, by=signed_in(request).account_id, reason=REASON)
        return await self._page(request, to, done)

    async def _page(self, request: Request, to: str, done: Handed | None) -> Response:
        """With what would happen, or why it cannot; after it was done, with what is left."""
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
        context = found | {"to": to, "spread": SPREAD, "done": done}
        return render("hand_over.html", context, 422 if found["problem"] else 200)


def add_hand_over_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = HandOverPage(deps)
    path = "/people/{rep_id}/hand-over"
    app.router.routes.append(Route(path, answered(page.show)))
    app.router.routes.append(Route(path, answered(page.carry_out), methods=["POST"]))
