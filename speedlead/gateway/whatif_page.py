"""The pages /whatif: leads of the last weeks under another plan, other people or cover, and people for each hour."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.calendarbook import load_calendars
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.numbers import charts
from speedlead.gateway.numbers.charts import Bar
from speedlead.gateway.numbers.tables import Column, Table, count
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.store import plan_drafts, plans, whatif
from speedlead.store.reps import read_reps
from speedlead.store.transactions import transact
from speedlead.whatif import words
from speedlead.whatif.asked import DEFAULTS, LABELS, AskedWrongly, read
from speedlead.whatif.staffing import DAYS, Hour
from speedlead.whatif.told import LIMITS, WAIT_NAMES, Side, Told, told_of
from speedlead.whatif.work import WhatIfRefused

PATH = "/whatif"
# who asks for more has to wait until one has been played
MOST_WAITING = 5
_COMPARED = (Column("What"), Column("Now"), Column("Then"))
_HOURS = (
    Column("Hour"),
    Column("Calls, now", "number"),
    count("People needed, now"),
    count("On shift, now"),
    Column("Calls, then", "number"),
    count("People needed, then"),
    count("On shift, then"),
)


class WhatIfPage:
    def __init__(self, deps: GatewayDeps) -> None:
        """Raises CalendarError."""
        self._deps = deps
        self._calendars, _ = load_calendars(deps.settings.calendars_file)

    async def show(self, request: Request) -> Response:
        """The form, with what an earlier run asked where the address names one, and the runs."""
        run_id = parse_id(request.query_params.get("like", ""))
        run = await transact(self._deps.pool, lambda conn: whatif.run_of(conn, run_id)) if run_id else None
        return await self._form(run.asked if run else {}, {})

    async def begin(self, request: Request) -> Response:
        form = await request.form()
        typed = {name: str(form.get(name, default)) for name, default in DEFAULTS.items()}
        typed["without"] = ",".join(str(one) for one in form.getlist("without"))
        person = signed_in(request)
        try:
            asked = read(typed)
        except AskedWrongly as wrong:
            return await self._form(typed, wrong.problems)

        async def write(conn: Any) -> str:
            if await whatif.waiting(conn) >= MOST_WAITING:
                raise WhatIfRefused("", f"{MOST_WAITING} are to be played before; ask again when one of them is done")
            # what cannot be played is told to whoever asks, not to who looks later
            await asked.named_plan(conn)
            asked.other_team([rep for rep in await read_reps(conn, self._calendars) if not rep.manager],
                             self._calendars)  # fmt: skip
            return await whatif.begin(
                conn, account_id=person.account_id, role=str(person.role), asked=typed, words=asked.words,
                wall=self._deps.clock.wall(),
            )  # fmt: skip

        try:
            run_id = await transact(self._deps.pool, write)
        except WhatIfRefused as refused:
            return await self._form(typed, {refused.field: refused.text})
        return RedirectResponse(f"{PATH}/{run_id}", status_code=303)

    async def run(self, request: Request) -> Response:
        return await self._run(request, "whatif_run.html")

    async def live(self, request: Request) -> Response:
        return await self._run(request, "whatif_live.html")

    async def cancel(self, request: Request) -> Response:
        run_id = parse_id(request.path_params["run_id"])
        if run_id is None:
            return _unknown()
        await transact(self._deps.pool, lambda conn: whatif.cancel(conn, run_id, self._deps.clock.wall()))
        return RedirectResponse(f"{PATH}/{run_id}", status_code=303)

    async def csv(self, request: Request) -> Response:
        run, name = await self._found(request), request.path_params["name"]
        if run is None or run.result is None or name not in ("compared", "hours"):
            return missing("There is no such table", "The address is incomplete, or the run is not done.")
        found = told_of(run.result)
        table = Table(_COMPARED, words.rows(found)) if name == "compared" else hours_table(found)
        headers = {"Content-Disposition": f'attachment; filename="speedlead-whatif-{name}.csv"'}
        return Response(table.csv(), media_type="text/csv; charset=utf-8", headers=headers)

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _found(self, request: Request) -> whatif.Run | None:
        run_id = parse_id(request.path_params["run_id"])
        return await transact(self._deps.pool, lambda conn: whatif.run_of(conn, run_id)) if run_id else None

    async def _run(self, request: Request, template: str) -> Response:
        run = await self._found(request)
        if run is None:
            return _unknown()
        found = told_of(run.result) if run.result else None
        context: dict[str, Any] = {"run": run, "found": found, "labels": LABELS, "limits": LIMITS}
        if found is not None:
            context |= {
                "rows": words.rows(found), "played": words.played(found), "moved": words.moved(found), "days": DAYS,
                "now_map": heat_map(found.hours_now), "then_map": heat_map(found.hours_then),
                "waits": [waits_picture(side, name) for name, side in (("Now", found.now), ("Then", found.then))],
                "load": load_picture(found), "short": short_words(found.hours_then),
            }  # fmt: skip
        return render(template, context)

    async def _form(self, typed: Mapping[str, str], problems: Mapping[str, str]) -> Response:
        async def look(conn: Any) -> dict[str, Any]:
            reps = [rep for rep in await read_reps(conn, self._calendars) if not rep.manager]
            return {
                "versions": [f"{one.plan_id}:{one.version}" for one in await plans.versions(conn)],
                "in_use": await plans.in_use(conn),
                "drafts": [one for one in await plan_drafts.drafts(conn) if one.published_version is None],
                "people": sorted(reps, key=lambda rep: rep.name),
                "runs": await whatif.latest(conn),
            }

        found = await transact(self._deps.pool, look)
        zones = Counter(rep.zone for rep in found["people"]).most_common(1)
        zone = self._deps.settings.house_zone
        if zone == "UTC" and zones:  # nobody has said which is the house's
            zone = zones[0][0]
        given = DEFAULTS | {"zone": zone} | dict(typed)
        context = found | {
            "here": PATH, "typed": given, "without": given["without"].split(","), "problems": problems,
            "labels": LABELS,
        }  # fmt: skip
        return render("whatif.html", context, 422 if problems else 200)


# ── pictures and tables ──────────────────────────────────────────────────────────────────────────────────────────────


def waits_picture(side: Side, name: str) -> Markup:
    """How long leads wait for their first touch: each column is the leads that wait so long and longer than the one
    before."""
    most = max(side.waits) or 1
    items = [Bar(wait, leads / most, f"{leads:,}") for wait, leads in zip(WAIT_NAMES, side.waits, strict=True)]
    said = ", ".join(f"{wait}: {leads}" for wait, leads in zip(WAIT_NAMES, side.waits, strict=True))
    return charts.columns(items, f"{name}: leads by how long they wait for the first touch. {said}.")


def load_picture(found: Told) -> Markup:
    """Calls of an average week by day: the day's name, then now and then beside each other."""
    pairs = list(zip(_by_day(found.hours_now), _by_day(found.hours_then), strict=True))
    most = max((max(pair) for pair in pairs), default=0) or 1
    items = [
        Bar(f"{day} {when}", calls / most, f"{calls:,.1f}", "soft" if when == "now" else "")
        for day, pair in zip(DAYS, pairs, strict=True)
        for when, calls in zip(("now", "then"), pair, strict=True)
    ]
    return charts.bars(items, "Calls of an average week, by day, now and then.")


