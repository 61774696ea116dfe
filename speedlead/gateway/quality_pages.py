"""The pages /quality: contacts that were drawn at random, and what managers think of them; a rep meets the own ones."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.domain.quality import HIGHEST, QualityRules
from speedlead.gateway.access.table import May
from speedlead.gateway.access.who import Who, signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.intake_text import many_lines
from speedlead.quality.rulebook import load_quality
from speedlead.scriptbook import load_scripts, recorded
from speedlead.store import quality, quality_scores
from speedlead.store.quality import Pick
from speedlead.store.quality_contact import seen
from speedlead.store.transactions import transact

PATH = "/quality"
LOOK_BACK = timedelta(days=90)
MAX_REMARK = 2000
SAID = {"reviewed": "Your review is kept."}
KINDS = {"call": "talk", "answer": "written answer"}


class QualityPages:
    def __init__(self, deps: GatewayDeps) -> None:
        """Raises QualityError, ScriptError."""
        self._deps = deps
        self._rules = load_quality(deps.settings.quality_file)
        self._asks = {
            (recorded(script), question.id): (
                question.ask, {answer.id: answer.say for answer in question.answers})
            for script, _ in load_scripts(deps.settings.templates_dir).values() for question in script.questions
        }  # fmt: skip

    async def overview(self, request: Request) -> Response:
        """Of everybody for who reviews, else the own ones."""
        who, now = signed_in(request), self._deps.clock.wall()
        reviews, since = who.may(May.REVIEW_QUALITY), now - LOOK_BACK

        async def look(conn: Any) -> dict[str, Any]:
            mine = None if reviews else who.own_rep_id
            picks = await quality.picks(conn, who.account_id, since, rep_id=mine) if reviews or mine else []
            names = {pick.rep_id: pick.rep_name for pick in picks}
            scores = await quality_scores.by_rep(conn, since, now)
            return {
                "picks": picks,
                "scores": sorted((names[rep], score) for rep, score in scores.items() if rep in names),
                "agreement": await quality_scores.agreement(conn, since, now) if reviews else None,
                "all": await quality_scores.between(conn, since, now) if reviews else None,
            }

        found = await transact(self._deps.pool, look)
        picks: list[Pick] = found["picks"]
        context = found | {
            "here": PATH, "kinds": KINDS, "rules": self._rules, "reviews": reviews, "own": who.own_rep_id,
            "open": [pick for pick in picks if not pick.reviewers and pick.rep_id != who.own_rep_id],
            "done": [pick for pick in picks if pick.reviewers],
            "said_text": SAID.get(request.query_params.get("said", ""), ""), "days": LOOK_BACK.days,
        }  # fmt: skip
        return render("quality.html", context)

    async def show(self, request: Request) -> Response:
        return await self._contact(request, {}, {})

    async def review(self, request: Request) -> Response:
        who, wall = signed_in(request), self._deps.clock.wall()
        pick = await self._pick(request, who)
        if pick is None:
            return _unknown()
        form = {name: str(value) for name, value in (await request.form()).items()}
        marks, problems = read_marks(form, self._rules)
        if pick.rep_id == who.own_rep_id:
            problems[""] = "Nobody reviews a contact of their own."
        remark = many_lines(form.get("remark", "")).strip()
        if len(remark) > MAX_REMARK:
            problems["remark"] = f"expected at most {MAX_REMARK} characters, got {len(remark)}"
        if problems:
            return await self._contact(request, form, problems)
        value = sum(marks.values()) / (HIGHEST * len(marks))

        async def write(conn: Any) -> None:
            await quality.write_review(conn, pick.pick_id, who.account_id, marks, value, remark or None, wall)

        await transact(self._deps.pool, write)
        return RedirectResponse(f"{PATH}?said=reviewed", status_code=303)

    # ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _pick(self, request: Request, who: Who) -> Pick | None:
        """A rep meets the own contacts that somebody has reviewed."""
        pick_id = parse_id(request.path_params["pick_id"])
        if pick_id is None:
            return None
        pick = await transact(self._deps.pool, lambda conn: quality.pick_of(conn, pick_id, who.account_id))
        theirs = pick is not None and pick.rep_id == who.own_rep_id and pick.reviewers
        return pick if who.may(May.REVIEW_QUALITY) or theirs else None

    async def _contact(self, request: Request, typed: Mapping[str, str], problems: Mapping[str, str]) -> Response:
        who = signed_in(request)
        pick = await self._pick(request, who)
        if pick is None:
            return _unknown()
        # whoever has yet to say something does not read what others have said; of the own contacts all is read
        reads = pick.mine or pick.rep_id == who.own_rep_id
        may = who.may(May.REVIEW_QUALITY) and pick.rep_id != who.own_rep_id

        async def look(conn: Any) -> dict[str, Any]:
            found = await quality.reviews(conn, pick.pick_id)
            return {
                # the lead may be a colleague's by now
                "seen": await seen(conn, pick) if who.may(May.REVIEW_QUALITY) else None,
                "reviews": found if reads else [],
                "before": next((review for review in found if review.account_id == who.account_id), None),
            }

        found = await transact(self._deps.pool, look)
        before = found["before"]
        given = {f"mark_{name}": str(mark) for name, mark in before.marks.items()} if before else {}
        context = found | {
            "here": PATH, "pick": pick, "rules": self._rules, "kinds": KINDS, "may": may, "asks": self._asks,
            "typed": given | ({"remark": before.remark or ""} if before else {"remark": ""}) | dict(typed),
            "problems": problems, "titles": {one.id: one.title for one in self._rules.criteria}, "most": MAX_REMARK,
        }  # fmt: skip
        return render("quality_contact.html", context, 422 if problems else 200)


def read_marks(form: Mapping[str, str], rules: QualityRules) -> tuple[dict[str, int], dict[str, str]]:
    """(criterion -> mark, field -> what was expected)."""
    marks, problems = {}, {}
    for criterion in rules.criteria:
        text = form.get(f"mark_{criterion.id}", "")
        if text in ("0", "1", "2"):
            marks[criterion.id] = int(text)
        else:
            problems[f"mark_{criterion.id}"] = f"{criterion.title}: expected 0, 1 or 2"
    return marks, problems


def _unknown() -> Response:
    return missing("There is no such contact", "The address is incomplete, or it is not yours.")


def add_quality_pages(app: FastAPI, deps: GatewayDeps) -> None:
    page = QualityPages(deps)
    app.router.routes.extend([
        Route(PATH, answered(page.overview)),
        Route(f"{PATH}/{{pick_id}}", answered(page.show)),
        Route(f"{PATH}/{{pick_id}}", answered(page.review), methods=["POST"]),
    ])  # fmt: skip
