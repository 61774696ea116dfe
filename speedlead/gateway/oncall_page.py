"""The page /oncall: who is on call in the next two weeks, and who steps in."""

from datetime import date, datetime, timedelta
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.calendarbook import load_calendars
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_errors import answered
from speedlead.gateway.rendering import render
from speedlead.oncallweek import current_day, lines
from speedlead.store.oncall import MOST_WORDS, Override, OverrideRefused, notes, put_override, remove_override
from speedlead.store.reps import read_rosters
from speedlead.store.transactions import transact

PATH = "/oncall"
DAYS = 14
SAID = {"added": "They step in.", "removed": "That day is the rotation's again."}
FIELDS = ("cover", "level", "from", "to", "rep", "why")


class OncallPage:
    def __init__(self, deps: GatewayDeps) -> None:
        """Raises CalendarError."""
        self._deps = deps
        self._calendars, _ = load_calendars(deps.settings.calendars_file)

    async def show(self, request: Request) -> Response:
        return await self._show(SAID.get(request.query_params.get("said", ""), ""))

    async def add(self, request: Request) -> Response:
        typed, now, who = await _typed(request), self._now(), signed_in(request)

        async def write(conn: Any) -> None:
            first = _day("from", typed["from"])
            last = _day("to", typed["to"]) if typed["to"] else first
            asked = Override(typed["cover"], _level(typed["level"]), first, last, typed["rep"], typed["why"])
            await put_override(conn, await read_rosters(conn, self._calendars), asked, who.email, now)

        try:
            await transact(self._deps.pool, write)
        except OverrideRefused as refused:
            return await self._show(problem=refused, typed=typed)
        return RedirectResponse(f"{PATH}?said=added", status_code=303)

    async def remove(self, request: Request) -> Response:
        typed, now = await _typed(request), self._now()

        async def write(conn: Any) -> None:
            day, level = _day("from", typed["from"]), _level(typed["level"])
            rosters = await read_rosters(conn, self._calendars)
            await remove_override(conn, rosters, typed["cover"], level, day, day, now)

        try:
            await transact(self._deps.pool, write)
        except OverrideRefused as refused:
            return await self._show(problem=refused)
        return RedirectResponse(f"{PATH}?said=removed", status_code=303)

    async def _show(
        self, said: str = "", *, problem: OverrideRefused | None = None, typed: dict[str, str] | None = None
    ) -> Response:
        now = self._now()

        async def read(conn: Any) -> dict[str, Any]:
            rosters = await read_rosters(conn, self._calendars)
            first = current_day(rosters, now)
            noted = await notes(conn, first, first + timedelta(days=DAYS))
            return {"rosters": rosters, "lines": list(lines(rosters, first, DAYS, noted)), "first": first}

        context = await transact(self._deps.pool, read)
        typed = typed or dict.fromkeys(FIELDS, "") | {"from": str(context["first"])}
        context |= {"said_text": said, "problem": problem, "typed": typed, "now": now, "most_words": MOST_WORDS}
        return render("oncall.html", context, 422 if problem else 200)

    def _now(self) -> datetime:
        return self._deps.clock.business(0)


async def _typed(request: Request) -> dict[str, str]:
    form = await request.form()
    return {name: str(form.get(name) or "").strip() for name in FIELDS}


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise OverrideRefused(field, f"expected a date such as 2026-12-21, got {text[:40]!r}") from None


def _level(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 2:
        raise OverrideRefused("level", f"expected a number such as 1, got {text[:40]!r}")
    return int(text)


def add_oncall_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = OncallPage(deps)
    app.router.routes.append(Route(PATH, answered(page.show)))
    app.router.routes.append(Route(PATH, answered(page.add), methods=["POST"]))
    app.router.routes.append(Route(f"{PATH}/remove", answered(page.remove), methods=["POST"]))
