"""A rep's page: the queue by what is due, and the chosen lead beside it. `rep_events.py` keeps it live.

Every part is a page of its own as well: what scripts load into it, links and forms reach without them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from speedlead.domain.outcomes import Outcome
from speedlead.domain.rep_queue import Owed, Situation, owed, place_in_queue
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.callback_check import callback_time, own_time, refusal
from speedlead.gateway.deps import GatewayDeps
from speedlead.gateway.lead_context import lead_context
from speedlead.gateway.page_actions import SAID, Mistake, Typed, parse_id, read_wall
from speedlead.gateway.page_errors import answered, missing
from speedlead.gateway.rendering import render
from speedlead.gateway.rep_events import add_rep_events
from speedlead.plan_shelf import in_use
from speedlead.store import rep_page, views
from speedlead.store.presence import presence_of
from speedlead.store.transactions import transact
from speedlead.store.view_models import LeadCard, NoticeView, RepView
from speedlead.times import local

# the second of the two keys that log a call; the first is the digit of its result
OUTCOME_KEYS = {
    Outcome.MEETING_BOOKED: "m",
    Outcome.CALLBACK_REQUESTED: "b",
    Outcome.QUALIFIED: "q",
    Outcome.UNQUALIFIED: "u",
    Outcome.NOT_NOW: "n",
    Outcome.NOT_INTERESTED: "i",
    Outcome.DO_NOT_CONTACT: "x",
    Outcome.CONVERTED: "w",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A lead in the queue, with its own present and what it waits for."""

    card: LeadCard
    now: datetime
    owed: Owed
    offered: bool
    mine: bool
    # what is owed is the first attempt, and no call is planned for it: no number, or no consent
    no_call: bool = False

    @property
    def late(self) -> bool:
        return self.owed.at is not None and self.owed.at < self.now

    @property
    def due_ms(self) -> int | None:
        """The deadline on the wall's clock, which is the page's, in milliseconds since 1970."""
        if self.owed.at is None:
            return None
        return int((self.owed.at - timedelta(microseconds=self.card.clock_offset_us)).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Queue:
    mine: list[Place]
    pool: list[Place]
    notices: list[dict[str, Any]]

    def find(self, lead_id: str | None) -> Place | None:
        return next((place for place in self.mine + self.pool if place.card.lead_id == lead_id), None)


class RepPage:
    def __init__(self, deps: GatewayDeps) -> None:
        self._deps = deps

    def _calls(self) -> set[str]:
        tracks = in_use(self._deps.plan).tracks.values()
        return {step.id for track in tracks for step in track.steps if step.channel == "call"}

    async def page(self, request: Request) -> Response:
        reps = await transact(self._deps.pool, views.reps)
        rep = who(request, reps)
        if rep is None:
            return render("who.html", {"reps": reps})
        queue = await self._queue(rep)
        wanted = request.query_params.get("lead")
        # never another lead than the one that was asked for: what is logged would be logged there
        chosen = queue.find(wanted) if wanted is not None else next(iter(queue.mine), None)
        context = {
            "rep": rep,
            "queue": queue,
            "chosen": chosen.card.lead_id if chosen else None,
            "wanted": parse_id(wanted or ""),
            "live": request.query_params.get("live") != "off",
            "said_text": SAID.get(request.query_params.get("said", ""), ""),
            "now_ms": int(self._deps.clock.wall().timestamp() * 1000),
            "presence": await transact(
                self._deps.pool, lambda conn: presence_of(conn, rep.rep_id, self._deps.clock.business(0))
            ),
        }
        panel = await self._panel(rep, chosen.card.lead_id, chosen) if chosen else None
        return render("rep.html", context | (panel or {}))

    async def queue(self, request: Request) -> Response:
        rep = who(request, await transact(self._deps.pool, views.reps))
        if rep is None:  # somebody else was chosen in another tab: the page stays as it is
            return Response(status_code=204)
        chosen = parse_id(request.query_params.get("lead", ""))
        return render("rep_queue.html", {"rep": rep, "queue": await self._queue(rep), "chosen": chosen})

    async def lead(self, request: Request) -> Response:
        """The chosen lead; `/live` is the part of it that changes by itself."""
        lead_id = parse_id(request.path_params["lead_id"])
        rep = who(request, await transact(self._deps.pool, views.reps))
        if rep is None:
            return Response(status_code=204)
        place = (await self._queue(rep)).find(lead_id)
        panel = await self._panel(rep, lead_id, place) if lead_id else None
        if panel is None:
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        live = request.url.path.endswith("/live")
        return render("lead_live.html" if live else "rep_lead.html", {"rep": rep, "chosen": lead_id, **panel})

    async def callback(self, request: Request) -> Response:
        """May the lead be called at `at`, typed on the lead's own clock? Says when that is for the rep."""
        lead_id = parse_id(request.path_params["lead_id"])
        view = await transact(self._deps.pool, lambda conn: views.lead_view(conn, lead_id)) if lead_id else None
        rep = who(request, await transact(self._deps.pool, views.reps))
        if view is None:
            return missing("This lead does not exist", "It may have been erased, or the address is incomplete.")
        card = view.card
        try:
            at = read_wall(request.query_params.get("at", ""), card)
            if at <= self._deps.clock.business(card.clock_offset_us):
                raise Mistake("at", "That time has passed where the lead is.")
        except Mistake as mistake:
            return JSONResponse({"lawful": False, "text": mistake.text})
        found = await callback_time(self._deps, card.lead_id, at)
        own = own_time(at, rep.zone if rep else "UTC")
        if found.lawful:
            return JSONResponse({"lawful": True, "text": f"A lawful time. For you it is {own}."})
        return JSONResponse({
            "lawful": False,
            "text": refusal(found, card.zone),
            "first": found.lawful_at and _typed(found.lawful_at, card.zone),
        })  # fmt: skip

    async def speed(self, request: Request) -> Response:
        rep_id = signed_in(request).rep_id
        if rep_id is None:
            return Response(status_code=204)
        wall = self._deps.clock.wall()
        found = await transact(self._deps.pool, lambda conn: rep_page.speeds(conn, rep_id, wall))
        return render("rep_speed.html", {"speeds": found})

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _queue(self, rep: RepView) -> Queue:
        return await transact(self._deps.pool, lambda conn: self._read(conn, rep.rep_id))

    async def _read(self, conn: Any, rep_id: str) -> Queue:
        mine = await views.rep_leads(conn, rep_id)
        pool = await views.rep_leads(conn, None)
        offered = await views.offered(conn, rep_id)
        known = {card.lead_id for card in mine + pool}
        # a colleague's lead whose call is offered to this rep
        others = [view.card for lead in sorted(offered - known) if (view := await views.lead_view(conn, lead))]
        cards = mine + others
        waits = await rep_page.waiting(conn, rep_id, offered, [card.lead_id for card in cards + pool])
        places = {card.lead_id: self._place(card, rep_id, waits) for card in cards + pool}
        ordered = sorted(places.values(), key=lambda place: place_in_queue(self._situation(place.card, waits)))
        notices = await views.unseen_notices(conn, rep_id)
        return Queue(
            mine=[place for place in ordered if place.mine or place.offered],
            pool=[place for place in ordered if not (place.mine or place.offered)],
            notices=[self._notice(notice) for notice in notices],
        )

    def _place(self, card: LeadCard, rep_id: str, waits: rep_page.Waiting) -> Place:
        situation = self._situation(card, waits)
        offered = card.lead_id in waits.offers
        no_call = card.next_step is not None and not (situation.next_is_call or situation.calling)
        return Place(card, situation.now, owed(situation), offered, card.owner_id == rep_id, no_call)

    def _situation(self, card: LeadCard, waits: rep_page.Waiting) -> Situation:
        step = card.next_step or ""
        undecided = card.plan_stopped is not None or card.next_why == "waiting_for_outcome"
        return Situation(
            now=self._deps.clock.business(card.clock_offset_us),
            created_at=card.created_at,
            offered=card.lead_id in waits.offers,
            offered_due=waits.offers.get(card.lead_id),
            asked=card.lead_id in waits.questions,
            answer_due=waits.questions.get(card.lead_id),
            calling=card.calling is not None,
            # a meeting, or a day that was agreed, is decided: its reminder stands with the rest
            undecided=undecided and card.decided_at is None,
            first_attempt_due=card.first_attempt_due
            if card.first_attempt_at is None and card.plan_stopped is None
            else None,
            next_is_call=step in self._calls() or card.is_callback,
            next_at=card.next_touch_at,
        )

    async def _panel(self, rep: RepView, lead_id: str, place: Place | None) -> dict[str, Any] | None:
        found = await lead_context(self._deps, lead_id)
        if found is None:
            return None
        return found | {"place": place, "typed": Typed(), "problem": None, "keys": OUTCOME_KEYS, "own_zone": rep.zone}

    def _notice(self, notice: NoticeView) -> dict[str, Any]:
        return {"notice": notice, "now": self._deps.clock.business(notice.clock_offset_us)}


def who(request: Request, reps: list[RepView]) -> RepView | None:
    """The rep that this session works for."""
    chosen = signed_in(request).rep_id
    return next((rep for rep in reps if rep.rep_id == chosen), None)


def _typed(at: datetime, zone: str) -> str:
    """As a datetime-local field wants it, on the lead's clock; up to the next whole minute."""
    whole = local(at, zone)
    if whole.second or whole.microsecond:
        whole = whole.replace(second=0, microsecond=0) + timedelta(minutes=1)
    return whole.isoformat(timespec="minutes")


def add_rep_page(app: FastAPI, deps: GatewayDeps) -> None:
    page = RepPage(deps)
    app.router.routes.extend([
        Route("/rep", answered(page.page)),
        Route("/rep/queue", answered(page.queue)),
        Route("/rep/speed", answered(page.speed)),
        Route("/rep/leads/{lead_id}", answered(page.lead)),
        Route("/rep/leads/{lead_id}/live", answered(page.lead)),
        Route("/rep/leads/{lead_id}/callback", answered(page.callback)),
    ])  # fmt: skip
    add_rep_events(app, deps)
