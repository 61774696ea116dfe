"""`/book/{token}`: a lead chooses a time. Without a script; a GET changes nothing, for mail scanners follow links."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import available_timezones

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from speedlead import times
from speedlead.booking.links import BOOK, FROM_FORM, MEETING
from speedlead.booking.offers import Offer, Offers
from speedlead.composing.assemble import read_composer
from speedlead.composing.languages import preferred
from speedlead.composing.words import Words
from speedlead.gateway import answers
from speedlead.gateway.context import Context
from speedlead.gateway.forms import read_form
from speedlead.gateway.limits import TokenBuckets, client_address, read_body, sender_of
from speedlead.gateway.page_errors import answered
from speedlead.gateway.problems import Problem
from speedlead.gateway.rendering import render
from speedlead.store import bookings
from speedlead.store.booking_rows import Booking, Known, known_person, standing
from speedlead.store.bookings import BookingRefused, SlotTaken, Wish
from speedlead.store.leads import LeadStore
from speedlead.store.transactions import transact
from speedlead.tokens import make_token, read_token

MAX_BYTES = 8192
DAYS_AT_ONCE = 5
NEXT_FREE = 6

GONE = "This link is not complete, or there is nothing behind it any more. Please use the one in the mail."
OFF = "No times can be chosen here at this moment. Please just answer our mail."
BY_MAIL = "No times can be chosen from here at this moment. Please use the link in our mail, or just answer it."
REFUSED = {
    "over": "This meeting has begun, or is over.",
    "not_standing": "This meeting was called off.",
    "lead_closed": "This inquiry is closed. Please write to us.",
    "not_begun": "This meeting has not begun.",
}
ZONES = tuple(sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "posix/", "right/"))))


class Doors:
    """What both booking pages do before anything else: the token, the limits, the switch."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.deps = context.deps
        self._limits = TokenBuckets(context.deps.settings.intake_rate_per_minute_address)
        self._composer = read_composer(context.deps.settings)

    @property
    def secret(self) -> bytes:
        return self.deps.credentials.secret_bytes

    def opened(self, request: Request, kind: str) -> tuple[str, Offers]:
        """The id in the token. Raises Problem 404 or 429."""
        self._limits.check(sender_of(client_address(request, self.context.proxies)))
        row_id = read_token(self.secret, kind, request.path_params["token"])
        if row_id is None:
            raise Problem(404, GONE)
        if self.deps.offers is None:
            raise Problem(404, OFF)
        return row_id, self.deps.offers

    async def voice(self, lead_id: str) -> "Voice":
        """In which the lead's messages are written. Raises LookupError."""
        lead = await transact(self.deps.pool, lambda conn: LeadStore(conn).read(lead_id))
        return self._voice(self._composer.language(lead))

    def voice_asked(self, request: Request) -> "Voice":
        """Which the browser wants: what is known of the lead is not shown to everybody."""
        return self._voice(self._composer.language_asked(preferred(request.headers.get("accept-language"))))

    def _voice(self, language: str) -> "Voice":
        return Voice(language, self._composer.book.words[language])

    def page(self, name: str, voice: "Voice", context: Mapping[str, Any], status: int = 200) -> Response:
        settings = self.deps.settings
        shared = {"company_name": settings.company_name, "company_phone": settings.company_phone, "zones": ZONES,
                  "language": voice.language, "say": voice.words.booking, "clock": voice.words.clock,
                  "city": city}  # fmt: skip
        return render(name, shared | dict(context), status)

    def meeting_path(self, booking_id: str) -> str:
        return f"/book/meeting/{make_token(self.secret, MEETING, booking_id)}"


@dataclass(frozen=True)
class Voice:
    language: str
    words: Words


