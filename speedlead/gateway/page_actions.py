"""What the pages post: each handler does one thing and answers 303, so that reloading repeats nothing."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import structlog
from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.cadence_errors import LeadError, LeadRefused, LeadUnavailable
from speedlead.domain.outcomes import BAD_DATA, CallResult, Outcome
from speedlead.domain.walltime import resolve_wall
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.callback_check import callback_time, refusal
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.page_errors import answered, conflict, missing
from speedlead.ids import update_id
from speedlead.intake_text import many_lines, one_line
from speedlead.store import notices, sessions, views
from speedlead.store.answers import AnswerRefused, Draft, write_answer
from speedlead.store.outcomes import Logged, OutcomeRefused, log_outcome
from speedlead.store.transactions import transact
from speedlead.store.view_models import LeadCard

log = structlog.get_logger(__name__)

# what a page says after a post, by the code in its address
SAID = {
    "logged": "Logged.",
    "accepted": "You have accepted the lead.",
    "declined": "You have declined; somebody else is asked.",
    "paused": "Paused.",
    "resumed": "The plan goes on.",
    "skipped": "The next step is skipped.",
    "called": "The call is being set up: the owner's phone rings first, or the next one's who is on shift.",
    "stopped": "Stopped for good.",
    "noskip": "Nothing was skipped: what is next is not a step of the plan.",
    "refused": "That was not possible: the lead has moved on. Look at what is next.",
    "late": "Nothing was changed: the lead's workflow did not answer. Please try again in a moment.",
    "reassigned": "The lead has its new owner.",
    "fact_wrong": "Thank you: this counts for nothing any more, and the rules are measured by it.",
    "planned": "The lead follows the other plan from now on.",
    "corrected": "Corrected; what comes next is placed anew.",
    "opted_out": "Recorded: nothing of that goes out any more.",
    "voice_ended": "Recorded: no artificial voice speaks to this lead any more.",
    "no_show": "Nobody came. The lead is called again, and has a mail with our times.",
    "written": "Your message is on its way; what became of it stands in the conversation.",
    "choose": "Please choose first for whom you work, on the page My leads.",
}

_WAYS: dict[str, Literal["email", "sms", "chat"]] = {"email": "email", "sms": "sms", "chat": "chat"}

# post path -> update of the workflow and what to say
UPDATES = {
    "accept": ("accept", "accepted"),
    "decline": ("decline", "declined"),
    "pause": ("pause", "paused"),
    "resume": ("resume", "resumed"),
    "skip": ("skip", "skipped"),
    "call_now": ("call_now", "called"),
    "stop": ("stop", "stopped"),
}
NOT_TO_COME = "Please give a time that is still to come where the lead is."
MAX_NOTE = 4000
NEEDS_REASON = frozenset({"decline", "pause", "skip", "stop"})
# what is not done without a word why; a call that somebody makes at once needs none
STEERS = frozenset({"pause", "resume", "skip", "stop"})
NEEDS_WHY = "Please say why: it stands in the audit. Nothing was changed."


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in the forms of a lead's page, as typed: its outcome, and a message to the lead."""

    call_result: str = ""
    outcome: str = ""
    at: str = ""
    reason: str = ""
    note: str = ""
    channel: str = ""
    body: str = ""
    touch_id: str = ""


