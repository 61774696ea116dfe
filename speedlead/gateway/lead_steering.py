"""What managers and operations change in one lead: its owner, its plan, its data. Each is a run of one lead."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from speedlead.contact_marks import marks_of
from speedlead.correction import FIELDS, read_correction
from speedlead.domain.steering import checked, plan_named
from speedlead.gateway.access.who import Who, signed_in
from speedlead.gateway.context import home_country
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import LeadPage, Mistake, Typed, back, parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.intake import Rules
from speedlead.intake_text import one_line
from speedlead.steering import Steering, ask_now
from speedlead.store import views
from speedlead.store.correcting import correct, known_of
from speedlead.store.steering import Wanted, begin_run
from speedlead.store.transactions import transact

# where the page says what was wrong
STEER = "steer"
# writes the run and returns its id; raises ValueError or LookupError with what to say
Writes = Callable[[Any, str, dict[str, str], Who], Awaitable[str]]


class LeadSteering:
    def __init__(self, deps: GatewayDeps, lead_page: LeadPage) -> None:
        self._deps = deps
        self._lead_page = lead_page
        settings = deps.settings
        self._rules = Rules((), home_country(settings.company_phone or settings.twilio_from))

    async def reassign(self, request: Request) -> Response:
        async def write(conn: Any, lead_id: str, form: dict[str, str], who: Who) -> str:
            asked = {"rep_id": parse_id(form.get("rep_id", ""))}
            return await self._begin(conn, "reassign", lead_id, asked, form, who)

        return await self._ask(request, write, "reassigned")

    async def change_plan(self, request: Request) -> Response:
        async def write(conn: Any, lead_id: str, form: dict[str, str], who: Who) -> str:
            return await self._begin(conn, "change_plan", lead_id, plan_named(form.get("plan", "")), form, who)

        return await self._ask(request, write, "planned")

    async def correct(self, request: Request) -> Response:
        async def write(conn: Any, lead_id: str, form: dict[str, str], who: Who) -> str:
            known = await known_of(conn, lead_id)
            assert known is not None
            given = {name: text for name, text in form.items() if name in FIELDS}
            fields = read_correction(given, known, self._rules)
            marks = marks_of(self._deps.credentials.secret_bytes, fields.get("email"), fields.get("phone"))
            return await correct(
                conn, self._deps.clock, lead_id, fields, form["reason"], account_id=who.account_id, role=str(who.role),
                marks=marks,
            )  # fmt: skip

        return await self._ask(request, write, "corrected")

    async def _begin(
        self, conn: Any, action: str, lead_id: str, asked: dict[str, Any], form: dict[str, str], who: Who
    ) -> str:
        wanted = Wanted(
            action, checked(action, asked, form["reason"]), form["reason"], {lead_id: {}}, {}, str(who.role),
            who.account_id, background=True,
        )  # fmt: skip
        return await begin_run(conn, wanted, self._deps.clock.wall())

    async def _ask(self, request: Request, write: Writes, said: str) -> Response:
        lead_id = parse_id(request.path_params["lead_id"])
        view = await transact(self._deps.pool, lambda conn: views.lead_view(conn, lead_id)) if lead_id else None
        if lead_id is None or view is None:
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        form = {"reason": ""} | {name: one_line(str(value)) for name, value in (await request.form()).items()}
        who = signed_in(request)
        try:
            run_id = await transact(self._deps.pool, lambda conn: write(conn, lead_id, form, who))
        except (ValueError, LookupError) as wrong:
            return await self._lead_page(request, Typed(), Mistake(STEER, f"Nothing was changed. {wrong}."))
        refused = await ask_now(Steering(self._deps.pool, self._deps.leads, self._deps.clock), run_id)
        if refused is not None:
            return await self._lead_page(request, Typed(), Mistake(STEER, f"The plan has not followed: {refused}."))
        return back(view.card, "", said)


def add_lead_steering(app: FastAPI, deps: GatewayDeps, lead_page: LeadPage) -> None:
    steering = LeadSteering(deps, lead_page)
    app.router.routes.extend(
        Route(f"/leads/{{lead_id}}/{name}", answered(handler), methods=["POST"])
        for name, handler in (
            ("reassign", steering.reassign),
            ("change_plan", steering.change_plan),
            ("correct", steering.correct),
        )
    )
