"""Looks what somebody changed in a CRM, and hands it to the gateway's door as another system's status (docs/crm.md)."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.chores.runner import Chore
from speedlead.crm.adapter import Look
from speedlead.crm.calls import Refused
from speedlead.crm.model import restored
from speedlead.crm.sending import CrmSender, said
from speedlead.domain.crm import News, Seen, Words, read
from speedlead.domain.hooks import LONGEST_ASKED
from speedlead.hooks.sealing import unseal
from speedlead.hooks.sending import NoAnswer, Sender
from speedlead.payload_keys import PayloadKeys, UnknownKey
from speedlead.ports import Clock
from speedlead.store import crm as rows
from speedlead.store import hook_queue, hooks
from speedlead.store.hooks import EndpointRow

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=30)
# a commit over there may be seen later than the stamp that it bears
OVERLAP = timedelta(minutes=2)
# what stands still is not asked for again and again: nothing that is told of it later than this is waited for
QUIET = timedelta(minutes=10)
# of one endpoint; where more has changed than a look takes, the next one goes on
_LOOK_S = 60.0
# how long a limit of theirs is left alone that says nothing of it
_REST = timedelta(seconds=10)
_MARKED = 500
# why a look failed, beside their own words
_LONGEST = 300


@dataclass(frozen=True)
class CrmLook:
    pool: "asyncpg.Pool[Any]"
    clock: Clock
    keys: PayloadKeys
    crm: CrmSender
    sender: Callable[[], AbstractAsyncContextManager[Sender]]

    def chore(self) -> Chore:
        return Chore("crm.look", EVERY, self.run, wake=rows.CHANNEL)

    async def run(self) -> str | None:
        """One round over all that are on. One that fails waits for itself alone."""
        endpoints = [row for row in await hooks.endpoints(self.pool) if row.kind != "webhook" and row.state == "on"]
        wall = self.clock.wall()
        # what asked to be left alone is
        endpoints = [row for row in endpoints if row.pause_until_wall is None or row.pause_until_wall <= wall]
        if not endpoints:
            return None
        async with self.sender() as sender:
            found = [await self._apart(sender, row) for row in endpoints]
        return f"{sum(found)} changes" if sum(found) else None

    async def _apart(self, sender: Sender, row: EndpointRow) -> int:
        wall, known = self.clock.wall(), await rows.looked(self.pool, row.id)
        upto = known.upto if known else row.created_wall
        marked = await rows.marked(self.pool, row.id, _MARKED)
        try:
            private = unseal(self.keys, row.id, row.sealed)
            async with asyncio.timeout(_LOOK_S):
                look = await self.crm.adapter(sender, row, private).look(upto - OVERLAP, marked)
            words = restored(row.name, private.url, row.crm or {}).words
            news = await self._take(row, look, words, wall)
        except (NoAnswer, Refused, TimeoutError, UnknownKey, ValueError, TypeError, KeyError, LookupError) as error:
            problem = said(error) if isinstance(error, Refused) else getattr(error, "code", type(error).__name__)
            log.warning("crm not looked at", endpoint=row.id, problem=problem)
            await rows.mark_again(self.pool, row.id, marked)
            await rows.note_look(self.pool, row.id, upto, wall, problem[:_LONGEST])
            if isinstance(error, Refused) and error.limit:
                await hook_queue.rest(self.pool, row.id, wall + min(error.asked or _REST, LONGEST_ASKED))
            return 0
        if look.whole:
            upto = max(look.upto or upto, wall - QUIET)
        elif look.upto is not None:
            # gone on with from there: with the overlap it would be the same page again
            upto = look.upto + OVERLAP
        await rows.note_look(self.pool, row.id, upto, wall, None)
        return news

    async def _take(self, row: EndpointRow, look: Look, words: Words, wall: datetime) -> int:
        """How many were news."""
        many = 0
        for seen in look.seen:
            async with self.pool.acquire() as conn, conn.transaction():
                many += await self._take_one(conn, row, seen, words, wall)
        return many

    async def _take_one(self, conn: Any, row: EndpointRow, seen: Seen, words: Words, wall: datetime) -> bool:
        """`wall`: when the look began."""
        told = False
        for place, one in enumerate(await rows.standing(conn, row.id, seen)):
            if one.told_wall is not None and one.told_wall > wall:
                # it may have been read before we wrote to it, and would set our own change back
                await rows.mark_again(conn, row.id, [one.record.external_id])
                continue
            now, news = read(one.record, seen, words)
            if now != one.record:
                await rows.keep(conn, row.id, one.lead_id, now)
            if place == 0 and news != News():
                await rows.hand_in(conn, row.name, one.lead_id, now, news, wall)
                told = True
        return told
