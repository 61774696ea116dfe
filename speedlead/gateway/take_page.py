"""Accept a lead and call it from a notification: one small page with one button. A GET never changes anything.

`/n/{token}` is a person's own link: the token names a notice and a rep, works signed out until the lead's deadline and
an hour; it opens this lead alone, and this alone may be done with it. Whoever has taken the lead, by a link or not, has
taken it: no other link of theirs calls it once more. `/leads/{id}/take` is the same page for links in a team's channel,
which are nobody's: who opens it has signed in, and is somebody who may meet the lead.
"""

from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Route

from speedlead import times, wording
from speedlead.cadence_errors import LeadError, LeadNotFound, LeadRefused, LeadUnavailable
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.context import Context
from speedlead.gateway.limits import client_address, read_body, sender_of
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.problems import Problem
from speedlead.gateway.rendering import render
from speedlead.ids import update_id
from speedlead.store import audit, notifications, views
from speedlead.store.transactions import transact
from speedlead.store.view_models import LeadCard
from speedlead.store.visible import is_visible
from speedlead.tokens import read_token

log = structlog.get_logger(__name__)

KIND = "notify"
_MAX_BYTES = 4096

ENDED = "This link has been used, or the lead's time for it is over. Sign in to see what became of the lead."
YOURS = "You have taken this lead already. Sign in to call or to write."
NOT_YOURS = "This lead is with somebody else now."
CLOSED = "This lead is closed: there is nothing to do any more."
LATE = "Nobody answered: it is not certain that the call is being set up. Look at the lead before you try again."
NOT_YET = "Nothing was changed: the lead's workflow did not answer. Please try again in a moment."


@dataclass(frozen=True, slots=True)
class Taken:
    """`asked`: something was asked for, so the link is used up. `problem`: why it went no further."""

    asked: bool
    said: str = ""
    problem: str = ""


