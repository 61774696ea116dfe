"""The page /start: the first steps, each with what the system sees of it. It changes nothing."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from speedlead.calendarbook import load_calendars
from speedlead.domain.first_steps import Counted, House, before, eight
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers.shelf import Shelf
from speedlead.gateway.page_errors import answered
from speedlead.gateway.rendering import render
from speedlead.numbers.filters import Filter
from speedlead.numbers.read import Numbers, teams_of
from speedlead.numbers.rows import Spread
from speedlead.plan_shelf import in_use
from speedlead.store import first_steps
from speedlead.store.transactions import transact

PATH = "/start"


def add_start_page(app: FastAPI, deps: GatewayDeps) -> None:
    """Raises CalendarError."""
    shelf = Shelf(deps)
    numbers = Numbers(deps.pool, teams_of(load_calendars(deps.settings.calendars_file)[0]), deps.clock)

    async def show(_: Request) -> Response:
        week = Filter.of({"period": "7d"}, deps.clock.wall())
        measured = await shelf.ask(("start",), lambda: of_week(numbers, week))
        leads = await shelf.ask(("start", "leads"), lambda: transact(deps.pool, first_steps.of_leads))
        found = Counted(**await transact(deps.pool, first_steps.counted), **leads.value, **measured.value)
        settings = deps.settings
        house = House(not settings.uses_sandbox, settings.public_url)
        steps = eight(in_use(deps.plan), found, deps.clock.wall())
        stands = before(house, found)
        return render("checklist.html", {
            "before": stands, "eight": steps, "done": sum(step.state == "done" for step in (*stands, *steps)),
            "of": len(stands) + len(steps),
        })  # fmt: skip

    app.router.routes.append(Route(PATH, answered(show)))


async def of_week(numbers: Numbers, week: Filter) -> dict[str, Any]:
    """Fields of Counted, as docs/metrics.md defines them."""
    rows = {name: await numbers.spread(name, week) for name in ("first_attempt", "acknowledgement", "assignment")}
    tried = rows["first_attempt"][0] if rows["first_attempt"] else None
    return {
        "answered": tried.count if tried else 0,
        "mean_s": tried.mean if tried else None,
        "median_s": tried.median if tried else None,
        "acknowledged": _pair(rows["acknowledgement"]),
        "assigned": _pair(rows["assignment"]),
    }


def _pair(rows: Sequence[Spread]) -> tuple[int, int]:
    return (rows[0].in_time or 0, rows[0].judged or 0) if rows else (0, 0)
