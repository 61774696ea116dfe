"""What a lead is sent about a meeting: once, through the gate, with an invitation that mail programs understand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest_asyncio
from icalendar import Calendar

from speedlead.chores.booking_mail import BookingMail
from speedlead.composer import Composer, House
from speedlead.ports import Accepted, Mail, SendError, SendErrorKind
from speedlead.providers.sendgrid import Email, build
from speedlead.store import bookings
from speedlead.store.pool import open_pool
from speedlead.store.touches import TouchStore
from speedlead.store.transactions import transact
from tests.desks import PLACER, PLACES
from tests.store.meetings import NOW, TUESDAY_10, Meetings


@dataclass
class Post:
    """`refuse`: what the next request is answered with."""

    refuse: list[SendErrorKind] = field(default_factory=list)
    sent: list[Mail] = field(default_factory=list)

    async def send(self, mail: Mail) -> Accepted:
        if self.refuse:
            raise SendError(self.refuse.pop(), "HTTP 500")
        self.sent.append(mail)
        return Accepted(f"m-{len(self.sent)}")


@dataclass
class Office(Meetings):
    post: Post = field(default_factory=Post)

    async def send(self) -> str | None:
        touches = TouchStore(self.pool, PLACER, PLACES)
        return await BookingMail(
            self.pool, self.clock, touches, Composer(House("Acme")), self.post, b"secret", "https://leads.acme.example",
            "hello@acme.example", "Acme",
        ).send_due()  # fmt: skip

    async def states(self) -> list[tuple[str, str, str | None]]:
        found = await self.rows("select kind, state, reason from booking_mail order by due_at, kind")
        return [(row["kind"], row["state"], row["reason"]) for row in found]


@pytest_asyncio.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    pool = await open_pool(database_url)
    office = Office(pool)
    await office.rep()
    await office.lead()
    yield office
    await pool.close()


def entry(mail: Mail) -> tuple[Calendar, object]:
    assert mail.invitation is not None
    calendar = Calendar.from_ical(mail.invitation.text)
    return calendar, calendar.walk("VEVENT")[0]


async def test_an_invitation_its_change_and_its_end_are_one_entry_with_a_rising_sequence(office: Office) -> None:
    met = await office.book()
    assert [await office.send(), await office.send()] == ["1 mails about meetings", None]
    again = TUESDAY_10 + timedelta(hours=1)
    await transact(
        office.pool, lambda conn: bookings.move(conn, office.clock, office.rules, met.id, again, "America/New_York")
    )
    await office.send()
    await transact(office.pool, lambda conn: bookings.cancel(conn, office.clock, met.id, None))
    await office.send()
    calendars = [entry(mail) for mail in office.post.sent]
    assert [str(calendar["METHOD"]) for calendar, _ in calendars] == ["REQUEST", "REQUEST", "CANCEL"]
    events = [event for _, event in calendars]
    assert {str(event["UID"]) for event in events} == {f"{met.id}@acme.example"}  # type: ignore[index]
    assert [int(event["SEQUENCE"]) for event in events] == [0, 1, 2]  # type: ignore[index]
    starts = [event["DTSTART"].dt for event in events]  # type: ignore[index]
    assert starts == [TUESDAY_10, again, again]
    assert str(starts[0].tzinfo) == "America/New_York"
    assert [str(zone["TZID"]) for zone in calendars[0][0].walk("VTIMEZONE")] == ["America/New_York"]
    assert "mailto:aaaaaaaa@example.com" in str(events[0]["ATTENDEE"])  # type: ignore[index]
    assert [mail.subject for mail in office.post.sent] == [
        "Booked: Tuesday 24 November, 10:00 (New York time)", "Moved: Tuesday 24 November, 11:00 (New York time)",
        "Called off: Tuesday 24 November, 11:00 (New York time)"]  # fmt: skip
    assert "/book/meeting/" in office.post.sent[0].text
    assert "/book/meeting/" not in office.post.sent[2].text
    # none of it is an attempt to reach the lead
    assert (await office.rows("select first_attempt_at from lead"))[0]["first_attempt_at"] is None


async def test_the_mail_carries_the_invitation_as_a_part_and_as_a_file(office: Office) -> None:
    await office.book()
    await office.send()
    body = build(office.post.sent[0], sender=Email("hello@acme.example", "Acme"), reply_domain="in.acme.example")
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html", "text/calendar; method=REQUEST"]
    assert body["attachments"][0]["filename"] == "invite.ics"


async def test_reminders_go_at_their_time_and_not_about_another_day(office: Office) -> None:
    met = await office.book(at=TUESDAY_10 + timedelta(days=1))
    await office.send()
    office.clock.now = NOW + timedelta(days=1)
    assert await office.send() == "1 mails about meetings"
    assert office.post.sent[-1].subject.startswith("Reminder: Wednesday 25 November, 10:00")
    assert office.post.sent[-1].invitation is None
    office.clock.now = met.starts_at - timedelta(minutes=4)  # everything stood still for an hour
    assert await office.send() == "1 mails about meetings"
    assert (await office.states())[-1] == ("reminder", "skipped", "stale")
    assert len(office.post.sent) == 2


async def test_who_wants_no_mail_gets_none(office: Office) -> None:
    await office.book()
    await office.pool.execute(
        "insert into suppression (person_id, channel, reason, source, at) "
        "select person_id, 'email', 'opted_out', 'lead', $1 from lead", NOW,
    )  # fmt: skip
    await office.send()
    assert (await office.states())[0] == ("booked", "skipped", "opted_out")
    assert office.post.sent == []


async def test_a_refused_request_is_repeated_and_one_in_doubt_is_not(office: Office) -> None:
    met = await office.book()
    office.post.refuse = [SendErrorKind.RETRY_SAFE]
    await office.send()
    assert await office.send() is None  # not at once
    office.clock.now += timedelta(seconds=20)
    await office.send()
    assert (await office.states())[0][:2] == ("booked", "sent")
    await transact(office.pool, lambda conn: bookings.cancel(conn, office.clock, met.id, None))
    office.post.refuse = [SendErrorKind.IN_DOUBT]
    await office.send()
    office.clock.now += timedelta(hours=1)
    await office.send()
    assert ("cancelled", "in_doubt", "no_answer_from_provider") in await office.states()
    assert len(office.post.sent) == 1
    touch = await office.rows("select state, purpose from touch where step like 'meeting-1-cancelled%'")
    assert tuple(touch[0]) == ("in_doubt", "meeting")


async def test_a_sender_that_died_leaves_a_mail_in_doubt_and_sends_none_twice(office: Office) -> None:
    await office.book()
    office.post.refuse = [SendErrorKind.RETRY_SAFE]
    await office.send()
    # as if it had been claimed by a process that is gone since
    await office.pool.execute(
        "update touch set state = 'claimed', claimed_wall = $1, lease_until_wall = $1", NOW - timedelta(seconds=1)
    )
    office.clock.now += timedelta(seconds=30)
    await office.send()
    assert (await office.states())[0][1] == "in_doubt"
    assert office.post.sent == []
