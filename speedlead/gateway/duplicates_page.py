"""The page /duplicates: entries that may be one person, side by side, to be merged or not; domains of one company.

Everything is named by a lead of the person, as everywhere: the audit and who may see what go by leads.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.enrichment.mail_domains import domain_of
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.context import Context
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.store import company_alike
from speedlead.store.duplicates import dismiss, open_pairs, open_proposals
from speedlead.store.erasure import person_of_lead
from speedlead.store.merges import is_of, merges
from speedlead.store.merging import Asked, MergeRefused, merge
from speedlead.store.transactions import transact
from speedlead.store.unmerging import Unmerged, undo

PATH = "/duplicates"
MOST = 25
SAID = {
    "merged": "They are one person now. Below it can be undone.",
    "dismissed": "They stay two, and are not proposed again.",
    "undone": "They are two again, and are not proposed again.",
    "joined": "They are one company now.",
    "parted": "They are two companies, and are not proposed again.",
}


class DuplicatesPage:
    def __init__(self, context: Context) -> None:
        self._context, self._deps = context, context.deps

    async def show(self, request: Request) -> Response:
        return await self._page(SAID.get(request.query_params.get("said", ""), ""))

    async def merge(self, request: Request) -> Response:
        async def work(conn: Any, one: str, other: str) -> tuple[str, ...]:
            who = signed_in(request)
            asked = Asked(one, other, keep=one, account_id=who.account_id, role=str(who.role))
            return (await merge(conn, self._deps.clock, asked)).told

        return await self._on_two(request, work, "merged")

    async def dismiss(self, request: Request) -> Response:
        async def work(conn: Any, one: str, other: str) -> tuple[str, ...]:
            await dismiss(conn, one, other, self._deps.clock.wall())
            return ()

        return await self._on_two(request, work, "dismissed")

    async def undo(self, request: Request) -> Response:
        lead_id = parse_id(request.path_params["lead_id"])
        merge_id = parse_id(str((await request.form()).get("merge") or ""))
        if lead_id is None or merge_id is None:
            return _none()

        async def write(conn: Any) -> Unmerged | None:
            # the audit names the lead of the path
            return await undo(conn, self._deps.clock, merge_id) if await is_of(conn, merge_id, lead_id) else None

        try:
            undone = await transact(self._deps.pool, write)
        except MergeRefused as refused:
            return await self._page(problem=str(refused))
        if undone is None:
            return _none()
        await self._context.deliver_now(*undone.told)
        return RedirectResponse(f"{PATH}?said=undone", status_code=303)

    async def join(self, request: Request) -> Response:
        return await self._on_domains(request, company_alike.join, "joined")

    async def part(self, request: Request) -> Response:
        return await self._on_domains(request, company_alike.part, "parted")

    async def _on_domains(
        self, request: Request, work: Callable[[Any, str, str, datetime], Awaitable[None]], said: str
    ) -> Response:
        form = await request.form()
        domain, of_domain = (domain_of(str(form.get(name) or "")) for name in ("domain", "of_domain"))
        if domain is None or of_domain is None:
            return missing("There is no such company", "Expected two domains such as acme.com.")
        wall = self._deps.clock.wall()
        try:
            await transact(self._deps.pool, lambda conn: work(conn, domain, of_domain, wall))
        except MergeRefused as refused:
            return await self._page(problem=str(refused))
        return RedirectResponse(f"{PATH}?said={said}", status_code=303)

    async def _on_two(
        self, request: Request, work: Callable[[Any, str, str], Awaitable[tuple[str, ...]]], said: str
    ) -> Response:
        """What is asked of the people of two leads: the one in the path stays."""
        lead_id = parse_id(request.path_params["lead_id"])
        other_id = parse_id(str((await request.form()).get("other") or ""))
        if lead_id is None or other_id is None:
            return _none()

        async def write(conn: Any) -> tuple[str, ...] | None:
            one, other = await person_of_lead(conn, lead_id), await person_of_lead(conn, other_id)
            return None if one is None or other is None else await work(conn, one, other)

        try:
            told = await transact(self._deps.pool, write)
        except MergeRefused as refused:
            return await self._page(problem=str(refused))
        if told is None:
            return _none()
        await self._context.deliver_now(*told)
        return RedirectResponse(f"{PATH}?said={said}", status_code=303)

    async def _page(self, said: str = "", problem: str = "") -> Response:
        async def read(conn: Any) -> dict[str, Any]:
            return {"pairs": await open_pairs(conn, MOST), "open": await open_proposals(conn),
                    "merges": await merges(conn, MOST), "alike": await company_alike.pairs(conn, limit=MOST),
                    "joined": await company_alike.pairs(conn, ("joined",), MOST)}  # fmt: skip

        found = await transact(self._deps.pool, read)
        context = found | {"said_text": said, "problem": problem, "zone": self._deps.settings.house_zone}
        return render("duplicates.html", context, 409 if problem else 200)


def _none() -> Response:
    return missing("There is no such person", "They may have been erased, or the address is incomplete.")


def add_duplicates_page(app: FastAPI, context: Context) -> None:
    page = DuplicatesPage(context)
    app.router.routes.extend([
        Route(PATH, answered(page.show)),
        *(Route(f"{PATH}/{{lead_id}}/{name}", answered(handler), methods=["POST"]) for name, handler in (
            ("merge", page.merge), ("dismiss", page.dismiss), ("undo", page.undo))),
        *(Route(f"{PATH}/companies/{name}", answered(handler), methods=["POST"]) for name, handler in (
            ("join", page.join), ("part", page.part))),
    ])  # fmt: skip
