"""`/book/meeting/{token}`: what a lead has booked: look, move, call off, save. And a rep's word that nobody came."""

from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead.booking.invitation import invitation
from speedlead.booking.links import BOOK, MEETING, meeting_url
from speedlead.booking.offers import Offer, Offers
from speedlead.gateway import answers
from speedlead.gateway.access.who import signed_in
from speedlead.gateway.booking_page import GONE, REFUSED, Asked, Doors, choice, form_of, read_asked
from speedlead.gateway.page_actions import parse_id
from speedlead.gateway.page_errors import answered, conflict, missing
from speedlead.gateway.problems import Problem
from speedlead.store import bookings
from speedlead.store.booking_rows import Booking, booking, of_lead
from speedlead.store.bookings import BookingRefused, SlotTaken
from speedlead.store.leads import LeadStore
from speedlead.store.transactions import transact
from speedlead.tokens import make_token


class MeetingPage:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._deps = doors.deps

    async def handle(self, request: Request) -> Response:
        try:
            booking_id, offers = self._doors.opened(request, MEETING)
            met = await transact(self._deps.pool, lambda conn: booking(conn, booking_id))
            if request.method == "POST":
                return await self._change(request, met, offers)
            if request.url.path.endswith("/invite.ics"):
                return await self._file(met)
            return await self._show(request, met, offers)
        except Problem as problem:
            return answers.message(
                "Please try again" if problem.status == 429 else "Nothing to see here", problem.detail,
                status=problem.status, headers=problem.headers_to_send(),
            )  # fmt: skip
        except BookingRefused as refused:
            return answers.message("Nothing was changed", REFUSED[refused.reason], status=409)
        except LookupError:
            return answers.message("Nothing to see here", GONE, status=404)

    async def _show(self, request: Request, met: Booking, offers: Offers) -> Response:
        may_change = met.stands and met.source == "page" and met.starts_at > self._now(met)
        if request.query_params.get("move") and may_change:
            asked = read_asked(request.query_params, offers)
            return await self._times(met, asked, offers, await self._offer(met, asked, offers))
        lead = await transact(self._deps.pool, lambda conn: LeadStore(conn).read(met.lead_id))
        return self._doors.page("meeting.html", await self._doors.voice(met.lead_id), {
            "phone": lead.phone, "mailed": lead.email is not None,
            "met": met, "path": self._doors.meeting_path(met.id), "may_change": may_change,
            "past": met.starts_at <= self._now(met), "moved": met.sequence > 0,
            "book": f"/book/{make_token(self._doors.secret, BOOK, met.lead_id)}",
        })  # fmt: skip

    async def _change(self, request: Request, met: Booking, offers: Offers) -> Response:
        """Moves it to `slot`, or calls it off. Raises BookingRefused, LookupError."""
        form = await form_of(request)
        clock = self._deps.clock
        if form.get("action") == "cancel":
            later = timedelta(seconds=offers.rules.again_after_cancel)

            async def call_off(conn: Any) -> Booking:
                lead = await LeadStore(conn).read(met.lead_id)
                return await bookings.cancel(conn, clock, met.id, offers.again(lead, self._now(met) + later))

            await transact(self._deps.pool, call_off)
            self._doors.context.counters.add("bookings", result="cancelled")
        else:
            asked = read_asked(form, offers)
            if (refused := await self._moved(met, asked, offers)) is not None:
                return refused
        await self._doors.context.deliver_now(met.lead_id)
        return RedirectResponse(self._doors.meeting_path(met.id), 303)

    async def _moved(self, met: Booking, asked: Asked, offers: Offers) -> Response | None:
        """None when it is done; else the times that are free."""
        slot = asked.slot
        if slot is None:
            return await self._times(met, asked, offers, await self._offer(met, asked, offers), status=422)
        offer = await self._offer(met, asked, offers, only=True)
        try:
            if slot not in offer.times or offer.zone is None:
                raise SlotTaken
            zone, clock = offer.zone, self._deps.clock
            await transact(self._deps.pool, lambda conn: bookings.move(conn, clock, offers.rules, met.id, slot, zone))
        except SlotTaken:
            self._doors.context.counters.add("bookings", result="taken")
            free = await self._offer(met, asked, offers)
            return await self._times(met, asked, offers, free, taken=True, status=409)
        self._doors.context.counters.add("bookings", result="moved")
        return None

    async def _offer(self, met: Booking, asked: Asked, offers: Offers, *, only: bool = False) -> Offer:
        """Times of the rep whose meeting it is, as if it were not there."""
        return await transact(self._deps.pool, lambda conn: offers.offered(
            conn, met.lead_id, self._now(met), zone=asked.zone or met.zone, only=asked.slot if only else None,
            rep_id=met.rep_id, but=met.id,
        ))  # fmt: skip

    async def _times(
        self, met: Booking, asked: Asked, offers: Offers, offer: Offer, *, taken: bool = False, status: int = 200
    ) -> Response:
        path = self._doors.meeting_path(met.id)
        shown = choice(asked, offer, offers, path, taken=asked.slot if taken else None, moving=True)
        return self._doors.page("booking.html", await self._doors.voice(met.lead_id), shown | {"met": met}, status)

    async def _file(self, met: Booking) -> Response:
        lead = await LeadStore(self._deps.pool).read(met.lead_id)
        settings = self._deps.settings
        text = invitation(
            met, None, company=settings.company_name, organizer=settings.sendgrid_from,
            domain=settings.sendgrid_from.rpartition("@")[2], lead_name=lead.name, lead_email=lead.email,
            wall=self._deps.clock.wall(), phone=lead.phone,
            link=meeting_url(settings.public_url, self._doors.secret, met.id),
        )  # fmt: skip
        headers = {"Content-Disposition": 'attachment; filename="invite.ics"'}
        return Response(text, media_type="text/calendar; charset=utf-8", headers=headers)

    async def nobody_came(self, request: Request) -> Response:
        """For our people: the lead did not come. It goes back to a call and gets a mail."""
        lead_id, offers = parse_id(request.path_params["lead_id"]), self._deps.offers
        if lead_id is None or offers is None:
            return missing("There is nothing here", "The address is incomplete, or the lead was erased.")
        by = "rep" if signed_in(request).rep_id else "us"

        async def work(conn: Any) -> None:
            met = next((one for one in await of_lead(conn, lead_id) if one.stands), None)
            if met is None:
                raise BookingRefused("not_standing")
            again = self._now(met) + timedelta(seconds=offers.rules.again_after)
            lead = await LeadStore(conn).read(lead_id)
            await bookings.missed(conn, self._deps.clock, met.id, offers.again(lead, again), by)

        try:
            await transact(self._deps.pool, work)
        except BookingRefused as refused:
            return conflict("Nothing was changed", REFUSED[refused.reason])
        await self._doors.context.deliver_now(lead_id)
        return RedirectResponse(f"/leads/{lead_id}?said=no_show", status_code=303)

    def _now(self, met: Booking) -> Any:
        return self._deps.clock.business(met.clock_offset_us)


def add_meeting_page(app: FastAPI, doors: Doors) -> None:
    page = MeetingPage(doors)
    app.router.routes.extend([
        Route("/book/meeting/{token}", answered(page.handle), methods=["GET", "POST"]),
        Route("/book/meeting/{token}/invite.ics", answered(page.handle), methods=["GET"]),
        Route("/leads/{lead_id}/no-show", answered(page.nobody_came), methods=["POST"]),
    ])  # fmt: skip