class BookingPage:
    def __init__(self, doors: Doors) -> None:
        self._doors = doors
        self._deps = doors.deps

    async def handle(self, request: Request) -> Response:
        try:
            lead_id, offers = await self._opened(request)
            if request.method == "POST":
                return await self._book(request, lead_id, offers)
            return await self._show(request, lead_id, offers)
        except Problem as problem:
            return answers.message(
                "Please try again" if problem.status == 429 else "Nothing to see here", problem.detail,
                status=problem.status, headers=problem.headers_to_send(),
            )  # fmt: skip
        except LookupError:
            return answers.message("Nothing to see here", GONE, status=404)

    async def _opened(self, request: Request) -> tuple[str, Offers]:
        """The lead. Raises Problem, or LookupError."""
        return self._doors.opened(request, BOOK)

    def _booked_already(self, booking_id: str) -> Response:
        return RedirectResponse(self._doors.meeting_path(booking_id), 303)

    async def _show(self, request: Request, lead_id: str, offers: Offers) -> Response:
        """The times; with one of them in the address the question whether it is this one."""
        has = await transact(self._deps.pool, lambda conn: standing(conn, lead_id))
        if has is not None:
            return self._booked_already(has.id)
        asked = read_asked(request.query_params, offers)
        return await self._choice(request, lead_id, asked, await self._offer(lead_id, offers, asked), offers)

    async def _offer(self, lead_id: str, offers: Offers, asked: "Asked", only: datetime | None = None) -> Offer:
        async def read(conn: Any) -> Offer:
            now = self._deps.clock.business(await offset_of(conn, lead_id))
            return await offers.offered(conn, lead_id, now, zone=asked.zone, team=asked.team, only=only)

        return await transact(self._deps.pool, read)

    async def _book(self, request: Request, lead_id: str, offers: Offers) -> Response:
        asked = read_asked(await form_of(request), offers)
        if asked.slot is None:
            free = await self._offer(lead_id, offers, asked)
            return await self._choice(request, lead_id, asked, free, offers, status=422)
        offer = await self._offer(lead_id, offers, asked, asked.slot)
        reps, slot = offer.times.get(asked.slot, ()), asked.slot
        try:
            if not reps or offer.zone is None:
                raise SlotTaken
            wish = Wish(lead_id, slot, reps, offer.zone)
            booked = await transact(
                self._deps.pool, lambda conn: bookings.book(conn, self._deps.clock, offers.plan, offers.rules, wish)
            )
        except SlotTaken:
            self._doors.context.counters.add("bookings", result="taken")
            free = await self._offer(lead_id, offers, asked)
            return await self._choice(request, lead_id, asked, free, offers, taken=slot, status=409)
        except BookingRefused as refused:
            if refused.reason == "has_one":
                return RedirectResponse(request.url.path, 303)
            return answers.message("Not booked", REFUSED[refused.reason], status=409)
        self._doors.context.counters.add("bookings", result="booked")
        await self._doors.context.deliver_now(booked.lead_id)
        return await self._booked(request, booked)

    async def _booked(self, request: Request, met: Booking) -> Response:
        return RedirectResponse(self._doors.meeting_path(met.id), 303)

    async def _voice(self, request: Request, lead_id: str) -> Voice:
        return await self._doors.voice(lead_id)

    async def _choice(
        self, request: Request, lead_id: str, asked: "Asked", offer: Offer, offers: Offers, *,
        taken: datetime | None = None, status: int = 200,
    ) -> Response:  # fmt: skip
        shown = choice(asked, offer, offers, request.url.path, taken=taken)
        return self._doors.page("booking.html", await self._voice(request, lead_id), shown, status)


class FormBookingPage(BookingPage):
    """The same for whoever has just sent a form, who need not be the one they say: anybody can type an address.

    So it says nothing that was known before: no name of the owner, no meeting that stands, no language and no clock but
    those of the visitor. What is booked here is shown to the one who gets our mails.
    """

    async def _opened(self, request: Request) -> tuple[str, Offers]:
        inquiry_id, offers = self._doors.opened(request, FROM_FORM)
        lead_id = await self._deps.pool.fetchval("select lead_id from inquiry where id = $1", inquiry_id)
        if lead_id is None:
            raise LookupError(f"inquiry {inquiry_id}: there is none")
        return lead_id, offers

    async def _offer(self, lead_id: str, offers: Offers, asked: "Asked", only: datetime | None = None) -> Offer:
        if asked.zone is None and (await self._known(lead_id)).before:
            return Offer(None, {})
        return replace(await super()._offer(lead_id, offers, asked, only), who=(), owner=None)

    async def _voice(self, request: Request, lead_id: str) -> Voice:
        return self._doors.voice_asked(request)

    async def _booked(self, request: Request, met: Booking) -> Response:
        known = await self._known(met.lead_id)
        if not (known.before or known.mailed):  # nobody but they gave this number, and there is no other way to them
            return await super()._booked(request, met)
        shown = {"met": met, "then": "by_mail" if known.mailed else "as_known"}
        return self._doors.page("booked.html", self._doors.voice_asked(request), shown)

    async def _known(self, lead_id: str) -> Known:
        return await transact(self._deps.pool, lambda conn: known_person(conn, lead_id))

    def _booked_already(self, booking_id: str) -> Response:
        return answers.message("Not from here", BY_MAIL, status=409)


