"""Bookings that leads made at Cal.com or Calendly. Signed as bytes; what they say becomes a meeting of ours.

The lead is found by the token that our link carried along, else by the e-mail address, else by the telephone number.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from speedlead.booking.links import BOOK
from speedlead.gateway.context import Context
from speedlead.gateway.problems import Problem
from speedlead.gateway.webhooks import Acted, Job, Reader, Unreadable, count, endpoint, receive, take
from speedlead.ports import Clock
from speedlead.providers.signatures import is_fresh
from speedlead.store import bookings, outside_bookings
from speedlead.store.booking_rows import outside_booking
from speedlead.store.bookings import BookingRefused
from speedlead.store.leads import LeadStore
from speedlead.store.outside_bookings import Outside
from speedlead.store.remarks import remark
from speedlead.store.webhooks import Received
from speedlead.times import known_zone
from speedlead.tokens import read_token

Elsewhere = Literal["calcom", "calendly"]

MAX_BYTES = 500_000
PATH = "bookings"
_DONE = Response(status_code=204)
_AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Told:
    """What a webhook says, whichever system sent it. `starts_at` None: it is called off."""

    source: Elsewhere
    external_id: str
    token: str
    email: str
    phone: str
    zone: str
    host: str | None
    starts_at: datetime | None
    ends_at: datetime | None
    before: str | None = None


def add_booking_webhooks(app: FastAPI, context: Context) -> None:
    """Where the secret of a system is not set, nothing is believed of it."""
    settings = context.deps.settings
    doors: tuple[tuple[Elsewhere, SecretStr | None, Callable[..., str]], ...] = (
        ("calcom", settings.calcom_webhook_secret, _calcom_signed),
        ("calendly", settings.calendly_webhook_key, _calendly_signed),
    )
    for source, secret, signed in doors:
        key = None if secret is None else secret.get_secret_value().encode()
        door = partial(_serve, context, source, key, signed)
        app.router.add_route(
            f"/webhooks/{source}/{PATH}", endpoint(context, door, source), methods=["POST"], include_in_schema=False
        )


async def _serve(
    context: Context, source: Elsewhere, key: bytes | None, signed: Callable[..., str], request: Request
) -> Response:
    if key is None:
        raise Problem(404, "There is no such webhook here: its secret is not set.")
    received = await receive(context, request, source, PATH, MAX_BYTES, partial(signed, context, key))
    return await take(context, received, READERS[source])


def _calcom_signed(context: Context, secret: bytes, request: Request, body: bytes) -> str:
    given = request.headers.get("x-cal-signature-256", "")
    if not hmac.compare_digest(given.lower().encode(), hmac.new(secret, body, sha256).hexdigest().encode()):
        count(context, "calcom", "forged")
        raise Problem(403, "The signature is not right.")
    return "secret"


def _calendly_signed(context: Context, secret: bytes, request: Request, body: bytes) -> str:
    """`t=1492774577,v1=…` over the time stamp, a dot and the body."""
    parts = dict(
        part.strip().split("=", 1)
        for part in request.headers.get("calendly-webhook-signature", "").split(",")
        if "=" in part
    )
    stamp, given = parts.get("t", ""), parts.get("v1", "")
    expected = hmac.new(secret, stamp.encode() + b"." + body, sha256).hexdigest()
    if not hmac.compare_digest(given.lower().encode(), expected.encode()):
        count(context, "calendly", "forged")
        raise Problem(403, "The signature is not right.")
    oldest = timedelta(hours=context.deps.settings.webhook_max_age_hours)
    if not is_fresh(stamp, context.deps.clock.wall(), oldest):
        count(context, "calendly", "stale")
        raise Problem(403, "The time stamp of the signature is too old, or ahead of our clock.")
    return "key"


# ── what they say ────────────────────────────────────────────────────────────────────────────────────────────────────


def calcom(data: Mapping[str, Any]) -> Told | None:
    """None for an event that is nothing to us. Raises Unreadable."""
    kind, payload = data.get("triggerEvent"), _part(data, "payload")
    if kind not in ("BOOKING_CREATED", "BOOKING_RESCHEDULED", "BOOKING_CANCELLED"):
        return None
    lead = next(iter(_list(payload, "attendees")), {})
    answers = _part(payload, "responses")
    off = kind == "BOOKING_CANCELLED"
    start = None if off else _instant(payload.get("startTime"), "payload.startTime")
    return Told(
        source="calcom",
        external_id=_text(payload.get("uid"), "payload.uid"),
        token=_short(_part(payload, "metadata").get("lead")),
        email=_short(lead.get("email")).lower(),
        phone=_short(lead.get("phoneNumber") or _part(answers, "attendeePhoneNumber").get("value")),
        zone=_short(lead.get("timeZone")),
        host=_short(_part(payload, "organizer").get("email")) or None,
        starts_at=start,
        ends_at=None if start is None else _end(payload.get("endTime"), start),
        before=_short(payload.get("rescheduleUid")) or None,
    )


def calendly(data: Mapping[str, Any]) -> Told | None:
    """As `calcom`. A move comes as a new booking that names the old one, and as a cancellation that says so."""
    kind, payload = data.get("event"), _part(data, "payload")
    if kind not in ("invitee.created", "invitee.canceled"):
        return None
    off = kind == "invitee.canceled"
    if off and payload.get("rescheduled") is True:
        return None
    event, tracking = _part(payload, "scheduled_event"), _part(payload, "tracking")
    start = None if off else _instant(event.get("start_time"), "payload.scheduled_event.start_time")
    host = next(iter(_list(event, "event_memberships")), {})
    return Told(
        source="calendly",
        external_id=_text(payload.get("uri"), "payload.uri"),
        token=_short(tracking.get("salesforce_uuid") or tracking.get("utm_content")),
        email=_short(payload.get("email")).lower(),
        phone=_short(payload.get("text_reminder_number")),
        zone=_short(payload.get("timezone")),
        host=_short(host.get("user_email")) or None,
        starts_at=start,
        ends_at=None if start is None else _end(event.get("end_time"), start),
        before=_short(payload.get("old_invitee")) or None,
    )


def _reader(of: Callable[[Mapping[str, Any]], Told | None]) -> Reader:
    async def read(context: Context, received: Received, clock: Clock) -> Job:
        try:
            data = json.loads(received.body)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise Unreadable("expected a JSON object")
        told = of(data)
        if told is None:
            return Job(_DONE)
        about = tuple(part for part in (told.email, told.phone) if part)
        return Job(_DONE, (partial(_act, context, clock, told),), about)

    return read


READERS: dict[str, Reader] = {"calcom": _reader(calcom), "calendly": _reader(calendly)}


# ── what follows ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def _act(context: Context, clock: Clock, told: Told, conn: Any) -> Acted | str | None:
    if told.starts_at is None or told.ends_at is None:
        return await _call_off(context, clock, told, conn)
    mine = read_token(context.deps.credentials.secret_bytes, BOOK, told.token)
    lead_id = await outside_bookings.lead_of(conn, mine, told.email, told.phone)
    if lead_id is None:
        remark("unknown_touch")
        return None
    zone = known_zone(told.zone) or "UTC"
    made = Outside(told.source, told.external_id, told.starts_at, told.ends_at, zone, told.host, told.before)
    return await outside_bookings.put_outside(conn, clock, lead_id, made)


async def _call_off(context: Context, clock: Clock, told: Told, conn: Any) -> str | None:
    booking_id = await outside_booking(conn, told.source, told.external_id)
    if booking_id is None:
        remark("unknown_touch")
        return None
    lead_id = await conn.fetchval("select lead_id from booking where id = $1", booking_id)
    lead, offers = await LeadStore(conn).read(lead_id), context.deps.offers
    later = clock.business(lead.clock_offset_us) + timedelta(days=1)
    try:
        off = await bookings.cancel(conn, clock, booking_id, later if offers is None else offers.again(lead, later))
    except BookingRefused:  # it is over, or was called off here
        remark("repeated")
        return None
    return off.lead_id


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def _list(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = data.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _short(value: object) -> str:
    return value.strip()[:300].replace("\0", "") if isinstance(value, str) else ""


def _text(value: object, name: str) -> str:
    if not (found := _short(value)):
        raise Unreadable(f"{name}: expected the id of a booking")
    return found


def _instant(value: object, name: str) -> datetime:
    try:
        at = datetime.fromisoformat(_short(value))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not 2000 < at.year < 2200:
        raise Unreadable(f"{name}: expected an instant such as 2026-12-01T15:00:00Z")
    return at


def _end(value: object, start: datetime) -> datetime:
    try:
        end = _instant(value, "end")
    except Unreadable:
        return start + _AN_HOUR
    return end if end > start else start + _AN_HOUR
