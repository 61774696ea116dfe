"""The pages /experiments: what is tried on a part of the leads, what it says so far, and what is done with it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.checked_yaml import FileFault
from speedlead.composing.assemble import read_composer
from speedlead.domain.experiment import Experiment
from speedlead.domain.plan import Plan
from speedlead.domain.quality import Score
from speedlead.experiments import steering
from speedlead.experiments.reading import Result, planned_size, result_of
from speedlead.experiments.steering import By
from speedlead.experiments.text import (
    BEGINNING,
    MAX_TEXT,
    arm_words,
    days,
    percent,
    read,
    segment_of,
    segment_words,
    text_of,
)
from speedlead.experiments.verdict import GUARDRAIL, METRIC, between, verdict
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.intake_text import one_line
from speedlead.plan_check import check_plan
from speedlead.store import experiments, plans
from speedlead.store.experiments import ExperimentRefused, Known
from speedlead.store.quality_scores import by_variant
from speedlead.store.transactions import transact

PATH = "/experiments"
MAX_NOTE = 80
SAID = {
    "saved": "Saved.",
    "started": "Started: leads take part in a few seconds.",
    "stopped": "Stopped: no further lead takes part.",
    "rolled": "Rolled out: leads start on it in a few seconds.",
    "share": "The share is changed.",
    "adopted": "It is the plan in use for all new leads in a few seconds.",
}
Asked = Mapping[str, str]


class ExperimentPages:
    def __init__(self, deps: GatewayDeps) -> None:
        """Raises ComposeError."""
        self._deps = deps
        self._composer = read_composer(deps.settings)

    async def overview(self, request: Request) -> Response:
        return await self._overview(request)

    async def begin(self, request: Request) -> Response:
        """A new draft, as text."""
        form = await _form(request)
        try:
            definition = _definition(form)
            await steering.save(self._deps.pool, definition, self._by(request, form, needs_note=False), new=True)
        except (FileFault, ExperimentRefused) as wrong:
            return await self._overview(request, str(wrong), form)
        return RedirectResponse(f"{PATH}/{definition.id}?said=saved", status_code=303)

    async def begin_roll_out(self, request: Request) -> Response:
        form = await _form(request)
        try:
            segment = segment_of(channel=_words(form.get("channel", "")), region=_words(form.get("region", "")))
            made = await steering.begin_roll_out(
                self._deps.pool, form.get("plan", ""), segment, _number(form), self._by(request, form)
            )
        except ValueError as wrong:
            return await self._overview(request, str(wrong), form)
        return RedirectResponse(f"{PATH}/{made}?said=rolled", status_code=303)

    async def show(self, request: Request) -> Response:
        return await self._show(request)

    async def save(self, request: Request) -> Response:
        async def work(experiment_id: str, form: Asked) -> str:
            definition = _definition(form)
            if definition.id != experiment_id:
                raise ExperimentRefused(f"id: expected {experiment_id}; copy it to have one with another id")
            await steering.save(
                self._deps.pool, definition, self._by(request, form, needs_note=False), new=False, seen=_seen(form)
            )
            return f"{experiment_id}?said=saved"

        return await self._done(request, work)

    async def copy(self, request: Request) -> Response:
        """The same question again, for another season or segment: a draft to go on from."""

        async def work(experiment_id: str, form: Asked) -> str:
            made = await steering.copy(self._deps.pool, experiment_id, self._by(request, form, needs_note=False))
            return f"{made}?said=saved"

        return await self._done(request, work)

    async def start(self, request: Request) -> Response:
        async def work(experiment_id: str, form: Asked) -> str:
            by = self._by(request, form)
            await steering.start(self._deps.pool, experiment_id, by, self._faults, seen=_seen(form))
            return f"{experiment_id}?said=started"

        return await self._done(request, work)

    async def stop(self, request: Request) -> Response:
        async def work(experiment_id: str, form: Asked) -> str:
            await steering.stop(self._deps.pool, experiment_id, self._by(request, form))
            return f"{experiment_id}?said=stopped"

        return await self._done(request, work)

    async def roll_out(self, request: Request) -> Response:
        async def work(experiment_id: str, form: Asked) -> str:
            by = self._by(request, form)
            made = await steering.roll_out(self._deps.pool, experiment_id, form.get("arm", ""), _number(form), by)
            return f"{made}?said=rolled"

        return await self._done(request, work)

    async def share(self, request: Request) -> Response:
        async def work(experiment_id: str, form: Asked) -> str:
            await steering.set_share(self._deps.pool, experiment_id, _number(form), self._by(request, form))
            return f"{experiment_id}?said=share"

        return await self._done(request, work)

    async def adopt(self, request: Request) -> Response:
        async def work(experiment_id: str, form: Asked) -> str:
            await steering.adopt(self._deps.pool, experiment_id, self._by(request, form))
            return f"{experiment_id}?said=adopted"

        return await self._done(request, work)

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _done(self, request: Request, work: Callable[[str, Asked], Awaitable[str]]) -> Response:
        """Does it and shows the experiment, with what is wrong where it cannot be done."""
        form = await _form(request)
        try:
            target = await work(request.path_params["experiment_id"], form)
        except (FileFault, ExperimentRefused) as wrong:
            return await self._show(request, str(wrong), form)
        return RedirectResponse(f"{PATH}/{target}", status_code=303)

    async def _overview(self, request: Request, problem: str = "", typed: Asked | None = None) -> Response:
        async def look(conn: Any) -> tuple[list[Known], list[str]]:
            versions = [f"{one.plan_id}:{one.version}" for one in await plans.versions(conn)]
            return await experiments.all_known(conn), versions

        known, versions = await transact(self._deps.pool, look)
        given = {"yaml": BEGINNING, "plan": "", "channel": "", "region": "", "share": "10", "note": ""}
        context = _common(request, problem) | {
            "known": known, "versions": versions, "typed": given | dict(typed or {}), "segment_words": segment_words,
        }  # fmt: skip
        return render("experiments.html", context, 422 if problem else 200)

    async def _show(self, request: Request, problem: str = "", typed: Asked | None = None) -> Response:
        now = self._deps.clock.business(0)

        async def look(conn: Any) -> tuple[Known, Result | None, float, dict[str, Score]]:
            known = await experiments.known(conn, request.path_params["experiment_id"])
            result = None if known.state == "draft" else await result_of(conn, known, now)
            a_week = await experiments.persons_a_week(conn, known.definition.segment, now)
            return known, result, a_week, await by_variant(conn, [arm.variant for arm in known.arms])

        try:
            known, result, a_week, quality = await transact(self._deps.pool, look)
        except ExperimentRefused as refused:
            return missing("There is no such experiment", f"{refused}.")
        question = known.definition.question
        size, too_small = _size(known)
        context = _common(request, problem) | {
            "known": known, "result": result, "a_week": a_week, "size": size, "too_small": too_small,
            "text": (typed or {}).get("yaml") or text_of(known.definition), "note": (typed or {}).get("note", ""),
            "verdict": verdict(question, result, ended=known.state == "ended") if question and result else None,
            "segment": segment_words(known.definition.segment), "arm_words": arm_words, "percent": percent,
            "between": between, "metric": METRIC[question.metric] if question else METRIC["converted"],
            "guardrail": GUARDRAIL, "span": _span(result), "days": days, "quality": quality,
        }  # fmt: skip
        return render("experiment.html", context, 422 if problem else 200)

    async def _faults(self, plan: Plan) -> list[str]:
        checked = check_plan(plan, await self._deps.desk(), self._composer)
        return [finding.text for finding in checked.findings if finding.stops]

    def _by(self, request: Request, form: Asked, *, needs_note: bool = True) -> By:
        person = signed_in(request)
        note = one_line(form.get("note", ""))[:MAX_NOTE]
        if needs_note and not note:
            raise ExperimentRefused("note: expected why, in a few words")
        return By(person.email, str(person.role), note, self._deps.clock.wall(), person.account_id)


async def _form(request: Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.form()).items()}


def _definition(form: Asked) -> Experiment:
    text = form.get("yaml", "").replace("\r\n", "\n")
    if not 0 < len(text) <= MAX_TEXT:
        raise ExperimentRefused(f"definition: expected 1 to {MAX_TEXT} characters, got {len(text)}")
    return read(text, "definition")


def _seen(form: Asked) -> datetime:
    """When the draft that somebody looked at was changed last."""
    try:
        seen = datetime.fromisoformat(form.get("seen", ""))
        if seen.tzinfo is not None:
            return seen
    except ValueError:
        pass
    raise ExperimentRefused("seen: expected the moment of the last change, as the page has it")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _number(form: Asked) -> int:
    text = form.get("share", "").strip()
    if not text.isdecimal() or len(text) > 3:
        raise ExperimentRefused(f"share: expected a number from 1 to 100, got {one_line(text)[:20]!r}")
    return int(text)


def _size(known: Known) -> tuple[int | None, str]:
    """How many persons are needed, or why nobody can say."""
    if known.definition.question is None or known.planned is not None:
        return known.planned, ""
    try:
        return planned_size(known.definition), ""
    except ValueError as wrong:
        return None, str(wrong)


def _span(result: Result | None) -> float:
    """Half the width of the axis on which the effects are drawn; every interval is inside, with some room."""
    effects = [one.effect for one in (result.arms if result else ()) if one.effect is not None]
    return 1.1 * max((abs(end) for effect in effects for end in (effect.low, effect.high)), default=1.0)


def _common(request: Request, problem: str) -> dict[str, Any]:
    return {"said_text": SAID.get(request.query_params.get("said", ""), ""), "problem": problem}


def add_experiment_pages(app: FastAPI, deps: GatewayDeps) -> None:
    pages, one = ExperimentPages(deps), f"{PATH}/{{experiment_id}}"
    for method, path, handler in (
        ("GET", PATH, pages.overview),
        ("POST", PATH, pages.begin),
        ("POST", f"{PATH}/roll-outs/new", pages.begin_roll_out),
        ("GET", one, pages.show),
        ("POST", one, pages.save),
        ("POST", f"{one}/copy", pages.copy),
        ("POST", f"{one}/start", pages.start),
        ("POST", f"{one}/stop", pages.stop),
        ("POST", f"{one}/roll-out", pages.roll_out),
        ("POST", f"{one}/share", pages.share),
        ("POST", f"{one}/adopt", pages.adopt),
    ):
        app.router.routes.append(Route(path, answered(handler), methods=[method]))
