"""`/feedback/{token}/{step}`: a lead says whether we were fast and of help.

A GET keeps nothing, for mail scanners follow every link: it shows the page with the answer of the link chosen and one
button. What a POST keeps can be changed on the same page for a fortnight.
"""

from datetime import datetime
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from speedlead.composing.assemble import read_composer
from speedlead.composing.words import Words
from speedlead.domain.feedback import MAX_REMARK, Said, may_change, open_until
from speedlead.feedback_links import lead_of_link
from speedlead.gateway import answers
from speedlead.gateway.context import Context
from speedlead.gateway.forms import read_form
from speedlead.gateway.limits import TokenBuckets, client_address, read_body, sender_of
from speedlead.gateway.page_errors import answered
from speedlead.gateway.problems import Problem
from speedlead.gateway.rendering import render
from speedlead.intake_text import many_lines
from speedlead.store import feedback
from speedlead.store.feedback import FeedbackOver, Given
from speedlead.store.leads import LeadStore
from speedlead.store.transactions import transact

MAX_BYTES = 8192
GONE = "This link is not complete, or there is nothing behind it any more. Please use the one in the mail."
_ANSWERS: dict[str, bool | None] = {"yes": True, "no": False}


class FeedbackPage:
    def __init__(self, context: Context) -> None:
        """Raises ComposeError."""
        self._context, self._deps = context, context.deps
        self._composer = read_composer(context.deps.settings)
        self._limits = TokenBuckets(context.deps.settings.intake_rate_per_minute_address)

    async def handle(self, request: Request) -> Response:
        step = request.path_params["step"]
        try:
            self._limits.check(sender_of(client_address(request, self._context.proxies)))
            lead_id = lead_of_link(self._deps.credentials.secret_bytes, request.path_params["token"], step)
            if lead_id is None:
                raise Problem(404, GONE)
            if request.method == "POST":
                return await self._keep(request, lead_id, step)
            return await self._show(request, lead_id, step)
        except Problem as problem:
            title = "Please try again" if problem.status in (400, 413, 415, 429) else "Nothing to see here"
            return answers.message(title, problem.detail, status=problem.status, headers=problem.headers_to_send())
        except LookupError:
            return answers.message("Nothing to see here", GONE, status=404)

    async def _show(self, request: Request, lead_id: str, step: str) -> Response:
        given, now = await transact(
            self._deps.pool, lambda conn: feedback.standing(conn, self._deps.clock, lead_id, step)
        )
        before, asked = given.said if given else Said(None, None), request.query_params
        chosen = Said(_answer(asked, "fast", before.fast), _answer(asked, "helpful", before.helpful), before.remark)
        over = given is not None and not may_change(given.given_at, given.changes, now)
        return await self._page(request, lead_id, before if over else chosen, given=given, over=over)

    async def _keep(self, request: Request, lead_id: str, step: str) -> Response:
        body = await read_body(request, MAX_BYTES)
        fields = await read_form(request.headers.get("content-type", ""), body, max_files=0)
        typed = {name: values[0] for name, values in fields.items()}
        remark = many_lines(typed.get("remark", ""))[:MAX_REMARK].strip()
        said = Said(_answer(typed, "fast"), _answer(typed, "helpful"), remark or None)
        if said.fast is None and said.helpful is None:
            return await self._page(request, lead_id, said, problem="nothing", status=422)

        async def work(conn: Any) -> Given:
            return await feedback.give(conn, self._deps.clock, lead_id, step, said)

        try:
            given = await transact(self._deps.pool, work)
        except FeedbackOver:
            return await self._page(request, lead_id, said, over=True, status=409)
        self._context.counters.add("feedback")
        return await self._page(request, lead_id, given.said, given=given, thanks=True)

    async def _page(
        self, request: Request, lead_id: str, said: Said, *, given: Given | None = None, over: bool = False,
        thanks: bool = False, problem: str = "", status: int = 200,
    ) -> Response:  # fmt: skip
        lead = await LeadStore(self._deps.pool).read(lead_id)
        language = self._composer.language(lead)
        words = self._composer.book.words[language]
        return render("feedback.html", {
            "company_name": self._deps.settings.company_name, "language": language, "said": words.feedback,
            "chosen": said, "over": over, "thanks": thanks, "problem": words.feedback[problem] if problem else "",
            "until": _until(words, given.given_at) if given is not None and not over else "",
            "path": request.url.path, "longest": MAX_REMARK,
        }, status)  # fmt: skip


def _until(words: Words, given_at: datetime) -> str:
    return words.until(open_until(given_at).date())


def _answer(fields: Any, name: str, default: bool | None = None) -> bool | None:
    """`yes` or `no`; what makes no sense counts as not said."""
    return _ANSWERS.get(fields.get(name, ""), default)


def add_feedback_page(app: FastAPI, context: Context) -> None:
    """Raises ComposeError."""
    page = FeedbackPage(context)
    app.router.routes.append(Route("/feedback/{token}/{step}", answered(page.handle), methods=["GET", "POST"]))
