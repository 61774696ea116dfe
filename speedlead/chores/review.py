"""Once a week: the review of the week before is composed, kept and sent (REQ 132)."""

from datetime import timedelta
from typing import Any

import asyncpg

from speedlead.chores.runner import Chore
from speedlead.credentials import Credentials
from speedlead.ports import Clock, Mailer
from speedlead.review.desk import ReviewDesk
from speedlead.settings import Settings
from speedlead.store.review_rows import had_leads

# a look costs two reads: nobody waits for the minute, and a mail that was refused is tried again
EVERY = timedelta(minutes=2)
# who upgrades, comes back from an outage or becomes a manager on a Thursday is not mailed what was due on Monday
MAILED_WITHIN = timedelta(days=2)


def review_chore(
    pool: "asyncpg.Pool[Any]", settings: Settings, credentials: Credentials, mailer: Mailer, clock: Clock
) -> Chore:
    """Only the newest week that is due: who comes back after a month does not want four mails."""
    desk = ReviewDesk(pool, settings, credentials, clock)

    async def run() -> str | None:
        week = desk.due()
        _, end = week.bounds(desk.zone)
        review = await desk.kept(week)
        composed = review is None
        if review is None:
            # a house without leads has nothing to review; a week without any is news
            if not await had_leads(pool, end):
                return None
            review = await desk.made(week)
        fresh = clock.wall() < desk.due_at(week) + MAILED_WITHIN
        sent = await desk.send(review, mailer) if settings.review_mail and fresh else 0
        if not composed and not sent:
            return None
        return f"{week.name}{' composed' if composed else ''}, sent to {sent}"

    return Chore("review.weekly", EVERY, run)