class Mistake(ValueError):
    """What to say to the rep; `field` is the form's field that it is about, or "" for none."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.text = text


LeadPage = Callable[[Request, Typed, Mistake | None], Awaitable[Response]]


class PageActions:
    def __init__(self, deps: GatewayDeps, lead_page: LeadPage) -> None:
        self.deps = deps
        self.lead_page = lead_page

    async def choose(self, request: Request) -> Response:
        """From now on this session works for the rep; without one, for its own."""
        form = await request.form()
        rep_id, token = parse_id(str(form.get("rep_id") or "")), signed_in(request).token
        await transact(self.deps.pool, lambda conn: sessions.act_for(conn, token, rep_id))
        return RedirectResponse("/rep", status_code=303)

    async def seen(self, request: Request) -> Response:
        notice_id = parse_id(request.path_params["notice_id"])
        rep_id = signed_in(request).rep_id
        if notice_id is not None and rep_id is not None:
            wall = self.deps.clock.wall()
            await transact(self.deps.pool, lambda conn: notices.mark_seen(conn, notice_id, rep_id, wall))
        return RedirectResponse("/rep", status_code=303)

    async def seen_by_ops(self, request: Request) -> Response:
        notice_id = parse_id(request.path_params["notice_id"])
        if notice_id is not None:
            wall = self.deps.clock.wall()
            await transact(self.deps.pool, lambda conn: notices.mark_seen(conn, notice_id, None, wall))
        return RedirectResponse("/ops/leads", status_code=303)

    async def outcome(self, request: Request) -> Response:
        card = await self._card(request)
        if card is None:
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        form = await request.form()
        typed = Typed(
            **{
                name: many_lines(str(form.get(name) or ""))
                for name in ("call_result", "outcome", "at", "reason", "note", "touch_id")
            }
        )
        try:
            at = read_outcome(typed, card, self.deps.clock.business(card.clock_offset_us))
            if typed.outcome == Outcome.CALLBACK_REQUESTED and at is not None:
                await self._refuse_unlawful(card, at)
        except Mistake as mistake:
            return await self.lead_page(request, typed, mistake)
        logged = Logged(
            lead_id=card.lead_id,
            call_result=CallResult(typed.call_result) if typed.call_result else None,
            outcome=Outcome(typed.outcome) if typed.outcome else None,
            at=at if typed.outcome != Outcome.NOT_NOW else None,
            until=at if typed.outcome == Outcome.NOT_NOW else None,
            reason=typed.reason or None,
            note=typed.note[:MAX_NOTE] or None,
            touch_id=(typed.touch_id[:200] or None) if typed.call_result else None,
            rep_id=signed_in(request).rep_id,
            # the id was made with the form: pressing the button twice logs once
            outcome_id=parse_id(str(form.get("outcome_id") or "")),
        )
        try:
            await transact(self.deps.pool, lambda conn: log_outcome(conn, self.deps.clock, logged))
        except OutcomeRefused as refusal:
            return await self.lead_page(request, typed, Mistake("", refused_text(refusal)))
        await self.deps.relay.deliver_now(card.lead_id)
        return back(card, str(form.get("back") or ""), "logged")

    async def _refuse_unlawful(self, card: LeadCard, at: datetime) -> None:
        """Raises Mistake. Where no call at all is lawful the outcome stands: the gate tells what becomes of it."""
        found = await callback_time(self.deps, card.lead_id, at)
        if found.lawful_at is not None and not found.lawful:
            raise Mistake("at", refusal(found, card.zone))

    async def answer(self, request: Request) -> Response:
        card = await self._card(request)
        if card is None:
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        form = await request.form()
        typed = Typed(channel=str(form.get("channel") or ""), body=many_lines(str(form.get("body") or "")))
        # the conversation stands in the form: another one may have begun since the page was read
        way, _, conversation = typed.channel.partition(":")
        channel = _WAYS.get(way)
        if channel is None:
            return await self.lead_page(request, typed, Mistake("channel", "Please choose how it goes."))
        draft = Draft(
            lead_id=card.lead_id,
            channel=channel,
            body=typed.body,
            rep_id=signed_in(request).rep_id,
            # the id was made with the form: pressing the button twice writes once
            answer_id=parse_id(str(form.get("answer_id") or "")),
            conversation=parse_id(conversation),
        )
        try:
            await transact(self.deps.pool, lambda conn: write_answer(conn, self.deps.clock, draft))
        except AnswerRefused as refusal:
            return await self.lead_page(request, typed, Mistake("body", refused_answer(refusal)))
        await self.deps.relay.deliver_now(card.lead_id)
        return back(card, "", "written")

    async def update(self, request: Request) -> Response:
        card = await self._card(request)
        action = request.path_params["action"]
        if card is None or action not in UPDATES:
            return missing("There is nothing here", "The address is incomplete, or the lead was erased.")
        form = await request.form()
        where = str(form.get("back") or "")
        rep_id = signed_in(request).rep_id
        body: dict[str, Any] = {"by": signed_in(request).account_id}
        if action in ("accept", "decline"):
            if rep_id is None:
                return back(card, "rep", "choose")
            body = {"rep_id": rep_id}
        elif action == "call_now" and rep_id is not None:
            body["rep_id"] = rep_id  # their phone rings first
        reason = one_line(str(form.get("reason") or ""))[:80]
        if reason and action in NEEDS_REASON:
            body["reason"] = reason
        if not reason and action in STEERS:
            return await self.lead_page(request, Typed(), Mistake("reason", NEEDS_WHY))
        if action == "pause" and form.get("at"):
            try:
                until = read_wall(str(form["at"]), card, "until")
                if until <= self.deps.clock.business(card.clock_offset_us):
                    raise Mistake("until", NOT_TO_COME)
            except Mistake as mistake:
                return await self.lead_page(request, Typed(), mistake)
            body["until"] = until.isoformat()
        name, text = UPDATES[action]
        try:
            return back(card, where, await self._ask(request, card.lead_id, name, body, text))
        except LeadRefused as refused:  # of an accept: who has the lead now is more than any code says
            return conflict("You have not taken this lead", refused.reason)

    async def _ask(self, request: Request, lead_id: str, name: str, body: dict[str, Any], text: str) -> str:
        """The code of what to say. Raises LeadRefused when somebody else has taken the lead."""
        try:
            key = update_id(request.scope["speedlead.line"].request_id, name)
            await self.deps.leads.update(lead_id, name, body, key=key)
        except LeadUnavailable:
            return "late"
        except LeadError as refusal:
            if name == "skip" and isinstance(refusal, LeadRefused) and refusal.field == "step":
                return "noskip"
            if name == "accept" and isinstance(refusal, LeadRefused) and refusal.field is None:
                raise
            log.info("update_refused", lead_id=lead_id, update=name, refusal=type(refusal).__name__)
            return "refused"
        return text

    async def _card(self, request: Request) -> LeadCard | None:
        lead_id = parse_id(request.path_params["lead_id"])
        if lead_id is None:
            return None
        view = await transact(self.deps.pool, lambda conn: views.lead_view(conn, lead_id))
        return None if view is None else view.card


def read_outcome(typed: Typed, card: LeadCard, now: datetime) -> datetime | None:
    """The instant that was typed, if any. Raises Mistake."""
    if not typed.call_result and not typed.outcome:
        raise Mistake("call_result", "Please choose how the call ended, or what was decided.")
    if typed.call_result and typed.call_result not in list(CallResult):
        raise Mistake("call_result", "Please choose how the call ended from the list.")
    if typed.outcome and typed.outcome not in list(Outcome):
        raise Mistake("outcome", "Please choose what was decided from the list.")
    if typed.reason and (typed.reason not in BAD_DATA or typed.outcome != Outcome.UNQUALIFIED):
        raise Mistake("reason", "Please give what was wrong from the list, and with “not a fit” only.")
    at = read_wall(typed.at, card) if typed.at else None
    if typed.outcome == Outcome.CALLBACK_REQUESTED and at is None:
        raise Mistake("at", "Please say when to call back.")
    if at is not None and at <= now:
        raise Mistake("at", NOT_TO_COME)
    return at


def refused_text(refusal: OutcomeRefused) -> str:
    """What to say to the rep when the record refused the outcome."""
    if refusal.field is None:
        return "The lead was closed in the meantime; nothing was logged."
    if refusal.field == "rep_id":
        return "The rep you work for is gone; choose again. Nothing was logged."
    return f"Nothing was logged: expected {refusal.expected}."


def refused_answer(refusal: AnswerRefused) -> str:
    """What to say when the record refused a message to the lead."""
    if refusal.field is None:
        return "The lead was closed in the meantime; nothing was sent."
    if refusal.field == "rep_id":
        return "The rep you work for is gone; choose again. Nothing was sent."
    if refusal.field == "conversation":
        return "Please choose again by what and in which conversation it goes. Nothing was sent."
    return f"Nothing was sent: expected {refusal.expected}."


def read_wall(text: str, card: LeadCard, field: str = "at") -> datetime:
    """What a datetime-local field holds, on the lead's clock, as an instant. Raises Mistake."""
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        wall = None
    if wall is None or wall.tzinfo is not None:
        raise Mistake(field, "Please give the time as a date and a time of day, such as 2026-11-23 14:30.")
    try:
        return resolve_wall(card.zone, wall).compatible
    except (ValueError, OverflowError):
        raise Mistake(field, "Please give a time of this century.") from None


def back(card: LeadCard, where: str, code: str) -> Response:
    """303 to the page the post came from, one of two fixed ones."""
    target = f"/rep?lead={card.lead_id}&said={code}" if where == "rep" else f"/leads/{card.lead_id}?said={code}"
    return RedirectResponse(target, status_code=303)


def parse_id(text: str) -> str | None:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None


def add_page_actions(app: FastAPI, deps: GatewayDeps, lead_page: LeadPage) -> None:
    actions = PageActions(deps, lead_page)
    app.router.routes.extend(
        Route(path, answered(handler), methods=["POST"])
        for path, handler in (
            ("/rep/choose", actions.choose),
            ("/rep/notices/{notice_id}/seen", actions.seen),
            ("/ops/notices/{notice_id}/seen", actions.seen_by_ops),
            ("/leads/{lead_id}/outcome", actions.outcome),
            ("/leads/{lead_id}/answer", actions.answer),
            ("/leads/{lead_id}/{action}", actions.update),
        )
    )
