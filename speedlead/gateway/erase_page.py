"""`/leads/{id}/erase`: what would go is shown first, then a tick and a button do it; `/export` gives it out before."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from speedlead.erasing import Erased, NotErased, erase_people
from speedlead.export import as_zip
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.store import audit, erasure
from speedlead.store.personal_data import titles
from speedlead.store.transactions import transact


class ErasePage:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def show(self, request: Request) -> Response:
        return await self._page(request)

    async def carry_out(self, request: Request) -> Response:
        _, person_id = await self._person(request)
        if person_id is None:
            return _none()
        if not (await request.form()).get("sure"):
            return await self._page(request, problem="Nothing was erased: please tick the box first.")
        deps = self._deps
        try:
            erased = await erase_people(
                deps.pool, deps.leads, deps.clock, deps.credentials.secret_bytes, [person_id], (),
                by=signed_in(request).account_id, request_id=request.scope["speedlead.line"].request_id,
            )  # fmt: skip
        except NotErased as error:
            return await self._page(request, problem=f"{error}.")
        return await self._page(request, erased=erased)

    async def export(self, request: Request) -> Response:
        lead_id, person_id = await self._person(request)
        if person_id is None:
            return _none()
        who, wall = signed_in(request), self._deps.clock.wall()

        async def read(conn: Any) -> dict[str, list[dict[str, Any]]]:
            # to look at everything is no change, and still somebody should be able to say who did
            change = audit.Change(who.account_id, who.role, None, "/leads/{lead_id}/export", lead_id, {})
            await audit.end(conn, await audit.begin(conn, change, None, wall), None, 200)
            return await erasure.read_all(conn, await erasure.all_of(conn, [person_id]))

        rows = await transact(self._deps.pool, read)
        name = f"personal-data-{str(lead_id)[:8]}.zip"
        return Response(
            as_zip(rows, self._deps.settings.company_name, wall),
            media_type="application/zip",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    async def _person(self, request: Request) -> tuple[str | None, str | None]:
        lead_id = parse_id(request.path_params["lead_id"])
        if lead_id is None:
            return None, None
        return lead_id, await transact(self._deps.pool, lambda conn: erasure.person_of_lead(conn, lead_id))

    async def _page(self, request: Request, *, problem: str = "", erased: Erased | None = None) -> Response:
        lead_id, person_id = await self._person(request)
        if person_id is None:
            return _none()

        async def read(conn: Any) -> dict[str, Any]:
            whose = await erasure.all_of(conn, [person_id])
            counted = {} if erased else titles(await erasure.count(conn, whose))
            others = await erasure.leads_of_each(conn, await erasure.maybe_the_same(conn, person_id))
            return {"leads": len(whose.leads), "open": len(whose.open_leads), "counted": counted, "others": others}

        context = await transact(self._deps.pool, read)
        return render(
            "erase.html", context | {"lead_id": lead_id, "problem": problem, "erased": erased}, 422 if problem else 200
        )


def _none() -> Response:
    return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")


def add_erase_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = ErasePage(deps)
    app.router.routes.append(Route("/leads/{lead_id}/erase", answered(page.show)))
    app.router.routes.append(Route("/leads/{lead_id}/erase", answered(page.carry_out), methods=["POST"]))
    app.router.routes.append(Route("/leads/{lead_id}/export", answered(page.export)))
