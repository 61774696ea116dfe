"""`GET /api/leads`: the leads that match, by the same filters as `speedlead lead list`; nothing is passed over."""

from dataclasses import replace
from typing import Annotated, Literal

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import Response

from speedlead.gateway.access.who import machine_or_person
from speedlead.gateway.api_routes import as_json
from speedlead.gateway.context import Context
from speedlead.gateway.problems import Problem, wrong_field
from speedlead.intake import FieldProblem
from speedlead.lead_filter import NAMES, FilterError, read_filter
from speedlead.store.transactions import transact
from speedlead.store.view_models import Filters
from speedlead.store.views import open_leads

MAX_LISTED = 500
# what `state` was called before it could be asked for by its own name
_OPEN = {"true": "open", "false": "closed", "all": "all"}
_KNOWN = (*NAMES, "open", "limit")


def add_api_list(app: FastAPI, context: Context) -> None:
    # values are read from the request by the one grammar; what stands here describes them in the schema
    @app.get("/api/leads", summary="Leads, what is due first on top")
    async def get_leads(
        request: Request,
        state: Annotated[str | None, Query(description="open (without it), closed or all")] = None,
        stage: Annotated[str | None, Query(description="Such as attempting")] = None,
        lead_type: Annotated[str | None, Query(alias="type", description="hot, warm or cold")] = None,
        owner: Annotated[str | None, Query(description="The id of a rep, or none: leads without one")] = None,
        source: Annotated[str | None, Query(description="Such as paid_ads")] = None,
        plan: Annotated[str | None, Query(description="Such as inbound or inbound:4")] = None,
        breached: Annotated[str | None, Query(description="yes: a target was missed; no: none was")] = None,
        next_before: Annotated[str | None, Query(description="Next touch before 2026-11-23T15:00Z")] = None,
        program: Annotated[str | None, Query(description="none (without it), all, nurture or customer")] = None,
        is_open: Annotated[Literal["true", "false", "all"] | None, Query(alias="open", deprecated=True)] = None,
        limit: int = 100,
    ) -> Response:
        context.guard.allow(request)
        if not 1 <= limit <= MAX_LISTED:
            raise wrong_field("limit", "out of range", f"1 to {MAX_LISTED}")
        filters = replace(_asked(request), limit=limit)
        return as_json({"leads": await transact(context.deps.pool, lambda conn: open_leads(conn, filters))})


def _asked(request: Request) -> Filters:
    """For the eyes of whoever asks. Raises Problem 422 that names the field."""
    query = request.query_params
    unknown = [FieldProblem(name[:80], "unknown filter", f"one of {', '.join(_KNOWN)}")
               for name in sorted(set(query) - set(_KNOWN))]  # fmt: skip
    twice = [FieldProblem(name, "given twice", "one value") for name in sorted(set(query) & set(_KNOWN))
             if len(query.getlist(name)) > 1]  # fmt: skip
    if unknown or twice:
        raise Problem(422, "Some filters are not right.", errors=unknown + twice)
    given = dict(query)
    if "open" in given:
        if "state" in given:
            raise wrong_field("open", "given beside state", "state alone")
        given["state"] = _OPEN[given["open"]]
    try:
        found = read_filter(given)
    except FilterError as wrong:
        raise wrong_field(wrong.field, f"not {wrong.got!r}", wrong.expected) from None
    who = machine_or_person(request)
    return found if who is None else replace(found, leads=who.leads, rep_id=who.rep_id)
