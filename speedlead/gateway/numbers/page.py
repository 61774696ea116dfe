"""The page /ops: the agreed figures, the pictures behind them, and every table as a file. It changes nothing.

What is not worked out within FIRST_S of a visit is asked for by the page itself, so that a first look never waits for
the slowest view; without updates the page is complete.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import structlog
from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead import wording
from speedlead.calendarbook import load_calendars
from speedlead.gateway.access.table import Leads, May, Role
from speedlead.gateway.access.who import Who, signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers import agreed, ahead, change_values, marks, results, speed, texts, voices, worth
from speedlead.gateway.numbers.asking import Asking, choices
from speedlead.gateway.numbers.events import FigureEvents
from speedlead.gateway.numbers.panels import Panel, View
from speedlead.gateway.numbers.shelf import Shelf
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.lead_filter import FilterError
from speedlead.numbers.columns import Columns
from speedlead.numbers.filters import NO_TEAM, NOBODYS, Filter
from speedlead.numbers.kept import Kept
from speedlead.store.filter_choices import Choices

PATH = "/ops"
# what is to be done comes before what has been
_ORDER = (
    "due", "capacity", "response", "trend", "times", "phases", "breaches", "changes", "buckets", "attempts",
    "promises", "risk", "channels", "sources", "worth", "change_values", "reps", "regions", "plans",
    "scenarios", "skips", "quality", "feedback", "texts",
)  # fmt: skip
_BY_NAME = {
    panel.name: panel
    for panel in (
        *ahead.PANELS,
        *speed.PANELS,
        *results.PANELS,
        *worth.PANELS,
        marks.PANEL,
        change_values.PANEL,
        voices.PANEL,
        texts.PANEL,
    )
}
PANELS = (agreed.PANEL, *(_BY_NAME[name] for name in _ORDER))
FIRST_S = 0.6
SLOW_S = 0.5  # what takes longer says as of when it is
PERIODS = (("24h", "the last 24 hours"), ("today", "today"), ("yesterday", "yesterday"), ("7d", "the last 7 days"),
           ("30d", "the last 30 days"), ("90d", "the last 90 days"), ("180d", "the last 180 days"),
           ("365d", "the last year"))  # fmt: skip
# the rep of an account that has none
_NOBODY = UUID(int=0)
# of the table of leads, which stood here before
_OF_LEADS = frozenset({"state", "stage", "owner", "breached", "next_before"})

log = structlog.get_logger(__name__)


class NumbersPage:
    def __init__(self, deps: GatewayDeps, shelf: Shelf) -> None:
        """Raises CalendarError."""
        self._deps, self._shelf = deps, shelf
        self._calendars, _ = load_calendars(deps.settings.calendars_file)
        self._teams = sorted(team.id for team in self._calendars.teams)

    async def show(self, request: Request) -> Response:
        if _OF_LEADS & request.query_params.keys():
            return RedirectResponse(f"{PATH}/leads?{request.url.query}", status_code=303)
        who, live = signed_in(request), request.query_params.get("live") != "off"
        problem = ""
        try:
            filters = self._filter(request, who)
        except FilterError as wrong:
            filters, problem = self._narrowed(Filter.of({}, self._deps.clock.wall()), who), str(wrong)
        views = await self._views(filters, who, FIRST_S if live else None)
        query = _without_rep(filters.query(), who)
        context = {
            "views": views, "query": urlencode(query), "chosen": _chosen(filters), "periods": PERIODS,
            "offered": _offered(await choices(self._deps, self._shelf), self._teams), "live": live, "problem": problem,
            "own": who.role is Role.REP, "named": who.leads is Leads.ALL,
        }  # fmt: skip
        return render("numbers.html", context, 422 if problem else 200)

    async def figures(self, request: Request) -> Response:
        """What of the page changes."""
        who = signed_in(request)
        try:
            filters = self._filter(request, who)
        except FilterError as wrong:
            return missing("This cannot be shown", f"{wrong}.")
        query = urlencode(_without_rep(filters.query(), who))
        return render("numbers_figures.html", {"views": await self._views(filters, who, None), "query": query})

    async def csv(self, request: Request) -> Response:
        who, name = signed_in(request), request.path_params["name"]
        panel = next((panel for panel in self._panels(who) if panel.name == name), None)
        if panel is None:
            return missing("There is no such table", "The address is incomplete, or the table is not for your role.")
        try:
            filters = self._filter(request, who)
        except FilterError as wrong:
            return missing("This cannot be shown", f"{wrong}.")
        view = await self._view(panel, filters, who)
        if view.shown is None:
            return missing(
                "This cannot be given out now", "The figures could not be worked out. Please try again in a minute."
            )
        headers = {"Content-Disposition": f'attachment; filename="speedlead-{name}.csv"'}
        return Response(view.shown.table.csv(), media_type="text/csv; charset=utf-8", headers=headers)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _panels(self, who: Who) -> list[Panel]:
        """Who may not meet all leads meets no names of reps either; a rep meets the own figures alone; money is for
        who may read it.
        """
        own = who.role is Role.REP
        return [
            panel for panel in PANELS
            if (not panel.names_reps or own or who.leads is Leads.ALL) and not (own and panel.of_all)
            and (not panel.money or who.may(May.READ_MONEY))
        ]  # fmt: skip

    def _filter(self, request: Request, who: Who) -> Filter:
        """Raises FilterError."""
        wanted = Filter.of(request.query_params, self._deps.clock.wall())
        teams = sorted({*self._teams, NO_TEAM, NOBODYS})
        if wanted.team is not None and wanted.team not in teams:
            raise FilterError("team", " or ".join(teams), wanted.team)
        return self._narrowed(wanted, who)

    def _narrowed(self, filters: Filter, who: Who) -> Filter:
        """A rep's figures are the own ones, whatever the address says."""
        if who.role is not Role.REP:
            return filters if who.leads is Leads.ALL else filters.model_copy(update={"rep_id": None})
        return filters.model_copy(update={"rep_id": who.own_rep_id or _NOBODY, "team": None})

    async def _views(self, filters: Filter, who: Who, within_s: float | None) -> list[View]:
        panels = self._panels(who)
        tasks = [asyncio.create_task(self._view(panel, filters, who)) for panel in panels]
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
        # what is not ready goes on: the page asks for it in a moment
        return [
            task.result() if task.done() else View(panel, state="waits")
            for panel, task in zip(panels, tasks, strict=True)
        ]

    async def _view(self, panel: Panel, filters: Filter, who: Who) -> View:
        key = (panel.name, *(f"{name}={text}" for name, text in sorted(filters.query().items())))
        asking = Asking(self._deps, self._calendars, filters, self._shelf)
        try:
            answer = await self._shelf.ask(key, lambda: panel.read(asking))
            return View(panel, answer.value, answer.at if answer.took > SLOW_S else None)
        except Exception as error:
            log.warning("a figure could not be worked out", panel=panel.name, error=type(error).__name__)
            return View(panel, state="failed")


