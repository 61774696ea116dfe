"""A rep says: available, busy, or away until a time on their own clock. The form is `presence.html`."""

from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.domain.walltime import resolve_wall
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.store import presence
from speedlead.store.transactions import transact

NO_CHOICE = "Please choose available, busy or away."
NO_TIME = "Please give the time as a date and a time of day, such as 2026-11-23 14:30, or leave it empty."
NOT_TO_COME = "Please give a time that is still to come, or leave it empty: you are then away until you say otherwise."


class PresenceForm:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def say(self, request: Request) -> Response:
        rep_id = signed_in(request).rep_id
        form = await request.form()
        chosen, typed = (str(form.get(name) or "").strip() for name in ("presence", "until"))
        now = self._deps.clock.business(0)
        said = await self._said(rep_id, now) if rep_id else None
        if rep_id is None or said is None:
            return missing("Nobody is chosen", "Choose first for whom you work, on the page My leads.")
        request.scope["speedlead.line"].about_rep(rep_id)
        if chosen not in ("available", "busy", "away"):
            return self._again(said, typed, NO_CHOICE)
        until = None
        if chosen == "away" and typed:
            try:
                until = resolve_wall(said.zone, datetime.fromisoformat(typed)).compatible
            except (ValueError, OverflowError):
                return self._again(said, typed, NO_TIME)
            if until <= now:
                return self._again(said, typed, NOT_TO_COME)
        await transact(self._deps.pool, lambda conn: presence.say(conn, rep_id, chosen, until))  # type: ignore[arg-type]
        return RedirectResponse("/rep", status_code=303)

    async def _said(self, rep_id: str, now: datetime) -> presence.Said | None:
        return await transact(self._deps.pool, lambda conn: presence.presence_of(conn, rep_id, now))

    def _again(self, said: presence.Said, typed: str, problem: str) -> Response:
        context: dict[str, Any] = {"presence": said, "typed": typed, "problem": problem}
        return render("presence_again.html", context, 422)


def add_presence(app: FastAPI, deps: GatewayDeps) -> None:
    app.router.routes.append(Route("/rep/presence", answered(PresenceForm(deps).say), methods=["POST"]))
