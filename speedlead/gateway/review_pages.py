"""The pages /review: the reviews that are kept, and one of them. They change nothing."""

from calendar import day_name
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from speedlead.domain.review_week import parse_moment, week_named
from speedlead.gateway.access.table import Leads
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.review.content import Review
from speedlead.review.words import headline, sections, title
from speedlead.store import feedback, review_rows
from speedlead.store.transactions import transact

PATH = "/review"
_MOST, _MOST_REMARKS = 60, 20


class ReviewPages:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    async def all(self, _: Request) -> Response:
        rows = await transact(self._deps.pool, lambda conn: review_rows.newest(conn, _MOST))
        found = [(row, Review.model_validate(row.content)) for row in rows]
        return render("reviews.html", {
            "reviews": [(row, title(one), headline(one)) for row, one in found], "zone": self._deps.settings.house_zone,
            "at": _said(self._deps.settings.review_at), "mailed": self._deps.settings.review_mail,
        })  # fmt: skip

    async def one(self, request: Request) -> Response:
        who = signed_in(request)
        try:
            week = week_named(request.path_params["week"])
        except ValueError as wrong:
            return missing("There is no such review", f"{wrong}.")

        async def look(conn: Any) -> tuple[review_rows.Kept | None, list[feedback.Remark]]:
            row = await review_rows.kept(conn, week.name)
            # who meets no leads reads no words of theirs
            if row is None or who.leads is not Leads.ALL:
                return row, []
            return row, await feedback.remarks(conn, row.starts_at, row.ends_at, _MOST_REMARKS)

        row, said = await transact(self._deps.pool, look)
        if row is None:
            return missing("There is no such review", f"Week {week.name} was not reviewed, or is not over yet.")
        review = Review.model_validate(row.content)
        return render("review.html", {
            "row": row, "review": review, "title": title(review), "headline": headline(review),
            "sections": sections(review), "remarks": said, "leads": who.leads is Leads.ALL,
        })  # fmt: skip


def _said(moment: str) -> str:
    """mon 07:00 -> 'on Monday at 07:00'."""
    weekday, minute = parse_moment(moment)
    return f"on {day_name[weekday]} at {minute // 60:02}:{minute % 60:02}"


def add_review_pages(app: FastAPI, deps: GatewayDeps) -> None:
    pages = ReviewPages(deps)
    app.router.routes.extend([Route(PATH, answered(pages.all)), Route(f"{PATH}/{{week}}", answered(pages.one))])
