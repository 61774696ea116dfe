"""Leads whose workflow cannot go on under today's code are ended and started again from rows (docs/adr/0013).

The rule: Temporal reports that a lead's tasks fail again and again; this process replays the lead's history; and only
if its own code would have gone another way is the lead started again. A mistake that fails in any other manner is left
for the release that mends it: starting again would not help, and the history says what went wrong.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

import asyncpg
import structlog
from temporalio.service import RPCError, RPCStatusCode

from speedlead.chores.runner import Chore
from speedlead.contracts import LeadStart
from speedlead.ports import Clock
from speedlead.store import stuck
from speedlead.store.starts import build_start
from speedlead.store.transactions import transact

log = structlog.get_logger(__name__)

# a hot lead's next step is minutes away; Temporal itself needs some fifteen seconds to report a lead
EVERY = timedelta(seconds=15)
# a lead that gets stuck again and again needs a person: its code is not deterministic, or two versions fight for it
MOST_RESTARTS = 3
_WITHIN = timedelta(days=1)
# of the leads that are left so many are asked why: one cause has many leads
_ASKED_WHY = 3
# replays of one round: each takes some ten milliseconds of a process that also acknowledges leads
_LOOKS = 100


class Workflows(Protocol):
    async def start(self, start: LeadStart, *, again: bool = False) -> bool: ...

    async def failing(self) -> Sequence[str]:
        """Lead ids of running workflows whose tasks fail again and again, the longest first."""
        ...

    async def last_went_on(self, lead_id: str) -> datetime:
        """When a worker last carried the lead forward, wall time. Raises RPCError."""
        ...

    async def why_failing(self, lead_id: str) -> str | None:
        """In words that name nobody. Raises RPCError."""
        ...

    async def end(self, lead_id: str, why: str) -> None:
        """Terminates the workflow. Raises RPCError."""
        ...


class Replays(Protocol):
    async def another_way(self, lead_id: str) -> bool: ...


@dataclass(frozen=True)
class GoingOn:
    """`build`: the version of the code that this process would go on with."""

    workflows: Workflows
    replays: Replays
    build: str


class Stuck:
    def __init__(self, pool: "asyncpg.Pool[Any]", going_on: GoingOn, clock: Clock, *, at_most: int) -> None:
        """`at_most`: leads that one round starts again; a mistaken release must not end all leads at once."""
        self._pool = pool
        self._workflows = going_on.workflows
        self._replays = going_on.replays
        self._build = going_on.build
        self._clock = clock
        self._at_most = at_most

    def chore(self) -> Chore:
        return Chore("workflows.stuck", EVERY, self.round)

    async def round(self) -> str | None:
        """Raises RPCError when Temporal does not answer."""
        failing = await self._workflows.failing()
        again = 0
        left: list[str] = []
        # by lot: those that are left must not keep the others from being looked at
        for lead_id in random.sample(failing, _LOOKS) if len(failing) > _LOOKS else failing:
            if again == self._at_most:
                break
            try:
                match await self._start_again(lead_id):
                    case "again":
                        again += 1
                    case "left":
                        left.append(lead_id)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise  # it has ended meanwhile
        await self._tell(len(failing), again, left)
        if not failing:
            return None
        said = f"{again} of {len(failing)} failing leads started again"
        return f"{said}, {len(left)} left as they are" if left else said

    async def _start_again(self, lead_id: str) -> Literal["again", "left", "later"]:
        if not await self._replays.another_way(lead_id):
            return "left"
        wall = self._clock.wall()
        async with stuck.nobody_delivers(self._pool, lead_id) as conn:
            if conn is None:
                return "later"
            if await stuck.times_restarted(conn, lead_id, wall, _WITHIN) >= MOST_RESTARTS:
                return "left"
            # in this order a crash in between loses nothing: the relay delivers again, or starts the lead again
            await stuck.deliver_again(conn, lead_id, await self._workflows.last_went_on(lead_id))
            await self._workflows.end(lead_id, f"its history is of another code than {self._build}")
            start = await build_start(conn, lead_id, again=True)
            if start is not None:
                await self._workflows.start(start, again=True)
                await stuck.tell_restarted(conn, lead_id, wall, self._build)
                log.warning("stuck.restarted", lead_id=lead_id, build=self._build)
        return "again"

    async def _tell(self, failing: int, again: int, left: Sequence[str]) -> None:
        wall = self._clock.wall()
        if again:
            said = f"{again} started again, {failing - again - len(left)} more wait for their turn"
            await transact(self._pool, lambda conn: stuck.tell_ops(conn, "leads_of_other_code", said, wall))
        if left:
            why = {reason for lead_id in left[:_ASKED_WHY] if (reason := await self._why(lead_id)) is not None}
            said = f"{len(left)} leads; {'; '.join(sorted(why)) or 'the last events of their workflows say why'}"
            await transact(self._pool, lambda conn: stuck.tell_ops(conn, "workflows_failing", said, wall))

    async def _why(self, lead_id: str) -> str | None:
        try:
            return await self._workflows.why_failing(lead_id)
        except RPCError:
            return None  # it has ended meanwhile, or Temporal is busy: the notice is not worth a failed round
