"""`/leads/{id}/opt-out`: what a lead wrote in words of its own is recorded as an opt-out, by a button beside them."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.gateway.context import Context
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, conflict, missing
from speedlead.optout import Scope
from speedlead.store.optouts import opt_out
from speedlead.store.rows import lock_person_of
from speedlead.store.transactions import transact

_SCOPES: dict[str, Scope] = {"all": "all", "call": "call", "sms": "sms", "email": "email"}


class OptOutPage:
    def __init__(self, context: Context) -> None:
        self._context = context

    async def record(self, request: Request) -> Response:
        deps = self._context.deps
        lead_id, scope = parse_id(request.path_params["lead_id"]), _SCOPES.get(str((await request.form()).get("scope")))
        if scope is None:
            return conflict("Nothing was recorded", "scope: expected all, call, sms or email.")

        async def work(conn: Any) -> tuple[bool, str | None]:
            person_id = None if lead_id is None else await lock_person_of(conn, lead_id)
            if person_id is None:
                return False, None
            return True, await opt_out(conn, deps.clock, person_id, scope, source="rep")

        there, told = await transact(deps.pool, work)
        if not there:
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        if told is not None:
            await self._context.deliver_now(told)
        return RedirectResponse(f"/leads/{lead_id}?said=opted_out", status_code=303)


def add_opt_out_page(app: FastAPI, context: Context) -> None:
    page = OptOutPage(context)
    app.router.routes.append(Route("/leads/{lead_id}/opt-out", answered(page.record), methods=["POST"]))
