"""The page /plans/preview: the fields of the command line, and the week that they lead to. It changes nothing."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from speedlead import times
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_errors import answered
from speedlead.gateway.rendering import COUNTRIES, render
from speedlead.preview.request import LEAD_TYPES, PreviewRefused
from speedlead.preview.view import Preview

PATH = "/plans/preview"
# in the order of the page
FIELDS = ("type", "intent", "source", "segment", "at", "phone", "email", "country", "region", "postcode", "tz",
          "consent_text", "consent_sms", "consent_call", "consent_marketing")  # fmt: skip
LABELS = {
    "type": "Lead type", "intent": "Intent", "source": "Source", "segment": "Segment", "at": "Comes in at",
    "phone": "Phone", "email": "The lead gave an e-mail address", "country": "Country", "region": "State or province",
    "postcode": "Postcode", "tz": "Time zone", "consent_text": "The form showed its consent text",
    "consent_sms": "The lead ticked SMS", "consent_call": "The lead ticked calls",
    "consent_marketing": "The lead ticked news by e-mail",
}  # fmt: skip
# what a first visit shows: the usual form, filled in by somebody who can be called
_USUAL = {"type": "hot", "email": "any", "consent_text": "shown", "consent_sms": "yes"}
# A browser sends nothing for a box that is not ticked, so the form says that it was one. A link that names no boxes
# means the lead of `speedlead plan preview`: with an address, beside the consent text; `email=` means without one.
SUBMITTED = "boxes"
_OF_A_LINK = {"email": "any", "consent_text": "shown"}


class PreviewPage:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def show(self, request: Request) -> Response:
        asked = _asked(request.query_params)
        desk = await self._deps.desk()
        shown: Preview | None = None
        problems: dict[str, str] = {}
        if asked:
            try:
                shown = desk.preview(asked)
            except PreviewRefused as refused:
                problems = {p.field: f"{p.reason}; expected {p.expected}" for p in refused.problems}
        context = {
            "plan": desk.plan,
            "team_is": desk.team_is,
            "fields": FIELDS,
            "submitted": SUBMITTED,
            "labels": LABELS,
            "values": _values(asked or _USUAL, shown),
            "problems": problems,
            "types": LEAD_TYPES,
            "intents": [intent for of_type in desk.plan.intents.values() for intent in of_type],
            "countries": COUNTRIES,
            "shown": shown,
            # its words are escaped where it is drawn
            "picture": shown.svg(style=False) if shown is not None else "",
        }
        return render("preview.html", context, 422 if problems else 200)


def _asked(query: Mapping[str, str]) -> dict[str, str]:
    """What a submitted form or a link asks for; nothing on a first visit."""
    asked = {name: query[name] for name in FIELDS if query.get(name)}
    if not asked or SUBMITTED in query:
        return asked
    return {name: text for name, text in _OF_A_LINK.items() if name not in query} | asked


def _values(asked: Mapping[str, str], shown: Preview | None) -> dict[str, Any]:
    """What the fields hold; the moment is shown on the lead's clock, as its field can hold no other."""
    values = {name: asked.get(name, "") for name in FIELDS}
    if shown is not None:
        zone = shown.week.zone or "UTC"
        values["at"] = times.local(shown.prospect.submitted_at, zone).isoformat(timespec="minutes")
        if shown.week.zone is None:  # without a place there is no clock to read the field on
            values["at"] += "Z"
        values["type"] = shown.prospect.lead_type
    return values


def add_preview_page(app: FastAPI, deps: GatewayDeps) -> None:
    app.router.routes.append(Route(PATH, answered(PreviewPage(deps).show)))
