"""The page /templates/preview: a message as a lead would get it. It sends and changes nothing."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from speedlead.composer import ComposeError
from speedlead.composing.assemble import read_composer
from speedlead.composing.book import CHANNELS
from speedlead.composing.samples import SAMPLE
from speedlead.composing.show import Shown, show
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered
from speedlead.gateway.rendering import render
from speedlead.records import LeadRecord
from speedlead.store.leads import LeadStore
from speedlead.store.transactions import transact

PATH = "/templates/preview"


class TemplatesPage:
    """Raises ComposeError where a template cannot be used."""

    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps
        self._composer = read_composer(deps.settings)
        found = {(channel, template) for channel, template, _ in self._composer.book.templates}
        self._names = [f"{channel}/{template}" for channel in CHANNELS for c, template in sorted(found) if c == channel]

    async def show(self, request: Request) -> Response:
        asked = {name: request.query_params.get(name, "").strip() for name in ("template", "lead", "lang")}
        name = asked["template"] or self._names[0]
        shown: Shown | None = None
        problem = ""
        try:
            channel, _, template = name.partition("/")
            lead = await self._lead(asked["lead"])
            shown = show(self._composer, channel, template, lead, asked["lang"] or None)
        except (ComposeError, LookupError) as error:
            problem = str(error)
        context: dict[str, Any] = {
            "names": self._names,
            "languages": sorted(self._composer.book.words),
            "values": asked | {"template": name},
            "shown": shown,
            "limit": self._composer.house.segments,
            "head": self._composer.book.templates[channel, template, shown.language].head if shown else None,
            "problem": problem,
        }
        return render("templates.html", context, 422 if problem else 200)

    async def _lead(self, text: str) -> LeadRecord:
        """Raises LookupError with what was expected."""
        if not text:
            return SAMPLE
        lead_id = parse_id(text)
        if lead_id is None:
            raise LookupError("lead: expected a lead's id, as it stands in the address of its page")
        try:
            return await transact(self._deps.pool, lambda conn: LeadStore(conn).read(lead_id))
        except LookupError:
            raise LookupError("lead: there is no such lead") from None


def add_templates_page(app: FastAPI, deps: GatewayDeps) -> None:
    app.router.routes.append(Route(PATH, answered(TemplatesPage(deps).show)))
