"""Sends webhooks: what is new to everybody who wants it, at least once, in order for each lead and endpoint.

Only one process at a time has this chore, so what it sends right now is known to it alone and stands in no row: a
process that dies leaves its events waiting, and they go again, with the same id.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from speedlead.chores.crm import CrmLook
from speedlead.chores.runner import Chore
from speedlead.crm.sending import CrmSender
from speedlead.domain import hooks as rules
from speedlead.domain.hooks import Verdict
from speedlead.hooks.events import Contact, Owner, event_of
from speedlead.hooks.sealing import is_newest, seal, unseal
from speedlead.hooks.sending import TIMEOUT_S, Answer, Sender
from speedlead.payload_keys import PayloadKeys, UnknownKey
from speedlead.ports import Clock
from speedlead.store import hook_queue, hooks
from speedlead.store.hook_queue import Head, Try
from speedlead.store.hooks import EndpointRow
from speedlead.store.rows import put_notice

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=2)
TIDY_EVERY = timedelta(hours=1)
# a round ends when nothing is left, or after so long, so that the table of chores shows that it goes well
ROUND_S = 60.0
# how often a round looks for what is new while an endpoint is still at work
LOOK_S = 0.5
# requests to one endpoint at a time, each of another lead; a CRM counts them, and an event is several
AT_ONCE, CRM_AT_ONCE = 8, 2
_SPREAD_AT_ONCE, _HEADS_AT_ONCE, _TIDY_AT_ONCE = 1000, 200, 5000
# how long an endpoint is left alone that we cannot serve, by no fault of its own
_OUR_REST = timedelta(minutes=1)


@dataclass(frozen=True)
class HookRules:
    """`retry_for`: then an event is given up; `dead_after`: then an endpoint is; `keep`: events and log."""

    retry_for: timedelta
    dead_after: timedelta
    keep: timedelta


@dataclass
class _Work:
    """What one endpoint is sent right now."""

    row: EndpointRow
    tasks: dict["asyncio.Task[None]", str] = field(default_factory=dict)
    heads: deque[Head] = field(default_factory=deque)
    # nothing more is begun: it rests, or is off
    rests: bool = False
    # it did not take the last one: it is asked for one at a time
    stumbled: bool = False


class Courier:
    """`sender` is opened for each round; `public_url` is the events' source, `staff_url` where a lead's page is."""

    def __init__(
        self, pool: "asyncpg.Pool[Any]", clock: Clock, keys: PayloadKeys, wanted: HookRules,
        sender: Callable[[], AbstractAsyncContextManager[Sender]], public_url: str, staff_url: str,
        roll: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self._pool, self._clock, self._keys, self._rules = pool, clock, keys, wanted
        self._sender, self._public_url, self._staff_url, self._roll = sender, public_url, staff_url, roll
        self.crm = CrmSender(pool, clock.wall)
        # that of the same process knows the same tokens and owners
        self.look = CrmLook(pool, clock, keys, self.crm, sender)

    def chores(self) -> tuple[Chore, ...]:
        sending = Chore("hooks.send", EVERY, self.run, wake=hook_queue.CHANNEL)
        return (sending, Chore("hooks.tidy", TIDY_EVERY, self.tidy), self.look.chore())

    async def run(self) -> str | None:
        """One round: until nothing is left that may go now. Each endpoint works by itself, at its own speed."""
        until = time.monotonic() + ROUND_S
        if not await self._ready():
            return None
        working: dict[str, asyncio.Task[int]] = {}
        sent = 0
        async with self._sender() as sender, asyncio.TaskGroup() as group:
            while True:
                if time.monotonic() < until:
                    for row in await self._ready(working):
                        if not self._would_outlast(row, until):
                            working[row.id] = group.create_task(self._apart(row, sender, until))
                if not working:
                    break
                await asyncio.wait(working.values(), timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                for key in [key for key, task in working.items() if task.done()]:
                    sent += working.pop(key).result()
        return f"{sent} requests" if sent else None

    async def _ready(self, working: Collection[str] = ()) -> list[EndpointRow]:
        async with self._pool.acquire() as conn:
            while await hook_queue.spread(conn, _SPREAD_AT_ONCE) == _SPREAD_AT_ONCE:
                pass
            rows = [row for row in await hooks.ready(conn, self._clock.wall()) if row.id not in working]
            # what waits may wait for its time
            return [row for row in rows if await hook_queue.heads(conn, row.id, self._clock.wall(), (), 1)]

    def _would_outlast(self, row: EndpointRow, until: float) -> bool:
        """One that hangs is not asked at the end of a round: all others would wait for it."""
        return row.failures_in_a_row > 0 and time.monotonic() > until - TIMEOUT_S

    # ── one endpoint ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def _apart(self, row: EndpointRow, sender: Sender, until: float) -> int:
        """Whatever goes wrong with one endpoint, the others go on; without a database nobody does."""
        try:
            return await self._work(row, sender, until)
        except Exception as error:
            log.error("webhook endpoint not served", endpoint=row.id, error=type(error).__name__)
            await self._leave_alone(row)
            return 0

    async def _leave_alone(self, row: EndpointRow) -> None:
        await hook_queue.rest(self._pool, row.id, self._clock.wall() + _OUR_REST)

    async def _work(self, row: EndpointRow, sender: Sender, until: float) -> int:
        """Sends until nothing is left, it rests, or the round is over; how many requests were made."""
        work, made = _Work(row, stumbled=row.failures_in_a_row > 0), 0
        try:
            while True:
                most = AT_ONCE if row.kind == "webhook" else CRM_AT_ONCE
                room = (1 if work.stumbled else most) - len(work.tasks)
                if time.monotonic() < until and not work.rests and room > 0:
                    for head in await self._next(work, room):
                        work.tasks[asyncio.create_task(self._deliver(work, head, sender))] = head.lead_id
                        made += 1
                if not work.tasks:
                    return made
                done, _ = await asyncio.wait(work.tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del work.tasks[task]
                    task.result()
        finally:
            for task in work.tasks:
                task.cancel()
            await asyncio.gather(*work.tasks, return_exceptions=True)

    async def _next(self, work: _Work, room: int) -> list[Head]:
        if not work.heads:
            busy = list(work.tasks.values())
            wall = self._clock.wall()
            work.heads.extend(await hook_queue.heads(self._pool, work.row.id, wall, busy, _HEADS_AT_ONCE))
        return [work.heads.popleft() for _ in range(min(room, len(work.heads)))]

    async def _deliver(self, work: _Work, head: Head, sender: Sender) -> None:
        # as it is chosen now: somebody may have switched it off, or taken the contact out, since the round began
        row = await hooks.endpoint(self._pool, work.row.id)
        if row is None or row.state != "on":
            work.rests = True
            return
        found = await hook_queue.to_send(self._pool, row.id, head.seq)
        if found is None:
            return
        try:
            private = unseal(self._keys, row.id, row.sealed)
        except UnknownKey as error:
            log.error("webhook endpoint cannot be opened", endpoint=row.id, error=str(error))
            work.rests = True
            await self._leave_alone(row)
            return
        wall = self._clock.wall()
        try:
            event = await self._event(row, found)
        except (ValueError, TypeError, LookupError) as error:
            # a bug of ours, about this event: all others go on
            log.error("webhook not made", event_id=found["id"], type=found["type"], error=type(error).__name__)
            answer = Answer(None, "internal", 0)
        else:
            wall = self._clock.wall()
            if row.kind == "webhook":
                answer = await sender.send(private, event, wall)
            else:
                answer = await self.crm.send(sender, row, private, event)
        made = Try(row.id, head.seq, head.lead_id, found["id"], found["type"], wall, answer.ms, answer.status,
                   answer.error, answer.excerpt, found["round"])  # fmt: skip
        work.stumbled = rules.verdict(answer.status) is not Verdict.TAKEN
        if not work.stumbled:
            await hook_queue.taken(self._pool, made, wall)
        else:
            await self._failed(work, made, answer)

    async def _event(self, row: EndpointRow, found: dict[str, Any]) -> dict[str, Any]:
        """Read anew for each request: whoever was erased meanwhile is in no request any more."""
        contact = owner = None
        if "contact" in row.include and found["erased_wall"] is None:
            contact = Contact(**await hook_queue.contact(self._pool, found["lead_id"]))
        if "owner" in row.include and found["owner_id"] is not None:
            rep = await hook_queue.owner(self._pool, found["owner_id"])
            owner = Owner(**rep) if rep else None
        url = f"{self._staff_url}/leads/{found['lead_id']}"
        return event_of(found | {"url": url}, contact, owner, self._public_url)

    # ── what was not taken ───────────────────────────────────────────────────────────────────────────────────────────

    async def _failed(self, work: _Work, made: Try, answer: Answer) -> None:
        wall = self._clock.wall()
        assert made.seq is not None
        async with self._pool.acquire() as conn, conn.transaction():
            counted = await hook_queue.failed(conn, made, wall)
            if counted is None:
                work.rests = True
                return
            tries, first, failures, since = counted
            log.warning("webhook not taken", endpoint=made.endpoint_id, event_id=made.event_id, status=made.status,
                        error=made.error, tries=tries)  # fmt: skip
            if rules.verdict(answer.status) is Verdict.GONE:
                await self._switch_off(conn, work, "gone", wall)
            elif rules.is_dead(since, wall, self._rules.dead_after):
                await self._switch_off(conn, work, "dead", wall)
            elif rules.given_up(first, wall, self._rules.retry_for):
                await hook_queue.give_up(conn, made.endpoint_id, made.seq)
                await self._tell(conn, "hook_gave_up", work.row, None, f"{wall:%Y-%m-%d}")
                return
            else:
                status = 429 if answer.error == "crm_limit" else answer.status
                rest = rules.rest(failures, status, answer.asked, self._roll())
                if rest is not None:
                    await hook_queue.rest(conn, made.endpoint_id, wall + rest)
                    work.rests = True
            pause = rules.pause(tries, answer.asked, self._roll())
            await hook_queue.again(conn, made.endpoint_id, made.seq, wall + pause)

    async def _switch_off(self, conn: Any, work: _Work, state: hooks.State, wall: datetime) -> None:
        work.rests = True
        if await hooks.set_state(conn, work.row.id, state, wall):
            await self._tell(conn, "hook_off", work.row, f"hook_{state}", wall.isoformat())

    async def _tell(self, conn: Any, kind: str, row: EndpointRow, reason: str | None, once: str) -> None:
        await put_notice(conn, audience="ops", kind=kind, reason=reason, at=self._clock.business(0),
                         dedupe=f"{kind}:{row.id}:{once}")  # fmt: skip

    # ── housekeeping ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def tidy(self) -> str | None:
        """Deletes what is old, and seals anew what an older key has sealed, so that this key can be taken away."""
        async with self._pool.acquire() as conn:
            deleted, sealed, closed = 0, 0, 0
            while many := await hook_queue.tidy(conn, self._clock.wall() - self._rules.keep, _TIDY_AT_ONCE):
                deleted += many
            for row in await hooks.endpoints(conn):
                if is_newest(self._keys, row.sealed):
                    continue
                try:
                    private = unseal(self._keys, row.id, row.sealed)
                except UnknownKey as error:
                    log.error("webhook endpoint cannot be opened", endpoint=row.id, error=str(error))
                    closed += 1
                else:
                    sealed += await hooks.reseal(conn, row.id, row.sealed, seal(self._keys, row.id, private))
        done = {"rows deleted": deleted, "endpoints sealed anew": sealed, "endpoints of an unknown key": closed}
        return ", ".join(f"{many} {what}" for what, many in done.items() if many) or None
