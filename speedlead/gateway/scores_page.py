"""The page /scores: what the lanes hold and how right the rules were; and a rep's word that a fact is wrong."""

import csv
import io
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.domain.lifecycle import OF_STAGE, STEPS
from speedlead.domain.outcomes import Stage
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.store.known_lead import call_wrong
from speedlead.store.precision import DAYS, Precision, lifecycle, precision, versions
from speedlead.store.transactions import transact

PATH = "/scores"
_COLUMNS = ("rule", "points", "leads", "decided", "good", "bought", "bad", "share_good", "low_95", "high_95",
            "share_good_of_others", "verdict")  # fmt: skip


class ScoresPage:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def show(self, request: Request) -> Response:
        days, wall = _days(request), self._deps.clock.wall()

        async def read(conn: Any) -> dict[str, Any]:
            return {
                "found": await precision(conn, wall, days),
                "life": by_step(await lifecycle(conn, wall, days)),
                "versions": await versions(conn),
            }

        context = await transact(self._deps.pool, read)
        return render("scores.html", context | {"days": days, "spans": DAYS})

    async def csv(self, request: Request) -> Response:
        days, wall = _days(request), self._deps.clock.wall()
        found = await transact(self._deps.pool, lambda conn: precision(conn, wall, days))
        headers = {"Content-Disposition": f'attachment; filename="speedlead-rules-{days}-days.csv"'}
        return Response(csv_of(found), media_type="text/csv; charset=utf-8", headers=headers)

    async def wrong(self, request: Request) -> Response:
        lead_id, name = parse_id(request.path_params["lead_id"]), request.path_params["name"]
        source = str((await request.form()).get("source") or "")
        known = lead_id is not None and await transact(
            self._deps.pool, lambda conn: call_wrong(conn, self._deps.clock, lead_id, name, source)
        )
        if not known:
            return missing("There is no such fact", "The lead may have been erased, or the address is incomplete.")
        return RedirectResponse(f"/leads/{lead_id}?said=fact_wrong", status_code=303)


def by_step(stages: dict[str, int]) -> list[tuple[str, int]]:
    """Leads by where they stand: the steps in order, then the two sidings."""
    counts = dict.fromkeys([*STEPS, "nurture", "lost"], 0)
    for stage, leads in stages.items():
        counts[OF_STAGE[Stage(stage)]] += leads
    return list(counts.items())


def csv_of(found: Precision) -> str:
    """One row for each rule; shares from 0 to 1, empty where nothing was decided."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for rule in found.rules:
        low, high = rule.interval
        writer.writerow([
            rule.rule, rule.points, rule.leads, rule.decided, rule.good, rule.bought, rule.bad, _share(rule.share),
            f"{low:.3f}", f"{high:.3f}", _share(rule.others.share), rule.verdict,
        ])  # fmt: skip
    return out.getvalue()


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.3f}"


def _days(request: Request) -> int:
    wanted = request.query_params.get("days", "")
    return next((days for days in DAYS if str(days) == wanted), DAYS[1])


def add_scores_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = ScoresPage(deps)
    app.router.routes.extend([
        Route(PATH, answered(page.show)),
        Route(f"{PATH}/rules.csv", answered(page.csv)),
        Route("/leads/{lead_id}/facts/{name}/wrong", answered(page.wrong), methods=["POST"]),
    ])  # fmt: skip
