"""Makes reviews, keeps them and sends them: what the weekly chore and `speedlead review` share."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.calendarbook import load_calendars
from speedlead.credentials import Credentials
from speedlead.domain.notification import next_try
from speedlead.domain.review_week import Week, due_at, newest_due, parse_moment
from speedlead.ids import notice_touch
from speedlead.numbers.read import Numbers, teams_of
from speedlead.ports import Clock, Mailer, SendError, SendErrorKind
from speedlead.review.compose import compose
from speedlead.review.content import Review
from speedlead.review.mail import mail_of
from speedlead.settings import Settings
from speedlead.store import review_mails, review_rows
from speedlead.store.review_mails import Reader
from speedlead.tokens import make_token

log = structlog.get_logger(__name__)

# no request takes so long: whoever claimed a mail before has died
_LEASE = timedelta(minutes=5)


@dataclass(frozen=True)
class ReviewDesk:
    pool: "asyncpg.Pool[Any]"
    settings: Settings
    credentials: Credentials
    clock: Clock

    @property
    def zone(self) -> str:
        return self.settings.house_zone

    def due(self) -> Week:
        """The newest week whose review is due."""
        return newest_due(self.clock.wall(), parse_moment(self.settings.review_at), self.zone)

    def due_at(self, week: Week) -> datetime:
        return due_at(week, parse_moment(self.settings.review_at), self.zone)

    async def kept(self, week: Week) -> Review | None:
        row = await review_rows.kept(self.pool, week.name)
        return Review.model_validate(row.content) if row else None

    async def made(self, week: Week, *, anew: bool = False) -> Review:
        """The review that is kept; without one, or `anew`, one that is composed now and kept.

        Raises CalendarError, StoreUnavailable.
        """
        if not anew and (found := await self.kept(week)) is not None:
            return found
        review = await self.composed(week)
        kept = await review_rows.keep(
            self.pool, week.name, week.bounds(self.zone), review.model_dump_json(), self.clock.wall(), anew=anew
        )
        # whoever was faster has said what stands
        return review if kept else await self.kept(week) or review

    async def composed(self, week: Week) -> Review:
        """Not kept. Raises CalendarError, StoreUnavailable."""
        calendars, _ = load_calendars(self.settings.calendars_file)
        return await compose(self.pool, Numbers(self.pool, teams_of(calendars), self.clock), week, self.zone)

    async def send(self, review: Review, mailer: Mailer) -> int:
        """To every manager and admin who has a mailbox and did not get it yet. How many got it now."""
        wall = self.clock.wall()
        await review_mails.give_up_claims(self.pool, wall - _LEASE)
        sent = 0
        for reader in await review_mails.readers(self.pool):
            claimed = await review_mails.claim(self.pool, review.week, reader.account_id, wall)
            if claimed is not None:
                sent += await self._send(review, mailer, reader, claimed, wall)
        return sent

    async def _send(
        self, review: Review, mailer: Mailer, reader: Reader, claimed: review_mails.Claimed, wall: datetime
    ) -> bool:
        mail = mail_of(
            review, company=self.settings.company_name, staff_url=self.settings.staff_url,
            touch_id=notice_touch(claimed.id), to_address=reader.email, to_name=reader.name,
            reply_token=make_token(self.credentials.secret_bytes, "notice", claimed.id),
        )  # fmt: skip
        try:
            await mailer.send(mail)
        except SendError as error:
            log.warning("review not sent", week=review.week, account=reader.account_id, evidence=error.evidence)
            pause = next_try(claimed.tries, error.retry_after_s) if error.kind is SendErrorKind.RETRY_SAFE else None
            state = "waiting" if pause else "in_doubt" if error.kind is SendErrorKind.IN_DOUBT else "failed"
            await review_mails.settle(
                self.pool, claimed.id, state, error=error.evidence, next_wall=wall + pause if pause else None
            )
            return False
        await review_mails.settle(self.pool, claimed.id, "sent")
        return True
