"""Every minute: open leads without a workflow, a next step, an owner or a reason are found and set going again."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Protocol

import asyncpg
import structlog

from speedlead.cadence_errors import LeadNotFound, LeadUnavailable
from speedlead.chores.runner import Chore
from speedlead.contracts import LeadStart, LeadStatus, ReplanSignal
from speedlead.domain.limbo import LATE_AFTER, Limbo, OpenLead, limbo_of
from speedlead.ports import Clock
from speedlead.store import limbo
from speedlead.store.rows import lock_person, put_message
from speedlead.store.starts import build_start
from speedlead.store.transactions import StoreUnavailable, transact

log = structlog.get_logger(__name__)

EVERY = timedelta(minutes=1)
# a start that is younger may still be on its way into Temporal's list
_STARTED = timedelta(seconds=30)
# so many at once are no accident of one lead
_TELL_FROM = 3
# a lead that this many rounds did not heal needs a person
_ROUNDS = 3
# so many in a row that give no answer, and the others are not asked either: each costs seconds, a round is a minute
_SILENT = 3


class Workflows(Protocol):
    async def start(self, start: LeadStart, *, again: bool = False) -> bool: ...

    async def running(self) -> set[str]: ...

    async def status(self, lead_id: str) -> LeadStatus:
        """Raises LeadNotFound, LeadUnavailable."""
        ...


class Watchdog:
    def __init__(self, pool: "asyncpg.Pool[Any]", workflows: Workflows, clock: Clock) -> None:
        self._pool = pool
        self._workflows = workflows
        self._clock = clock

    def chore(self) -> Chore:
        return Chore("watchdog", EVERY, self.round)

    async def round(self) -> str | None:
        """Raises RPCError when Temporal does not answer: what is not seen is not lost."""
        wall = self._clock.wall()
        leads = await transact(self._pool, lambda conn: limbo.open_leads(conn, wall, _STARTED))
        running = await self._workflows.running() if leads else set()
        wrong = {lead.lead_id: (lead, reason) for lead in leads
                 if (reason := limbo_of(lead, running=lead.lead_id in running)) is not None}  # fmt: skip
        found: dict[str, str] = {}
        silent = 0
        # what needs no answer of a workflow comes first; the others by lot, so that the same three silent ones do not
        # keep them from being looked at for ever
        by_lot = random.sample(list(wrong.values()), len(wrong))
        for lead, reason in sorted(by_lot, key=lambda one: one[1] != "no_workflow"):
            asks = reason != "no_workflow"
            what = "workflow_silent" if asks and silent >= _SILENT else await self._try(lead, reason)
            silent = 0 if not asks or what != "workflow_silent" else silent + 1
            if what is not None:
                found[lead.lead_id] = what
        rounds = await transact(self._pool, lambda conn: limbo.note(conn, found, wall))
        stuck = [lead_id for lead_id, times in rounds.items() if times >= _ROUNDS]
        if len(found) >= _TELL_FROM or stuck:
            said = _words(found.values(), len(stuck))
            await transact(self._pool, lambda conn: limbo.tell(conn, said, wall))
        return _words(found.values(), len(stuck)) if found else None

    async def _try(self, lead: OpenLead, reason: Limbo) -> str | None:
        """One lead that cannot be healed must not leave the others lying. Raises StoreUnavailable."""
        try:
            return await self._heal(lead, reason)
        except StoreUnavailable:
            raise
        except Exception as error:
            # the type alone: a message may hold what a row said
            log.error("watchdog.not_healed", lead_id=lead.lead_id, reason=reason, error=type(error).__name__)
            return reason if reason == "no_workflow" else "workflow_silent"

    async def _heal(self, lead: OpenLead, reason: Limbo) -> str | None:
        """What was wrong; None when a closer look shows that the lead is well."""
        if reason == "no_workflow":
            return await self._start_again(lead)
        try:
            status = await self._workflows.status(lead.lead_id)
        except LeadNotFound:
            return await self._start_again(lead)
        except LeadUnavailable:
            return "workflow_silent"
        waits = status.next_at is None or status.next_at >= lead.now - LATE_AFTER
        if reason == "never_routed" or status.why == "routing":
            return "never_routed"  # its activity is being tried again: a person has to see why
        if waits:
            # the lead is well and waits for what it says; only its rows had lost it
            await transact(self._pool, lambda conn: limbo.show_next(conn, lead.lead_id, status))
            if reason == "overdue_unnoticed":
                return None
            await transact(self._pool, lambda conn: limbo.healed(conn, lead.lead_id, reason, lead.now))
            return reason
        await transact(self._pool, lambda conn: self._place_again(conn, lead, reason))
        return reason

    async def _place_again(self, conn: Any, lead: OpenLead, reason: str) -> None:
        row = await conn.fetchrow("select person_id from lead where id = $1", lead.lead_id)
        await lock_person(conn, row["person_id"])
        if await conn.fetchval("select closed_at is null from lead where id = $1 for update", lead.lead_id):
            await put_message(conn, lead.lead_id, "replan", ReplanSignal(reason="watchdog"))
            await limbo.healed(conn, lead.lead_id, reason, lead.now)

    async def _start_again(self, lead: OpenLead) -> str | None:
        async with self._pool.acquire() as connection:
            start = await build_start(connection, lead.lead_id, again=True)
        if start is None or not await self._workflows.start(start, again=True):
            return None  # it has closed meanwhile, or somebody else was quicker
        log.warning("watchdog.restarted", lead_id=lead.lead_id)
        await transact(self._pool, lambda conn: limbo.healed(conn, lead.lead_id, "no_workflow", lead.now))
        return "no_workflow"


def _words(reasons: Iterable[str], stuck: int) -> str:
    counted = ", ".join(f"{reason.replace('_', ' ')} {times}" for reason, times in sorted(Counter(reasons).items()))
    return counted + (f"; {stuck} for {_ROUNDS} rounds and more" if stuck else "")
