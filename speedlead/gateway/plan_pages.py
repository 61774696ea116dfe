"""The pages /plans: versions and drafts, what is wrong with a draft and what it changes, and moving open leads."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import yaml
from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.checked_yaml import FileFault
from speedlead.cited import in_words
from speedlead.composing.assemble import read_composer
from speedlead.domain.plan import Plan
from speedlead.domain.steering import PACE, BadRequest, checked, mark_of, plan_named
from speedlead.gateway.access.table import May
from speedlead.gateway.access.who import Who, signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.intake_text import one_line
from speedlead.lead_filter import FilterError, read_filter, written
from speedlead.plan_check import Checked, check_text
from speedlead.plan_migration import by_step, foresee
from speedlead.plan_migration_words import closing, moves_by, passed_over, stands_at
from speedlead.plan_publishing import publish_text, use_version
from speedlead.plan_shelf import in_use
from speedlead.plan_text import compared, target_data, text_of, with_targets
from speedlead.planbook import PlanError, parse_plan
from speedlead.store import plan_drafts, plans, steering, views
from speedlead.store.plan_drafts import Draft, DraftRefused
from speedlead.store.transactions import transact

PATH = "/plans"
MAX_TEXT, MAX_NOTE = 60_000, 80
SAID = {"saved": "Saved.", "published": "Published: new leads start on it in a few seconds.",
        "used": "New leads start on it in a few seconds."}  # fmt: skip
# leads that a table is made for while somebody waits
MOST_FORESEEN = 2000


class PlanPages:
    def __init__(self, deps: GatewayDeps) -> None:
        """Raises ComposeError."""
        self._deps = deps
        self._composer = read_composer(deps.settings)

    async def overview(self, request: Request, problem: str = "", plan: str = "", note: str = "") -> Response:
        """`plan` and `note`: what stood in the form that had the problem."""

        async def read(conn: Any) -> dict[str, Any]:
            return {
                "versions": await plans.versions(conn),
                "in_use": await plans.in_use(conn),
                "drafts": await plan_drafts.drafts(conn),
            }

        found = await transact(self._deps.pool, read)
        context = found | self._common(request) | {"problem": problem, "typed": {"plan": plan, "note": note}}
        return render("plans.html", context, 422 if problem else 200)

    async def begin_draft(self, request: Request) -> Response:
        """From a published version, as text."""
        form = await request.form()
        person, wall = signed_in(request), self._deps.clock.wall()

        async def write(conn: Any) -> int:
            named = plan_named(str(form.get("from") or ""))
            text = text_of(await plans.plan_of(conn, named["plan_id"], named["version"]))
            return await plan_drafts.add_draft(conn, text, author=person.email, note=_note(form), wall=wall)

        try:
            draft_id = await transact(self._deps.pool, write)
        except (BadRequest, LookupError) as wrong:
            return await self.overview(request, str(wrong))
        return RedirectResponse(f"{PATH}/drafts/{draft_id}", status_code=303)

    async def show_draft(self, request: Request) -> Response:
        return await self._draft(request, "")

    async def save_draft(self, request: Request) -> Response:
        def new_text(draft: Draft, form: Mapping[str, Any]) -> str:
            text = str(form.get("yaml") or "").replace("\r\n", "\n")
            if not 0 < len(text) <= MAX_TEXT:
                raise DraftRefused(f"yaml: expected 1 to {MAX_TEXT} characters, got {len(text)}")
            return text

        return await self._save(request, new_text)

    async def save_targets(self, request: Request) -> Response:
        """Thresholds and sources alone: what the rest of the draft says stays as it is."""
        return await self._save(request, _with_typed_targets)

    async def publish(self, request: Request) -> Response:
        form, person = await request.form(), signed_in(request)
        note = _note(form)
        try:
            draft = await self._read(request)
            if not note:
                raise DraftRefused("note: expected why it is published, in a few words")
            if form.get("seen") != draft.changed_wall.isoformat():
                raise DraftRefused("somebody else has changed the draft meanwhile: look again")
            done = await self._checked(draft)
            if done.plan is None or not done.may_be_published:
                raise DraftRefused("what is wrong below has to be mended first")
            await publish_text(
                self._deps.pool, done.plan, draft, who=person.email, role=str(person.role), note=note,
                wall=self._deps.clock.wall(), account_id=person.account_id,
            )  # fmt: skip
        except (DraftRefused, PlanError) as refused:
            return await self._draft(request, str(refused))
        return RedirectResponse(f"{PATH}?said=published", status_code=303)

    async def use(self, request: Request) -> Response:
        form, person = await request.form(), signed_in(request)
        plan, note = str(form.get("plan") or ""), _note(form)
        try:
            if not note:
                raise BadRequest("note: expected why it is used, in a few words")
            named = plan_named(plan)
            await use_version(
                self._deps.pool, named["plan_id"], named["version"], role=str(person.role), note=note,
                wall=self._deps.clock.wall(), account_id=person.account_id,
            )  # fmt: skip
        except (BadRequest, LookupError) as wrong:
            return await self.overview(request, str(wrong), plan=plan, note=note)
        return RedirectResponse(f"{PATH}?said=used", status_code=303)

    # ── moving open leads ────────────────────────────────────────────────────────────────────────────────────────────

    async def foresee(self, request: Request) -> Response:
        return await self._migration(request, request.query_params, "")

    async def migrate(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        person = signed_in(request)
        try:
            asked, reason = plan_named(form.get("to", "")), one_line(form.get("reason", ""))
            checked("change_plan", asked, reason)
            filters = _filters(form, person)
        except (BadRequest, FilterError) as wrong:
            return await self._migration(request, form, str(wrong))

        async def write(conn: Any) -> str | None:
            target = await plans.plan_of(conn, asked["plan_id"], asked["version"])
            moves = await foresee(conn, (await views.matching(conn, filters))[:MOST_FORESEEN], target, self._deps.clock)
            can: dict[str, dict[str, Any]] = {one.lead_id: {} for one in moves if one.refused is None}
            if not can or mark_of(can) != form.get("seen"):
                return None
            wanted = steering.Wanted("change_plan", asked, reason, can, written(filters), str(person.role),
                                     person.account_id, pace=PACE, background=True)  # fmt: skip
            return await steering.begin_run(conn, wanted, self._deps.clock.wall())

        run_id = await transact(self._deps.pool, write)
        if run_id is None:
            return await self._migration(request, form, "Other leads match by now: please look again")
        return RedirectResponse(f"/ops/steer/{run_id}", status_code=303)

    async def _migration(self, request: Request, given: Mapping[str, str], problem: str) -> Response:
        person = signed_in(request)

        async def read(conn: Any) -> dict[str, Any]:
            known = [f"{one.plan_id}:{one.version}" for one in await plans.versions(conn)]
            found: dict[str, Any] = {"known": known, "rows": None, "moves": [], "total": 0}
            if given.get("from") and given.get("to"):
                named = plan_named(given["to"])
                target = await plans.plan_of(conn, named["plan_id"], named["version"])
                leads = await views.matching(conn, _filters(given, person))
                moves = await foresee(conn, leads[:MOST_FORESEEN], target, self._deps.clock)
                found |= {"rows": by_step(moves), "moves": moves, "total": len(leads)}
            return found

        try:
            found = await transact(self._deps.pool, read)
        except (BadRequest, FilterError, LookupError) as wrong:
            return missing("This cannot be asked", f"{wrong}.")
        can = [one.lead_id for one in found["moves"] if one.refused is None]
        context = found | self._common(request) | {
            "given": {name: given.get(name, "") for name in ("from", "to", "type", "stage", "source", "reason")},
            "closing": closing(found["moves"]), "can": len(can), "seen": mark_of(can),
            "problem": problem, "moves_by": moves_by, "passed_over": passed_over, "stands_at": stands_at,
            "under_way": [one for one in found["moves"] if one.under_way is not None], "most": MOST_FORESEEN,
        }  # fmt: skip
        return render("plan_migration.html", context, 422 if problem else 200)

    # ── drafts ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _save(self, request: Request, new_text: Callable[[Draft, Mapping[str, Any]], str]) -> Response:
        form, person = await request.form(), signed_in(request)
        try:
            draft = await self._read(request)
            if form.get("seen") != draft.changed_wall.isoformat():
                raise DraftRefused("somebody else has changed the draft meanwhile: look again")
            text, wall = new_text(draft, form), self._deps.clock.wall()
            await transact(
                self._deps.pool,
                lambda conn: plan_drafts.change_draft(conn, draft, text, author=person.email, wall=wall),
            )
        except DraftRefused as refused:
            return await self._draft(request, str(refused), str(form.get("yaml") or "") or None)
        return RedirectResponse(f"{PATH}/drafts/{draft.draft_id}?said=saved", status_code=303)

    async def _draft(self, request: Request, problem: str, typed: str | None = None) -> Response:
        try:
            draft = await self._read(request)
        except DraftRefused as refused:
            return missing("There is no such draft", str(refused))
        done = await self._checked(draft)

        async def current(conn: Any) -> Plan:
            named = await plans.in_use(conn)
            return await plans.plan_of(conn, *named) if named is not None else in_use(self._deps.plan)

        used = await transact(self._deps.pool, current)
        context = self._common(request) | {
            "draft": draft, "checked": done, "text": typed if typed is not None else draft.yaml, "problem": problem,
            "changes": compared(used, done.plan) if done.plan is not None else None, "used": used,
            "targets": [target_data(target) for target in done.plan.targets] if done.plan is not None else [],
            "may_publish": signed_in(request).may(May.PUBLISH_PLANS) and draft.published_version is None,
            "may_edit": signed_in(request).may(May.EDIT_TARGETS) and draft.published_version is None,
            "in_words": in_words,
        }  # fmt: skip
        return render("plan_draft.html", context, 422 if problem else 200)

    async def _read(self, request: Request) -> Draft:
        number = request.path_params["draft_id"]
        if not number.isdecimal() or len(number) > 18:
            raise DraftRefused("the address is incomplete")
        return await transact(self._deps.pool, lambda conn: plan_drafts.draft_of(conn, int(number)))

    async def _checked(self, draft: Draft) -> Checked:
        return check_text(draft.yaml, f"draft {draft.draft_id}", await self._deps.desk(), self._composer)

    def _common(self, request: Request) -> dict[str, Any]:
        return {"said_text": SAID.get(request.query_params.get("said", ""), "")}


def _note(form: Mapping[str, Any]) -> str:
    return one_line(str(form.get("note") or ""))[:MAX_NOTE]


def _filters(given: Mapping[str, str], person: Who) -> Any:
    chosen = {name: given.get(name, "") for name in ("type", "stage", "source")}
    return replace(read_filter(chosen | {"plan": given.get("from", "")}), leads=person.leads, rep_id=person.rep_id)


def _with_typed_targets(draft: Draft, form: Mapping[str, Any]) -> str:
    """`<id>.attempts`, `<id>.assign`, `<id>.sources`, each as `3m, 10m`. Raises DraftRefused naming the field."""
    try:
        plan = parse_plan(draft.yaml, f"draft {draft.draft_id}")
    except PlanError as error:
        raise DraftRefused(f"the draft has to be readable first: {error}") from None
    targets = [target_data(target) for target in plan.targets]
    for target in targets:
        fields = ("attempts", "assign", "sources")
        typed = {name: str(form.get(f"{target['id']}.{name}") or "").strip() for name in fields}
        for into, name, value in (
            (target, "attempts", _words(typed["attempts"])),
            (target, "assign", typed["assign"]),
            (target["when"], "source", _words(typed["sources"])),
        ):
            into.pop(name, None)
            if value:
                into[name] = value
    text = with_targets(draft.yaml, targets)
    try:
        parse_plan(text, "targets")
    except (FileFault, yaml.YAMLError) as error:
        raise DraftRefused(str(error).splitlines()[0]) from None
    return text


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def add_plan_pages(app: FastAPI, deps: GatewayDeps) -> None:
    pages, draft = PlanPages(deps), f"{PATH}/drafts/{{draft_id}}"
    for method, path, handler in (
        ("GET", PATH, pages.overview),
        ("POST", f"{PATH}/use", pages.use),
        ("GET", f"{PATH}/migrate", pages.foresee),
        ("POST", f"{PATH}/migrate", pages.migrate),
        ("POST", f"{PATH}/drafts", pages.begin_draft),
        ("GET", draft, pages.show_draft),
        ("POST", draft, pages.save_draft),
        ("POST", f"{draft}/targets", pages.save_targets),
        ("POST", f"{draft}/publish", pages.publish),
    ):
        app.router.routes.append(Route(path, answered(handler), methods=[method]))
