"""`/leads/{id}/ai-voice-end`: a person of ours records that the lead takes back its consent to an artificial voice."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.store import voice_consent
from speedlead.store.rows import lock_person_of, newest_lead
from speedlead.store.transactions import transact


def add_voice_consent_page(app: FastAPI, deps: GatewayDeps) -> None:
    async def end(request: Request) -> Response:
        lead_id = parse_id(request.path_params["lead_id"])

        async def work(conn: Any) -> bool:
            person_id = None if lead_id is None else await lock_person_of(conn, lead_id)
            lead = None if person_id is None else await newest_lead(conn, person_id)
            if person_id is None or lead is None:
                return False
            await voice_consent.end(conn, person_id, "withdrawn", deps.clock.business(lead["clock_offset_us"]))
            return True

        if not await transact(deps.pool, work):
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        return RedirectResponse(f"/leads/{lead_id}?said=voice_ended", status_code=303)

    app.router.routes.append(Route("/leads/{lead_id}/ai-voice-end", answered(end), methods=["POST"]))
