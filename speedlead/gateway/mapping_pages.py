"""The pages /mappings: what other systems tell us, what became of it, and what would become of a sample."""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.gateway.context import Context
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.mappings.dry_run import FORM, JSON, DryRun, dry_run, sample_of
from speedlead.mappings.making import Unusable
from speedlead.mappings.model import Mapping
from speedlead.mappings.payload import MAX_BYTES, Unreadable, read_payload
from speedlead.store import mapped, webhooks
from speedlead.store.mapped import Tally
from speedlead.store.transactions import transact

PATH = "/mappings"
NEWEST = 50
KINDS = {JSON: "JSON", FORM: "a form, as name=value&…"}


class MappingPages:
    def __init__(self, context: Context) -> None:
        self._deps, self._doors, self._context = context.deps, context.mappings, context

    async def everything(self, request: Request) -> Response:
        tallies = await transact(self._deps.pool, mapped.tallies)
        rows = [
            (one, self._doors.why_closed(one), tallies.get(one.name, Tally())) for one in self._doors.mappings.values()
        ]
        # open ones first, then those that somebody sends to
        rows.sort(key=lambda row: (row[1] is not None, row[2].newest is None and not row[2].refused, row[0].name))
        return render("mappings.html", {"rows": rows, "problem": self._doors.shelf.problem})

    async def one(self, request: Request) -> Response:
        mapping = self._mapping(request)
        said = {"again": "They are acted on again.", "none": "There was nothing to act on again."}
        return await self._one(mapping, said=said.get(request.query_params.get("said", ""), ""))

    async def try_it(self, request: Request) -> Response:
        mapping = self._mapping(request)
        if mapping is None:
            return _no_such()
        form = await request.form()
        text, kind = str(form.get("sample") or ""), str(form.get("kind") or "")
        kind = kind if kind in KINDS else JSON
        found: DryRun | None = None
        problem = ""
        body = text.strip().encode("utf-8", "replace")
        try:
            if len(body) > MAX_BYTES:
                raise Unreadable(f"expected at most {MAX_BYTES} bytes")
            payload = await read_payload(kind, body)
            now = self._deps.clock.business(0)
            found = dry_run(mapping, payload, self._context.form_rules, now, self._doors.ticket_cost)
        except (Unreadable, Unusable) as error:
            problem = str(error)
        return await self._one(mapping, typed=(kind, text), tried=found, problem=problem)

    async def replay(self, request: Request) -> Response:
        mapping = self._mapping(request)
        if mapping is None:
            return _no_such()

        async def write(conn: Any) -> int:
            chosen = await mapped.not_done(conn, mapping.name)
            return await webhooks.replay(conn, chosen, self._deps.clock.wall())

        many = await transact(self._deps.pool, write)
        return RedirectResponse(f"{PATH}/{mapping.name}?said={'again' if many else 'none'}", status_code=303)

    def _mapping(self, request: Request) -> Mapping | None:
        return self._doors.mappings.get(request.path_params["mapping"])

    async def _one(
        self, mapping: Mapping | None, *, said: str = "", typed: tuple[str, str] | None = None,
        tried: DryRun | None = None, problem: str = "",
    ) -> Response:  # fmt: skip
        if mapping is None:
            return _no_such()

        async def read(conn: Any) -> tuple[list[Any], dict[str, Tally]]:
            return await mapped.deliveries(conn, mapping.name, NEWEST), await mapped.tallies(conn)

        rows, tallies = await transact(self._deps.pool, read)
        context = {
            "mapping": mapping, "closed": self._doors.why_closed(mapping), "rows": rows, "said_text": said,
            "tally": tallies.get(mapping.name, Tally()), "typed": typed or sample_of(mapping) or (JSON, ""),
            "tried": tried, "problem": problem, "kinds": KINDS,
            "address": f"{self._deps.settings.public_url}/in/{mapping.name}",
            "secret": self._doors.secrets / mapping.secret_name,
        }  # fmt: skip
        return render("mapping.html", context, 422 if problem else 200)


def _no_such() -> Response:
    return missing("There is no such mapping", "Its file may have been taken away.")


def add_mapping_pages(app: FastAPI, context: Context) -> None:
    pages = MappingPages(context)
    one = f"{PATH}/{{mapping}}"
    app.router.routes += [
        Route(PATH, answered(pages.everything)),
        Route(one, answered(pages.one)),
        Route(f"{one}/try", answered(pages.try_it), methods=["POST"]),
        Route(f"{one}/replay", answered(pages.replay), methods=["POST"]),
    ]
