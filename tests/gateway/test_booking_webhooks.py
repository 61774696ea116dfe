"""Bookings at Cal.com and Calendly, with the payloads as these systems send them."""

import hmac
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from speedlead.booking.links import BOOK
from speedlead.gateway.webhook_replay import reader_of
from speedlead.store.webhooks import Received
from speedlead.tokens import make_token
from tests.gateway.house import MONDAY, House, open_house

CALCOM, CALENDLY = "cal-secret", "calendly-key"


@pytest_asyncio.fixture
async def house(database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(
        database_url, tmp_path, calcom_webhook_secret=CALCOM, calendly_webhook_key=CALENDLY
    ) as opened:
        yield opened


def calcom(kind: str, uid: str, start: str = "2026-11-25T15:00:00Z", **more: Any) -> bytes:
    payload = {
        "bookerUrl": "https://app.cal.com", "type": "30min", "title": "30min between Ann and Ada",
        "startTime": start, "endTime": start.replace(":00:00Z", ":30:00Z"), "additionalNotes": "", "length": 30,
        "organizer": {"id": 1, "name": "Ann", "email": "ann@acme.example", "timeZone": "America/New_York",
                      "language": {"locale": "en"}, "utcOffset": -300},
        "responses": {"name": {"label": "your_name", "value": "Ada"},
                      "email": {"label": "email_address", "value": "Ada@Example.com"}},
        "attendees": [{"email": "Ada@Example.com", "name": "Ada", "timeZone": "Europe/London",
                       "language": {"locale": "en"}, "utcOffset": 0}],
        "location": "integrations:daily", "uid": uid, "bookingId": 91, "status": "ACCEPTED", "metadata": {},
    }  # fmt: skip
    return json.dumps(
        {"triggerEvent": kind, "createdAt": "2026-11-23T15:00:00.000Z", "payload": payload | more}
    ).encode()


def calendly(kind: str, uri: str, start: str = "2026-11-25T15:00:00.000000Z", **more: Any) -> bytes:
    payload = {
        "cancel_url": f"https://calendly.com/cancellations/{uri}", "created_at": "2026-11-23T15:00:00.000000Z",
        "email": "ada@example.com", "event": "https://api.calendly.com/scheduled_events/E1", "name": "Ada Lovelace",
        "new_invitee": None, "old_invitee": None, "questions_and_answers": [], "rescheduled": False,
        "status": "active", "text_reminder_number": None, "timezone": "Europe/London",
        "tracking": {"utm_campaign": None, "utm_source": None, "utm_medium": None, "utm_content": None,
                     "utm_term": None, "salesforce_uuid": None},
        "uri": f"https://api.calendly.com/scheduled_events/E1/invitees/{uri}",
        "scheduled_event": {
            "uri": "https://api.calendly.com/scheduled_events/E1", "name": "30 Minute Meeting", "status": "active",
            "start_time": start, "end_time": start.replace(":00:00.", ":30:00."),
            "event_memberships": [{"user": "https://api.calendly.com/users/U1", "user_email": "ann@acme.example"}],
        },
    }  # fmt: skip
    told = {"event": kind, "created_at": "2026-11-23T15:00:00.000000Z", "payload": payload | more}
    return json.dumps(told | {"created_by": "https://api.calendly.com/users/U1"}).encode()


async def post(house: House, source: str, body: bytes, secret: str | None = None) -> int:
    if source == "calcom":
        key = (secret or CALCOM).encode()
        headers = {"X-Cal-Signature-256": hmac.new(key, body, sha256).hexdigest()}
    else:
        stamp = str(int(house.clock.wall().timestamp()))
        signed = hmac.new((secret or CALENDLY).encode(), stamp.encode() + b"." + body, sha256).hexdigest()
        headers = {"Calendly-Webhook-Signature": f"t={stamp},v1={signed}"}
    headers["Content-Type"] = "application/json"
    async with house.http.post(f"/webhooks/{source}/bookings", data=body, headers=headers) as answer:
        return answer.status


async def rows(house: House) -> list[tuple[Any, ...]]:
    found = await house.pool.fetch(
        """select source, state, to_char(starts_at at time zone 'UTC', 'DD HH24') as at, sequence
           from booking order by number"""
    )
    return [tuple(row) for row in found]


async def test_calcom_made_moved_and_called_off(house: House) -> None:
    lead = await house.lead()
    assert [await post(house, "calcom", calcom("BOOKING_CREATED", "u1")) for _ in range(2)] == [204, 204]
    assert await rows(house) == [("calcom", "booked", "25 15", 0)]
    outcomes = await house.messages(lead, "outcome")
    assert [(one["outcome"], one["reason"]) for one in outcomes] == [("meeting_booked", "booked_elsewhere")]
    moved = calcom("BOOKING_RESCHEDULED", "u2", "2026-11-27T15:00:00Z", rescheduleUid="u1")
    assert await post(house, "calcom", moved) == 204
    assert await rows(house) == [("calcom", "booked", "27 15", 1)]
    assert await post(house, "calcom", calcom("BOOKING_CANCELLED", "u2")) == 204
    assert await rows(house) == [("calcom", "cancelled", "27 15", 2)]
    assert (await house.messages(lead, "outcome"))[-1]["outcome"] == "callback_requested"
    assert await post(house, "calcom", calcom("MEETING_ENDED", "u2")) == 204
    # the invitation is theirs
    assert await house.count("booking_mail") == 0


async def test_calendly_made_moved_and_called_off(house: House) -> None:
    await house.lead()
    assert await post(house, "calendly", calendly("invitee.created", "I1")) == 204
    old = "https://api.calendly.com/scheduled_events/E1/invitees/I1"
    # a move is a cancellation that says so, and a new booking that names the old one
    assert await post(house, "calendly", calendly("invitee.canceled", "I1", rescheduled=True)) == 204
    again = calendly("invitee.created", "I2", "2026-11-27T15:00:00.000000Z", old_invitee=old)
    assert await post(house, "calendly", again) == 204
    assert await rows(house) == [("calendly", "booked", "27 15", 1)]
    assert await post(house, "calendly", calendly("invitee.canceled", "I2")) == 204
    assert await rows(house) == [("calendly", "cancelled", "27 15", 2)]


async def test_the_lead_is_known_by_our_token_whatever_address_it_gave(house: House) -> None:
    lead = await house.lead()
    token = make_token(house.credentials.secret_bytes, BOOK, lead)
    body = calendly("invitee.created", "I1", email="other@example.org", tracking={"salesforce_uuid": token})
    assert await post(house, "calendly", body) == 204
    assert await house.pool.fetchval("select lead_id from booking") == lead


@pytest.mark.parametrize("source", ["calcom", "calendly"])
async def test_what_nobody_signed_or_nobody_is_meant_by_changes_nothing(house: House, source: str) -> None:
    body = calcom("BOOKING_CREATED", "u1") if source == "calcom" else calendly("invitee.created", "I1")
    assert await post(house, source, body, "another secret") == 403
    assert await house.count("webhook") == 0
    assert await post(house, source, body) == 204  # nobody of that address is a lead
    assert await post(house, source, b'{"triggerEvent": "BOOKING_CREATED", "event": "invitee.created"}') == 204
    assert await post(house, source, b"[]") == 204
    assert await house.count("booking") == 0
    failed = await house.pool.fetch("select provider, path, reason from webhook where state = 'failed'")
    assert len(failed) == 2
    received = Received(failed[0]["provider"], failed[0]["path"], "", "", b"", "", MONDAY)
    assert reader_of(received) is not None
