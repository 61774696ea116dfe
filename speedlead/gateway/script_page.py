"""The qualification script on a lead's page: one question at a time, and what was answered (REQ 58)."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead import wording
from speedlead.domain.script import Question, Script, follow
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.scriptbook import DEFAULT_SCRIPT, load_scripts
from speedlead.store import scripts, views
from speedlead.store.transactions import transact
from speedlead.store.view_models import LeadCard


class ScriptPage:
    """Raises ScriptError where a script cannot be used."""

    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps
        self._script: Script = load_scripts(deps.settings.templates_dir)[DEFAULT_SCRIPT][0]

    async def show(self, request: Request) -> Response:
        """The whole page, or with `/panel` the part that a lead's page holds."""
        lead_id = parse_id(request.path_params["lead_id"])
        asked = self._script.question(request.query_params.get("ask", ""))
        panel = request.url.path.endswith("/panel")
        context = None if lead_id is None else await self._context(lead_id, asked)
        if context is None:
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        return render("script_panel.html" if panel else "script.html", context)

    async def answer(self, request: Request) -> Response:
        lead_id = parse_id(request.path_params["lead_id"])
        question = self._script.question(request.path_params["question_id"])
        chosen = str((await request.form()).get("answer") or "")
        if lead_id is None or question is None or chosen not in [answer.id for answer in question.answers]:
            return missing("There is no such question", "The script has changed; open the lead's page again.")
        rep_id = signed_in(request).rep_id
        this = (self._script.id, self._script.version)

        async def write(connection: Any) -> bool:
            view = await views.lead_view(connection, lead_id)
            if view is None:
                return False
            at = self._deps.clock.business(view.card.clock_offset_us)
            await scripts.note(connection, lead_id, this, question.id, chosen, rep_id, at)
            return True

        if not await transact(self._deps.pool, write):
            return missing("This lead does not exist", "It may have been erased.")
        return RedirectResponse(f"/leads/{lead_id}/script", status_code=303)

    async def _context(self, lead_id: str, asked: Question | None) -> dict[str, Any] | None:
        async def read(connection: Any) -> tuple[LeadCard | None, dict[str, scripts.Given]]:
            view = await views.lead_view(connection, lead_id)
            return (view.card if view else None), await scripts.given(connection, lead_id, self._script.id)

        card, given = await transact(self._deps.pool, read)
        if card is None:
            return None
        standing = follow(self._script, {name: answer.answer_id for name, answer in given.items()})
        names = {
            "rep": card.owner_name or self._deps.settings.company_name,
            "company": self._deps.settings.company_name,
            "inquiry": f"your {wording.intent(card.intent)}" if card.intent != "other" else "your inquiry",
            "name": card.title,
        }
        earlier = [question for question, _ in standing.answered]
        return {
            "card": card,
            "script": self._script,
            "opening": self._script.opening.format(**names),
            "standing": standing,
            "given": given,
            "question": asked if asked in earlier else standing.next,
            "outcome": wording.OUTCOMES[str(standing.end.suggests)] if standing.end else None,
        }


def add_script_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = ScriptPage(deps)
    app.router.routes.extend([
        Route("/leads/{lead_id}/script", answered(page.show)),
        Route("/leads/{lead_id}/script/panel", answered(page.show)),
        Route("/leads/{lead_id}/script/{question_id}", answered(page.answer), methods=["POST"]),
    ])  # fmt: skip
