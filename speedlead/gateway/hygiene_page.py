"""The pages /hygiene: what the newest look at the base found, what was put right by itself, and files of both."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.domain.hygiene import ADVICE, ASIDE, TITLES
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers import charts
from speedlead.gateway.numbers.charts import Bar
from speedlead.gateway.numbers.tables import percent
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.hygiene import tables, words
from speedlead.store import hygiene_findings as store
from speedlead.store.duplicates import open_proposals
from speedlead.store.hygiene import ValidWeek, valid_weeks
from speedlead.store.hygiene_repairs import repairs, undo
from speedlead.store.transactions import transact

PATH = "/hygiene"
SAID = {
    "begun": "A look at the base has begun; it takes some seconds for each ten thousand people.",
    "running": "A look is under way already.",
    "aside": "It is set aside until it changes.",
    "back": "It is on the list again.",
    "undone": "It is written as before, and stays so.",
    "changed": "Nothing was undone: something else stands there by now.",
    "held": "Nothing was undone: an opt-out, or somebody else with that number, holds for it as it is written now.",
}
# of a list; the file has them all
MOST, MOST_REPAIRS = 100, 20
_WEEKS = 12
# a file of a large house is some seconds of reading
_WITHIN_S = 60.0


class HygienePage:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps, self._zone = deps, deps.settings.house_zone

    async def overview(self, request: Request) -> Response:
        wall = self._deps.clock.wall()

        async def read(conn: Any) -> dict[str, Any]:
            runs = await store.newest(conn, 2)
            return {
                "run": runs[0] if runs else None,
                "before": runs[1].found if len(runs) > 1 else None,
                "running": await store.under_way(conn),
                "counts": await store.counts(conn),
                "aside": await store.counts(conn, aside=True),
                "duplicates": await open_proposals(conn),
                "repairs": await repairs(conn, MOST_REPAIRS),
                "weeks": await valid_weeks(conn, self._zone, wall, _WEEKS),
            }

        found = await transact(self._deps.pool, read, within_s=_WITHIN_S)
        return render("hygiene.html", found | {
            "titles": TITLES, "zone": self._zone, "picture": picture(found["weeks"]), "what": words.WHAT,
            "keep_days": self._deps.settings.keep_leads_days, "said_text": _said(request),
        })  # fmt: skip

    async def of_kind(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in TITLES:
            return missing("There is no such list", f"Expected one of {', '.join(TITLES)}.")

        async def read(conn: Any) -> dict[str, Any]:
            return {
                "many": (await store.counts(conn))[kind],
                "found": await store.findings(conn, kind, MOST),
                "set_aside": await store.findings(conn, kind, MOST, aside=True),
            }

        found = await transact(self._deps.pool, read)
        return render("hygiene_kind.html", found | {
            "kind": kind, "title": TITLES[kind], "advice": ADVICE[kind], "reasons": ASIDE, "who": words.who,
            "what": words.what, "day": words.day, "zone": self._zone, "most": MOST, "said_text": _said(request),
        })  # fmt: skip

    async def csv(self, request: Request) -> Response:
        name, wall = request.path_params["name"], self._deps.clock.wall()
        if name not in tables.NAMES:
            return missing("There is no such table", f"Expected one of {', '.join(tables.NAMES)}.")
        table = await transact(
            self._deps.pool, lambda conn: tables.table_of(conn, name, self._zone, wall), within_s=_WITHIN_S
        )  # fmt: skip
        headers = {"Content-Disposition": f'attachment; filename="speedlead-{name}.csv"'}
        return Response(table.csv(), media_type="text/csv; charset=utf-8", headers=headers)

    async def look(self, _: Request) -> Response:
        begun = await transact(self._deps.pool, lambda conn: store.begin(conn, None, self._deps.clock.wall()))
        return _back("", "begun" if begun else "running")

    async def aside(self, request: Request) -> Response:
        finding_id, reason = parse_id(request.path_params["finding_id"]), str((await request.form()).get("aside") or "")
        kind = await self._kind(finding_id)
        if finding_id is None or kind is None or reason not in ASIDE:
            return missing("That is not on the list any more", "A newer look did not find it again, or no reason was "
                           f"given: one of {', '.join(ASIDE)}.")  # fmt: skip
        by = signed_in(request).email
        await transact(
            self._deps.pool, lambda conn: store.put_aside(conn, finding_id, reason, by, self._deps.clock.wall())
        )
        return _back(f"/{kind}", "aside")

    async def back(self, request: Request) -> Response:
        finding_id = parse_id(request.path_params["finding_id"])
        kind = await self._kind(finding_id)
        if finding_id is None or kind is None:
            return missing("That is not on the list any more", "A newer look did not find it again.")
        await transact(self._deps.pool, lambda conn: store.take_back(conn, finding_id))
        return _back(f"/{kind}", "back")

    async def undo(self, request: Request) -> Response:
        repair_id = parse_id(request.path_params["repair_id"])
        said = "unknown" if repair_id is None else await transact(
            self._deps.pool, lambda conn: undo(conn, repair_id, self._deps.clock.wall())
        )  # fmt: skip
        if said == "unknown":
            return missing("There is nothing to undo", "It was undone before, or the person was erased.")
        return _back("", said)

    async def _kind(self, finding_id: str | None) -> str | None:
        if finding_id is None:
            return None
        return await transact(self._deps.pool, lambda conn: store.kind_of(conn, finding_id))


def picture(weeks: list[ValidWeek]) -> Any:
    """Columns from 0 to 100 %; None without a lead."""
    if not weeks:
        return None
    items = [
        Bar(f"{one.week:%d %b}", one.valid / one.leads, percent(one.valid / one.leads)) for one in weeks
    ]  # fmt: skip
    newest = percent(weeks[-1].valid / weeks[-1].leads)
    about = f"Share of the leads of each of {len(weeks)} weeks that something reaches; {newest} in the newest"
    return charts.columns(items, about)


def _said(request: Request) -> str:
    return SAID.get(request.query_params.get("said", ""), "")


def _back(path: str, said: str) -> RedirectResponse:
    return RedirectResponse(f"{PATH}{path}?said={said}", status_code=303)


def add_hygiene_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = HygienePage(deps)
    for method, path, handler in (
        ("GET", "", page.overview), ("POST", "/look", page.look), ("GET", "/csv/{name}", page.csv),
        ("GET", "/{kind}", page.of_kind), ("POST", "/{finding_id}/aside", page.aside),
        ("POST", "/{finding_id}/back", page.back), ("POST", "/repairs/{repair_id}/undo", page.undo),
    ):  # fmt: skip
        app.router.routes.append(Route(f"{PATH}{path}", answered(handler), methods=[method]))
