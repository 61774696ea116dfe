"""The page /scenarios: what others say they reached, marked as illustrative, beside this house. It changes nothing."""

import asyncio
from functools import partial
from typing import Any

import structlog
from fastapi import FastAPI, Request
from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from speedlead.calendarbook import load_calendars
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers import charts
from speedlead.gateway.numbers.shelf import Shelf
from speedlead.gateway.numbers.tables import Column, Table
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.numbers.read import teams_of
from speedlead.numbers.worth import WorthNumbers
from speedlead.roi.evidence import CaseTable, evidence
from speedlead.roi.scenarios import PERIOD, OwnRow, own_rows, share_of, shares

PATH = "/scenarios"
# a page that waits longer than this for the house's figures shows the others alone, and says so
WITHIN_S = 5.0
ILLUSTRATIVE = "illustrative"

log = structlog.get_logger(__name__)
Own = dict[int, tuple[OwnRow, ...]]


class ScenarioPage:
    def __init__(self, deps: GatewayDeps) -> None:
        """Raises CalendarError."""
        self._deps, self._shelf = deps, Shelf(deps)
        calendars, _ = load_calendars(deps.settings.calendars_file)
        self._numbers = WorthNumbers(deps.pool, teams_of(calendars), deps.clock)

    async def show(self, request: Request) -> Response:
        own, note = await self._own()
        tables = [(table, own.get(table.row, ()), _picture(table, own.get(table.row, ()))) for table in _tables()]
        context: dict[str, Any] = {
            "here": PATH,
            "tables": tables,
            "note": note,
            "period": PERIOD,
            "about": evidence().note,
        }
        return render("scenarios.html", context)

    async def csv(self, request: Request) -> Response:
        found = next((table for table in _tables() if str(table.row) == request.path_params["row"]), None)
        if found is None:
            return missing("There is no such table", f"Expected one of {', '.join(str(t.row) for t in _tables())}.")
        own, note = await self._own()
        if note:
            return missing("This cannot be given out now", note)
        columns = (*(Column(name) for name in found.columns), Column("source"))
        rows = [(*row.cells, f"your {row.leads} leads of the last {PERIOD}") for row in own.get(found.row, ())]
        rows += [(*cells, f"{found.source}; {ILLUSTRATIVE}") for cells in found.rows]
        headers = {"Content-Disposition": f'attachment; filename="speedlead-scenarios-{found.row}.csv"'}
        return Response(Table(columns, rows).csv(), media_type="text/csv; charset=utf-8", headers=headers)

    async def _own(self) -> tuple[Own, str]:
        """The house's own rows, or why they are not there."""
        now = self._deps.clock.wall()
        try:
            async with asyncio.timeout(WITHIN_S):
                work = partial(own_rows, self._deps.pool, self._numbers, now)
                return (await self._shelf.ask(("scenarios",), work)).value, ""
        except TimeoutError:
            return {}, "Your own figures take longer than a page may: they are being worked out, look again soon."
        except Exception as error:
            log.warning("the own scenarios could not be worked out", error=type(error).__name__)
            return {}, "Your own figures could not be worked out just now."


def _tables() -> tuple[CaseTable, ...]:
    return evidence().tables


def _picture(table: CaseTable, own: tuple[OwnRow, ...]) -> Markup:
    """Shares of customers, or changes; the own ones first, in another colour, and named as the own ones."""
    column = table.columns.index("conversion") if "conversion" in table.columns else table.columns.index("by")
    mine = [(row.cells[0], share_of(row.cells[column]), "") for row in own]
    marked = [*mine, *((name, share, "soft") for name, share in shares(table))]
    drawn = [(name, share, tone) for name, share, tone in marked if share is not None]
    highest = max((abs(share) for _, share, _ in drawn), default=0) or 1
    says = "{:.0f} %" if "conversion" in table.columns else "{:+.0f} %"
    bars = [charts.Bar(name, abs(share) / highest, says.format(100 * share).replace("-", "−"), tone)
            for name, share, tone in drawn]  # fmt: skip
    return charts.bars(bars, f"{table.title}: {table.columns[column]}. Grey: of others, illustrative.")


def add_scenario_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = ScenarioPage(deps)
    app.router.routes.extend([Route(PATH, answered(page.show)), Route(f"{PATH}/csv/{{row}}", answered(page.csv))])
