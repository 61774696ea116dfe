"""Draws, a day after a week has ended, which of its contacts are reviewed: at random, and for everybody the same."""

import hashlib
import hmac
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from speedlead.chores.runner import Chore
from speedlead.domain.quality import QualityRules, draw
from speedlead.ports import Clock
from speedlead.store import quality
from speedlead.store.transactions import transact

NAME = "quality.draw"
_EVERY = timedelta(hours=1)
_WEEK = timedelta(days=7)
# what is talked about on a Friday is often logged on the next working day, and has to have its chance
_LOGGED_BY = timedelta(days=1)
# weeks that are drawn after the fact, where nothing ran
_BACK = 2


def quality_chore(pool: "asyncpg.Pool[Any]", rules: QualityRules, clock: Clock, secret: bytes, zone: str) -> Chore:
    """`secret`: nobody who has not got it knows in advance what will be looked at. `zone`: of the house's weeks."""
    house = ZoneInfo(zone)

    def lot(key: str) -> bytes:
        return hmac.digest(secret, f"quality:{key}".encode(), hashlib.sha256)

    async def round_() -> str | None:
        today = (clock.business(0).astimezone(house) - _LOGGED_BY).date()
        this = today - timedelta(days=today.weekday())
        weeks = [this - n * _WEEK for n in range(_BACK, 0, -1)]
        missing = sorted(set(weeks) - await transact(pool, lambda conn: quality.drawn_weeks(conn, weeks)))
        said = [text for week in missing if rules.share and (text := await one(week))]
        return "; ".join(said) or None

    async def one(week: date) -> str | None:
        start, end = (datetime.combine(day, time(), house) for day in (week, week + _WEEK))

        async def work(conn: Any) -> str | None:
            found = await quality.contacts(conn, start, end)
            picked = draw(found, rules, lot)
            if not await quality.write_week(conn, week, rules, found, picked, clock.wall()):
                return None
            return f"{week}: {len(picked)} of {len(found)} contacts"

        return await transact(pool, work, within_s=60)

    return Chore(NAME, _EVERY, round_)