class Asked:
    """What the address or the form asks for; what makes no sense counts as not said."""

    def __init__(self, *, zone: str | None, team: str | None, slot: datetime | None, first: date | None) -> None:
        self.zone, self.team, self.slot, self.first = zone, team, slot, first


def read_asked(fields: Mapping[str, str], offers: Offers) -> Asked:
    zone, team = fields.get("zone", ""), fields.get("team", "")
    return Asked(
        zone=zone if zone in ZONES else None, team=team if team in offers.rules.teams else None,
        slot=_instant(fields.get("slot", "")), first=_day(fields.get("from", "")),
    )  # fmt: skip


def choice(
    asked: Asked, offer: Offer, offers: Offers, path: str, *, taken: datetime | None = None, moving: bool = False
) -> dict[str, Any]:
    """For the template: days with their times from `asked.first` on, and the ones before and after them."""
    zone = offer.zone or "UTC"
    free = list(offer.times)
    days = [(day, list(of)) for day, of in groupby(free, key=lambda at: times.local(at, zone).date())]
    shown = [pair for pair in days if asked.first is None or pair[0] >= asked.first][:DAYS_AT_ONCE]
    later = [day for day, _ in days if shown and day > shown[-1][0]]
    earlier = [day for day, _ in days if shown and day < shown[0][0]]
    after = [at for at in free if taken is None or at >= taken]
    return {
        "path": path, "zone": offer.zone, "team": asked.team, "asked_zone": asked.zone, "moving": moving,
        "slot": asked.slot if asked.slot in offer.times else None, "taken": taken,
        "gone": asked.slot is not None and asked.slot not in offer.times and taken is None,
        "next_free": (after or free)[:NEXT_FREE], "days": shown, "later": later[0] if later else None,
        "earlier": earlier[max(len(earlier) - DAYS_AT_ONCE, 0)] if earlier else None,
        "minutes": offers.rules.length // 60, "who": offer.owner, "any": bool(free), "marks": marks(free, zone),
    }  # fmt: skip


def city(zone: str) -> str:
    """Whose clock it is, as people call it."""
    return zone.rpartition("/")[2].replace("_", " ")


def marks(free: list[datetime], zone: str) -> dict[datetime, str]:
    """`first` or `second`, of a time of day that a change of the clock brings twice on one day."""
    shown: dict[datetime, list[datetime]] = {}
    for at in free:
        shown.setdefault(times.local(at, zone), []).append(at)
    twice = [pair for pair in shown.values() if len(pair) > 1]
    return {at: name for pair in twice for at, name in zip(pair, ("first", "second"), strict=False)}


async def form_of(request: Request) -> dict[str, str]:
    """The first value of each field. Raises Problem."""
    fields = await read_form(request.headers.get("content-type", ""), await read_body(request, MAX_BYTES), max_files=0)
    return {name: values[0] for name, values in fields.items()}


async def offset_of(conn: Any, lead_id: str) -> int:
    """The lead's clock. Raises LookupError."""
    offset: int | None = await conn.fetchval("select clock_offset_us from lead where id = $1", lead_id)
    if offset is None:
        raise LookupError(f"lead {lead_id}: there is no such lead")
    return offset


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None and at.utcoffset() == timedelta(0) and 2000 < at.year < 2200 else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def add_booking_page(app: FastAPI, doors: Doors) -> None:
    page = BookingPage(doors)
    form = FormBookingPage(doors)
    app.router.routes.append(Route("/book/{token}", answered(page.handle), methods=["GET", "POST"]))
    app.router.routes.append(Route("/book/form/{token}", answered(form.handle), methods=["GET", "POST"]))
