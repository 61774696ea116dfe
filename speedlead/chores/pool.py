"""Deals the waiting pool: at once when somebody gets room, and every few seconds: shifts start by themselves."""

from datetime import timedelta
from typing import Protocol

import structlog

from speedlead.chores.runner import Chore
from speedlead.ports import Clock
from speedlead.store.waiting_pool import WaitingPool

log = structlog.get_logger(__name__)

# how late a lead learns of a shift that has started, or of somebody whose absence has run out
EVERY = timedelta(seconds=5)


class Dealer(Protocol):
    async def anybody_there(self) -> bool:
        """False: nobody could take any lead."""
        ...

    async def deal(self, lead_id: str) -> str | None:
        """Gives the lead to somebody; None where it goes on waiting."""
        ...


def pool_chore(pool: WaitingPool, dealer: Dealer, clock: Clock) -> Chore:
    async def run() -> str | None:
        waiting = await pool.in_order(clock.wall())
        dealt = 0
        there = bool(waiting) and await dealer.anybody_there()
        for lead_id in waiting:
            if not there:
                break
            try:
                owner = await dealer.deal(lead_id)
            except Exception as error:  # one lead must not keep the others waiting
                log.error("lead not dealt", lead_id=lead_id, error=type(error).__name__)
                continue
            if owner is not None:
                dealt += 1
                there = await dealer.anybody_there()
        return f"{dealt} of {len(waiting)} waiting leads dealt" if dealt else None

    return Chore("pool.deal", EVERY, run, wake="pool")
