"""The page /capacity: who has room, what waits, and managers moving capacity to where it is needed (REQ 26)."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.calendarbook import load_calendars
from speedlead.domain.opening import next_shift, on_shift
from speedlead.domain.scoring import is_away
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered
from speedlead.gateway.rendering import render
from speedlead.intake_text import one_line
from speedlead.records import RepRecord
from speedlead.store.capacity import CapacityRefused, Share, change_share, changes, revert
from speedlead.store.leads import LeadStore
from speedlead.store.transactions import transact
from speedlead.store.waiting_pool import pool_now

PATH = "/capacity"
SAID = {"changed": "Changed. New and waiting leads go by it from now on.", "reverted": "Taken back."}
MAX_REASON = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A rep and the room they have. `free_at`: from when on they could take a lead; None: nobody knows."""

    rep: RepRecord
    working: bool
    free_at: datetime | None

    @property
    def room(self) -> int:
        return max(0, self.rep.capacity - self.rep.open_leads) if self.rep.weight > 0 else 0


@dataclass(frozen=True, slots=True)
class Problem:
    """What was wrong, where, and what stood in the form of that rep."""

    text: str
    field: str = ""
    rep_id: str | None = None
    typed: dict[str, str] | None = None


def place_of(rep: RepRecord, now: datetime) -> Place:
    shifts = on_shift(rep.shifts)
    off = [end for start, end in rep.not_there if start <= now < end]
    working = not off and any(shift.holds(now) for shift in shifts)
    away = is_away(rep.presence, rep.away_until, now)
    if rep.open_leads >= rep.capacity or rep.weight <= 0 or (away and rep.away_until is None):
        return Place(rep, working, None)
    begins = max([now, *off, *([rep.away_until] if away and rep.away_until is not None else [])])
    if any(shift.holds(begins) for shift in shifts):
        return Place(rep, working, begins)
    return Place(rep, working, next_shift(shifts, begins))


def next_free(places: Sequence[Place]) -> datetime | None:
    return min((place.free_at for place in places if place.free_at is not None), default=None)


class CapacityPage:
    def __init__(self, deps: GatewayDeps) -> None:
        """Raises CalendarError."""
        self._deps = deps
        self._calendars, _ = load_calendars(deps.settings.calendars_file)

    async def show(self, request: Request) -> Response:
        return await self._show(request)

    async def change(self, request: Request) -> Response:
        rep_id = parse_id(request.path_params["rep_id"])
        form = await request.form()
        typed = {name: one_line(str(form.get(name) or "")) for name in ("capacity", "weight", "reason", "seen")}

        async def write(conn: Any) -> None:
            if rep_id is None:
                raise CapacityRefused("", "there is no such active rep")
            new = Share(_number("capacity", typed["capacity"]), _number("weight", typed["weight"]))
            capacity, _, weight = typed["seen"].partition("/")
            seen = Share(_number("seen", capacity), _number("seen", weight))
            await change_share(
                conn, rep_id, new, seen=seen, reason=typed["reason"][:MAX_REASON],
                account_id=signed_in(request).account_id, wall=self._deps.clock.wall(),
            )  # fmt: skip

        return await self._do(request, write, "changed", rep_id, typed)

    async def revert(self, request: Request) -> Response:
        async def write(conn: Any) -> None:
            change_id = _number("", request.path_params["change_id"])
            await revert(conn, change_id, account_id=signed_in(request).account_id, wall=self._deps.clock.wall())

        return await self._do(request, write, "reverted")

    async def _do(
        self, request: Request, write: Callable[[Any], Awaitable[None]], said: str, rep_id: str | None = None,
        typed: dict[str, str] | None = None,
    ) -> Response:  # fmt: skip
        try:
            await transact(self._deps.pool, write)
        except CapacityRefused as refused:
            return await self._show(request, Problem(refused.text, refused.field, rep_id, typed))
        return RedirectResponse(f"{PATH}?said={said}", status_code=303)

    async def _show(self, request: Request, problem: Problem | None = None) -> Response:
        now, wall = self._deps.clock.business(0), self._deps.clock.wall()

        async def read(conn: Any) -> dict[str, Any]:
            reps = await LeadStore(conn, self._calendars).reps()
            places = [place_of(rep, now) for rep in sorted(reps, key=lambda rep: rep.name) if not rep.manager]
            return {"places": places, "pool": await pool_now(conn, wall), "changes": await changes(conn)}

        context = await transact(self._deps.pool, read)
        said = SAID.get(request.query_params.get("said", ""), "")
        context |= {"next_free": next_free(context["places"]), "now": now, "said_text": said, "problem": problem}
        return render("capacity.html", context, 422 if problem else 200)


def _number(field: str, text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise CapacityRefused(field, f"expected a whole number, got {text[:40]!r}")
    return int(text)


def add_capacity_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = CapacityPage(deps)
    app.router.routes.append(Route(PATH, answered(page.show)))
    app.router.routes.append(Route(f"{PATH}/{{rep_id}}", answered(page.change), methods=["POST"]))
    app.router.routes.append(Route(f"{PATH}/changes/{{change_id}}/revert", answered(page.revert), methods=["POST"]))