def _by_day(hours: Sequence[Hour]) -> list[float]:
    return [sum(hour.calls for hour in hours[24 * day : 24 * day + 24]) for day in range(len(DAYS))]


def heat_map(hours: Sequence[Hour]) -> list[tuple[str, list[tuple[Hour, int]]]]:
    """(hour of the day, [(hour, shade from 0 to 5) of Monday to Sunday]), without hours in which nothing ever is."""
    most = max((hour.needed for hour in hours), default=0) or 1
    rows = []
    for at in range(24):
        days = [hours[24 * day + at] for day in range(len(DAYS))]
        if any(hour.needed or hour.there for hour in days):
            rows.append((f"{at:02}:00", [(hour, -(-5 * hour.needed // most)) for hour in days]))
    return rows


def short_words(hours: Sequence[Hour]) -> str:
    busy = [hour for hour in hours if hour.calls]
    short = [hour for hour in busy if hour.short]
    if not busy:
        return "There are no calls."
    if not short:
        return f"Each of the {len(busy)} hours with calls has the people that 95 % of its calls need."
    worst = max(short, key=lambda hour: (hour.short, hour.calls))
    return (
        f"{len(short)} of the {len(busy)} hours with calls have fewer people than 95 % of their calls need; "
        f"{worst.name} lacks most, {worst.short}."
    )


def hours_table(found: Told) -> Table:
    """All 168 hours."""
    return Table(_HOURS, [
        (now.name, now.calls, now.needed, now.there, then.calls, then.needed, then.there)
        for now, then in zip(found.hours_now, found.hours_then, strict=True)
    ])  # fmt: skip


def _unknown() -> Response:
    return missing("There is no such run", "The address is incomplete.")


def add_whatif_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = WhatIfPage(deps)
    app.router.routes.extend(
        Route(path, answered(handler), methods=[method])
        for method, path, handler in (
            ("GET", PATH, page.show),
            ("POST", PATH, page.begin),
            ("GET", f"{PATH}/{{run_id}}", page.run),
            ("GET", f"{PATH}/{{run_id}}/live", page.live),
            ("POST", f"{PATH}/{{run_id}}/cancel", page.cancel),
            ("GET", f"{PATH}/{{run_id}}/csv/{{name}}", page.csv),
        )
    )