class TakePages:
    def __init__(self, context: Context) -> None:
        self._context, self._deps = context, context.deps

    # ── a person's own link ──────────────────────────────────────────────────────────────────────────────────────────

    async def link(self, request: Request) -> Response:
        key, found, card = await self._linked(request)
        if key is None or found is None or card is None:
            return self._unknown(request)
        problem = await self._why_not(found, card)
        return self._page(card, request.url.path, problem=problem, status=410 if problem else 200)

    async def use_link(self, request: Request) -> Response:
        key, found, card = await self._linked(request)
        if key is None or found is None or card is None:
            return self._unknown(request)
        await read_body(request, _MAX_BYTES)
        problem, wall = await self._why_not(found, card), self._deps.clock.wall()
        if not problem and not await transact(self._deps.pool, lambda conn: notifications.use_link(conn, key, wall)):
            problem = ENDED
        if problem:
            return self._page(card, request.url.path, problem=problem, status=410)
        line = audit.Change(
            found["account_id"], "rep", found["rep_id"], "/n/{token}", card.lead_id, {"channel": found["channel"]}
        )
        line_id = await transact(self._deps.pool, lambda conn: self._begin(conn, line))
        taken = await self._take(card, found["rep_id"], line.request_id)
        if not taken.asked:
            await transact(self._deps.pool, lambda conn: notifications.free_link(conn, key, wall))
        status = 409 if taken.problem else 200
        await transact(self._deps.pool, lambda conn: self._end(conn, line_id, card.lead_id, status))
        return self._page(card, request.url.path, said=taken.said, problem=taken.problem, status=status)

    async def _linked(self, request: Request) -> tuple[str | None, Any, LeadCard | None]:
        key = read_token(self._deps.credentials.secret_bytes, KIND, request.path_params["token"])
        if key is None:
            return None, None, None

        async def read(conn: Any) -> tuple[Any, LeadCard | None]:
            found = await notifications.link(conn, key)
            view = await views.lead_view(conn, found["lead_id"]) if found else None
            return found, view.card if view else None

        return key, *(await transact(self._deps.pool, read))

    async def _why_not(self, found: Any, card: LeadCard) -> str:
        if card.closed_at is not None:
            return CLOSED
        if found["taken"]:
            return YOURS
        if found["used_wall"] is not None or self._deps.clock.business(card.clock_offset_us) >= found["expires_at"]:
            return ENDED
        scope = "all" if found["manager"] else "own"
        mine = await transact(
            self._deps.pool, lambda conn: is_visible(conn, card.lead_id, scope, found["rep_id"])
        )  # fmt: skip
        return "" if mine else NOT_YOURS

    def _unknown(self, request: Request) -> Response:
        # a right link is never refused; guessing is
        self._context.by_address.check(sender_of(client_address(request, self._context.proxies)))
        return missing("Unknown link", "This link is not complete. Please use the one in the message.")

    async def _begin(self, conn: Any, line: audit.Change) -> int:
        assert line.object is not None
        facts = await audit.lead_facts(conn, line.object)
        return await audit.begin(conn, line, facts, self._deps.clock.wall())

    async def _end(self, conn: Any, line_id: int, lead_id: str, status: int) -> None:
        await audit.end(conn, line_id, await audit.lead_facts(conn, lead_id), status)

    # ── from a team's channel, signed in ─────────────────────────────────────────────────────────────────────────────

    async def lead(self, request: Request) -> Response:
        card = await self._card(request)
        if card is None:
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        problem = CLOSED if card.closed_at else "" if signed_in(request).rep_id else self._no_rep()
        return self._page(card, request.url.path, problem=problem)

    async def take_lead(self, request: Request) -> Response:
        card, rep_id = await self._card(request), signed_in(request).rep_id
        if card is None:
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        if rep_id is None:
            return self._page(card, request.url.path, problem=self._no_rep(), status=409)
        taken = await self._take(card, rep_id, request.scope["speedlead.line"].request_id)
        status = 409 if taken.problem else 200
        return self._page(card, request.url.path, said=taken.said, problem=taken.problem, status=status)

    async def _card(self, request: Request) -> LeadCard | None:
        lead_id = parse_id(request.path_params["lead_id"])
        if lead_id is None:
            return None
        view = await transact(self._deps.pool, lambda conn: views.lead_view(conn, lead_id))
        return view.card if view else None

    def _no_rep(self) -> str:
        return "Please choose first for whom you work, on the page My leads."

    # ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _take(self, card: LeadCard, rep_id: str, request_id: str) -> Taken:
        """Accepts for the rep, then has the rep's phone ring; a call that goes on is not made a second time."""
        if card.closed_at is not None:
            return Taken(asked=False, problem=CLOSED)
        try:
            await self._deps.leads.update(card.lead_id, "accept", {"rep_id": rep_id})
        except LeadUnavailable:
            return Taken(asked=False, problem=NOT_YET)
        except LeadError as refusal:
            return Taken(asked=True, problem=self._refused(card, refusal))
        if card.calling:
            return Taken(asked=True, said="The lead is yours. A call is being made at this moment.")
        if not card.phone:
            return Taken(asked=True, said="The lead is yours. There is no number: please write.")
        try:
            body = {"by": rep_id, "rep_id": rep_id}
            await self._deps.leads.update(card.lead_id, "call_now", body, key=update_id(request_id, "call_now"))
        except LeadUnavailable:
            return Taken(asked=True, problem=LATE)
        except LeadError as refusal:
            return Taken(asked=True, problem=self._refused(card, refusal))
        return Taken(asked=True, said="The lead is yours, and the call is being set up: your phone rings first.")

    def _refused(self, card: LeadCard, refusal: LeadError) -> str:
        log.info("take refused", lead_id=card.lead_id, refusal=type(refusal).__name__)
        if isinstance(refusal, LeadNotFound):
            return CLOSED
        reason = refusal.reason if isinstance(refusal, LeadRefused) else ""
        why = wording.reason(reason) if wording.is_code(reason) else ""
        return f"That was not possible: {why or 'the lead has moved on'}."

    def _page(self, card: LeadCard, action: str, *, said: str = "", problem: str = "", status: int = 200) -> Response:
        now = self._deps.clock.business(card.clock_offset_us)
        due = card.deadline
        by = f"{times.clock(due, card.zone)} {times.zone_label(card.zone)}, {times.relative(due, now)}" if due else None
        return render(
            "take.html",
            {"card": card, "action": action, "said_text": said, "problem": problem, "by": by,
             "company_name": self._deps.settings.company_name},
            status,
        )  # fmt: skip


def add_take_pages(app: FastAPI, context: Context) -> None:
    """Before the other pages of a lead: theirs would take `take` for an action of the workflow."""
    pages = TakePages(context)

    def guarded(handler: Any) -> Any:
        async def page(request: Request) -> Response:
            try:
                return await answered(handler)(request)
            except Problem as problem:
                return problem.response()

        return page

    app.router.routes.extend([
        Route("/n/{token}", guarded(pages.link)),
        Route("/n/{token}", guarded(pages.use_link), methods=["POST"]),
        Route("/leads/{lead_id}/take", guarded(pages.lead)),
        Route("/leads/{lead_id}/take", guarded(pages.take_lead), methods=["POST"]),
    ])  # fmt: skip
