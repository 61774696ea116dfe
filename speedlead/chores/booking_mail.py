"""Invitations, changes, reminders and missed meetings by mail, each through the gate and each once."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.booking.invitation import Method, invitation
from speedlead.booking.links import booking_url, meeting_url
from speedlead.chores.runner import Chore
from speedlead.composer import MEETING, ComposeError, Composer, Meeting, recipient
from speedlead.feedback_links import feedback_url
from speedlead.ids import touch_id
from speedlead.ports import Clock, Invitation, Mail, Mailer, SendError, SendErrorKind
from speedlead.records import Claim, Claimed, Deferred, Doubtful, Ended, LeadRecord, Leased, Skipped
from speedlead.store import booking_mails
from speedlead.store.booking_mails import DueMail
from speedlead.store.booking_rows import Booking, booking
from speedlead.store.leads import LeadStore
from speedlead.store.touches import TouchStore
from speedlead.tokens import make_token

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=20)
# longer than the request may take
LEASE_S = 10.0
AT_ONCE = 200
FIRST_PAUSE = timedelta(seconds=20)
LONGEST_PAUSE = timedelta(minutes=15)
# a reminder of what begins so soon, or has begun, is of no use
TOO_LATE = timedelta(minutes=5)
_METHODS: dict[str, Method] = {"booked": "REQUEST", "moved": "REQUEST", "cancelled": "CANCEL"}
_STATES = {
    SendErrorKind.BAD_ADDRESS: "invalid_email", SendErrorKind.CONFIG: "provider_config",
    SendErrorKind.CONTENT: "content_refused", SendErrorKind.RETRY_LATER: "provider_down", SendErrorKind.STALE: "stale",
}  # fmt: skip
_SETTLED = ("sent", "skipped", "failed", "in_doubt")


@dataclass(frozen=True)
class BookingMail:
    """`organizer`: our own sender address; the ids of meetings end with its domain."""

    pool: "asyncpg.Pool[Any]"
    clock: Clock
    touches: TouchStore
    composer: Composer
    mailer: Mailer
    secret: bytes
    public_url: str
    organizer: str
    company: str

    def chore(self) -> Chore:
        return Chore("booking.mail", EVERY, self.send_due, wake="booking")

    async def send_due(self) -> str | None:
        wall = self.clock.wall()
        found = await booking_mails.due(self.pool, wall, AT_ONCE)
        for mail in found:
            try:
                await self._send(mail, wall)
            except LookupError:  # erased meanwhile
                await booking_mails.settle(self.pool, mail, "skipped", "lead_closed")
        return f"{len(found)} mails about meetings" if found else None

    async def _send(self, due: DueMail, wall: datetime) -> None:
        lead, met = await LeadStore(self.pool).read(due.lead_id), await booking(self.pool, due.booking_id)
        now = self.clock.business(due.clock_offset_us)
        if why := outdated(due, met, now):
            await booking_mails.settle(self.pool, due, "skipped", why)
            return
        touch = touch_id(due.lead_id, due.step)
        try:
            mail = self._mail(due, lead, met, wall)
        except ComposeError as error:
            log.error("mail about a meeting not written", lead_id=due.lead_id, error=str(error))
            await booking_mails.settle(self.pool, due, "failed", "template_error")
            return
        answer = await self.touches.claim(
            Claim(
                lead_id=due.lead_id, touch_id=touch, step=due.step, channel="email", purpose="meeting", planned_at=now,
                now=now, wall=wall, lease_s=LEASE_S, offset_us=due.clock_offset_us, hours=None, subject=mail.subject,
                body=mail.text,
            )
        )  # fmt: skip
        match answer:
            case Claimed(address=address):
                await self._request(due, touch, mail, address, now, wall)
            case Skipped(reason=reason):
                await booking_mails.settle(self.pool, due, "skipped", reason)
            case Deferred():
                await booking_mails.again(self.pool, due, wall + FIRST_PAUSE, "deferred")
            case Leased(until_wall=until):
                await booking_mails.again(self.pool, due, until, "leased")
            case Ended(state=state, reason=reason):
                await booking_mails.settle(self.pool, due, state if state in _SETTLED else "skipped", reason)
            case Doubtful():  # claimed by somebody who has died since: it may have gone out, so it goes out no more
                await self._end(due, touch, "in_doubt", "no_answer_from_provider", now)

    async def _request(self, due: DueMail, touch: str, mail: Mail, address: str, now: datetime, wall: datetime) -> None:
        try:
            accepted = await self.mailer.send(replace(mail, to_address=address))
        except SendError as error:
            await self._refused(due, touch, error, now, wall)
            return
        await self.touches.sent(touch, provider_id=accepted.provider_id, at=now)
        await booking_mails.settle(self.pool, due, "sent")

    async def _refused(self, due: DueMail, touch: str, error: SendError, now: datetime, wall: datetime) -> None:
        log.warning("mail about a meeting refused", lead_id=due.lead_id, evidence=error.evidence)
        if error.kind is SendErrorKind.RETRY_SAFE:
            await self.touches.release(touch)
            pause = min(FIRST_PAUSE * 2**due.tries, LONGEST_PAUSE)
            await booking_mails.again(self.pool, due, wall + pause, error.evidence)
        elif error.kind is SendErrorKind.IN_DOUBT:
            await self._end(due, touch, "in_doubt", "no_answer_from_provider", now)
        elif error.kind is SendErrorKind.OPTED_OUT:
            await self.touches.ended(touch, state="skipped", reason="opted_out", at=now, opted_out=True)
            await booking_mails.settle(self.pool, due, "skipped", "opted_out")
        else:
            bad = error.kind is SendErrorKind.BAD_ADDRESS
            await self._end(due, touch, "failed", _STATES[error.kind], now, bad_address=bad)

    async def _end(
        self, due: DueMail, touch: str, state: str, reason: str, now: datetime, *, bad_address: bool = False
    ) -> None:
        await self.touches.ended(touch, state=state, reason=reason, at=now, bad_address=bad_address)
        await booking_mails.settle(self.pool, due, state, reason)

    def _mail(self, due: DueMail, lead: LeadRecord, met: Booking, wall: datetime) -> Mail:
        """Raises ComposeError."""
        reply = make_token(self.secret, "reply", lead.lead_id)
        unsubscribe = f"{self.public_url}/u/{make_token(self.secret, 'unsubscribe', lead.lead_id)}"
        link = meeting_url(self.public_url, self.secret, met.id) if met.stands else None
        said = self.composer.compose(
            "email", MEETING, lead, unsubscribe_url=unsubscribe,
            booking_link=None if met.stands else booking_url(self.public_url, self.secret, lead.lead_id),
            # once, when something has come of it: not with every change and reminder
            feedback_link=feedback_url(self.public_url, self.secret, lead.lead_id, due.step)
            if due.kind == "booked" else None,
            meeting=Meeting(due.kind, met.starts_at, met.zone, met.rep_name, link),
        )  # fmt: skip
        method = _METHODS.get(due.kind)
        entry = method and invitation(
            met, method, company=self.company, organizer=self.organizer, domain=self.organizer.rpartition("@")[2],
            lead_name=lead.name, lead_email=lead.email, wall=wall, link=link, phone=lead.phone,
        )  # fmt: skip
        return Mail(
            touch_id=touch_id(lead.lead_id, due.step), to_address=lead.email or "", to_name=recipient(lead),
            subject=said.subject or "", text=said.text, html=said.html or "", reply_token=reply, category="meeting",
            list_unsubscribe_url=unsubscribe, invitation=Invitation(method, entry) if method and entry else None,
        )  # fmt: skip


def outdated(due: DueMail, met: Booking, now: datetime) -> str | None:
    """Why it is not to be said any more. A change of the meeting has a mail of its own."""
    if due.kind == "reminder" and (not met.stands or met.starts_at - now < TOO_LATE):
        return "stale"
    if due.kind in ("booked", "moved") and (met.state == "cancelled" or met.sequence != due.sequence):
        return "superseded"
    return None