def _offered(known: Choices, teams: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    """Field -> what its list has: what the address says, and what people read."""
    words = {"sources": known.sources, "channels": known.channels, "plans": known.plans, "teams": teams}
    codes = {"countries": known.countries, "regions": known.regions, "variants": known.variants}
    lists = {name: [(text, wording.plain(text)) for text in texts] for name, texts in words.items()}
    lists |= {name: [(text, text) for text in texts] for name, texts in codes.items()}
    return {name: [("", "any"), *pairs] for name, pairs in (lists | {"reps": list(known.reps)}).items()}


def _chosen(filters: Filter) -> dict[str, Any]:
    names = ("period", "from", "to", "type", "source", "channel", "country", "region", "team", "rep", "plan", "variant")
    return dict.fromkeys(names, "") | filters.query()


def _without_rep(query: dict[str, str], who: Who) -> dict[str, str]:
    return {name: text for name, text in query.items() if name != "rep" or who.role is not Role.REP}


def add_numbers_page(app: FastAPI, deps: GatewayDeps) -> None:
    """`app.state.figure_events` is for whoever stops the app, `app.state.figure_columns` for whoever starts it."""
    columns = Columns(deps.pool)
    shelf = Shelf(deps, Kept(columns))
    page = NumbersPage(deps, shelf)
    app.state.figure_events = FigureEvents(deps, shelf)
    app.state.figure_columns = columns
    app.router.routes.extend([
        Route(PATH, answered(page.show)),
        Route(f"{PATH}/figures", answered(page.figures)),
        Route(f"{PATH}/events", answered(app.state.figure_events.serve)),
        Route(f"{PATH}/csv/{{name}}", answered(page.csv)),
    ])  # fmt: skip
