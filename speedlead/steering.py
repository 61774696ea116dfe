"""Asks one thing of many leads: paced, each lead once, and to be gone on with after whatever stopped it.

A lead's row stands before it is asked. The id of the request is made of the run and the lead, so a request whose answer
was lost is asked again and Temporal gives the first answer instead of doing it twice.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import asyncpg

from speedlead.cadence_errors import LeadError, LeadUnavailable
from speedlead.domain.steering import action_of, payload
from speedlead.ids import request_id, update_id
from speedlead.ports import Clock
from speedlead.store import audit
from speedlead.store import steering as rows
from speedlead.store.transactions import transact

# as many at once as a worker takes without making other leads wait
AT_ONCE = 8
# a lead that did not answer so often while others did is given up; the worker's chore asks twice a minute
MOST_TRIES = 20
# keeps these locks apart from the other advisory locks
_RUNS = 9


class Leads(Protocol):
    async def update(self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None) -> Any: ...


class AlreadyRunning(RuntimeError):
    """Another process carries this run out at this moment."""


async def ask_now(steering: "Steering", run_id: str) -> str | None:
    """Of a run of one lead that somebody waits for: why it was not done; None when it was."""
    try:
        await steering.carry_out(run_id)
    except AlreadyRunning:
        await ended_by_worker(steering.pool, run_id)
    left = await rows.not_done(steering.pool, run_id)
    return left[0][2] if left else None


async def ended_by_worker(pool: "asyncpg.Pool[Any]", run_id: str) -> rows.Run:
    """Of a run that the worker was quicker to take: what became of it, as far as it has come in ten seconds."""
    for _ in range(100):
        run = await rows.run_of(pool, run_id)
        if run is None or run.ended_wall is not None or run.held_wall is not None:
            break
        await asyncio.sleep(0.1)
    if run is None:
        raise LookupError(f"run {run_id}: there is no such run")
    return run


@dataclass(frozen=True)
class Steering:
    pool: "asyncpg.Pool[Any]"
    leads: Leads
    clock: Clock

    async def carry_out(self, run_id: str, step: Callable[[], None] = lambda: None) -> rows.Run:
        """Asks every lead that waits, once; `step` is called after each. Raises AlreadyRunning, LookupError.

        Leads that do not answer stay waiting; whoever calls again asks them again. A round in which none answers is
        no try: it is Temporal or the workers that are away, and no lead is given up for that.
        """
        # the lock is the session's: it goes with the process, however that ends
        async with self.pool.acquire() as conn:
            if not await conn.fetchval("select pg_try_advisory_lock($1, hashtext($2))", _RUNS, run_id):
                raise AlreadyRunning(f"run {run_id}: it is being carried out at this moment")
            try:
                return await self._carry_out(conn, run_id, step)
            finally:
                await conn.execute("select pg_advisory_unlock($1, hashtext($2))", _RUNS, run_id)

    async def _carry_out(self, conn: Any, run_id: str, step: Callable[[], None]) -> rows.Run:
        run = await rows.run_of(conn, run_id)
        if run is None:
            raise LookupError(f"run {run_id}: there is no such run")
        pause, last = 1 / run.pace, 0
        loop = asyncio.get_running_loop()
        due = loop.time()
        places = asyncio.Semaphore(AT_ONCE)
        silent: list[tuple[rows.Item, str]] = []
        answered = 0

        async def one(item: rows.Item) -> None:
            nonlocal answered
            try:
                why = await self._ask(run, item)
                if why is None:
                    answered += 1
                else:
                    silent.append((item, why))
            finally:
                places.release()
                step()

        # about a second's worth at a time: soon enough for somebody who holds the run
        while items := await rows.next_items(conn, run_id, last, max(1, int(run.pace))):
            async with asyncio.TaskGroup() as group:
                for item in items:
                    await asyncio.sleep(max(0.0, due - loop.time()))
                    due = max(due, loop.time() - pause) + pause
                    await places.acquire()
                    group.create_task(one(item))
            last = items[-1].number
        if answered:
            for item, why in silent:
                if item.tries + 1 >= MOST_TRIES:
                    await self._end(run, item, "refused", why)
        else:
            await rows.not_tried(conn, run_id, [item.number for item, _ in silent])
        await rows.end_run(conn, run_id, self.clock.wall())
        ended = await rows.run_of(conn, run_id)
        assert ended is not None
        return ended

    async def _ask(self, run: rows.Run, item: rows.Item) -> str | None:
        """One lead, between the two halves of its line in the audit; why it has not answered, or None."""
        await transact(self.pool, lambda conn: self._begin(conn, run, item))
        update = action_of(run.action).update
        asked = payload(run.action, run.asked | item.asked, by=run.account_id or "ops", reason=run.reason)
        try:
            await self.leads.update(item.lead_id, update, asked, key=update_id(_request_id(run, item), update))
        except LeadUnavailable as late:
            why = str(late)
            await transact(self.pool, lambda conn: rows.item_unanswered(conn, run.run_id, item.number, why))
            return why
        except LeadError as refusal:
            await self._end(run, item, "refused", str(refusal))
        else:
            await self._end(run, item, "done", None)
        return None

    async def _begin(self, conn: Any, run: rows.Run, item: rows.Item) -> None:
        audit_id = item.audit_id
        if audit_id is None:
            # why stands in the run, which the line names: the audit keeps no words that somebody wrote
            asked = {"run": run.run_id} | run.asked | item.asked
            line = audit.Change(
                run.account_id, run.role, None, f"steer {run.action}", item.lead_id, asked,
                request_id=_request_id(run, item),
            )  # fmt: skip
            audit_id = await audit.begin(conn, line, await audit.lead_facts(conn, item.lead_id), self.clock.wall())
        await rows.item_begun(conn, run.run_id, item.number, audit_id)

    async def _end(self, run: rows.Run, item: rows.Item, state: str, answer: str | None) -> None:
        async def write(conn: Any) -> None:
            await rows.item_ended(conn, run.run_id, item.number, state, answer, self.clock.wall())
            audit_id = await conn.fetchval(
                "select audit_id from steering_item where run_id = $1 and number = $2", run.run_id, item.number
            )
            facts = await audit.lead_facts(conn, item.lead_id)
            await audit.end(conn, audit_id, facts, 200 if state == "done" else 409)

        await transact(self.pool, write)


def _request_id(run: rows.Run, item: rows.Item) -> str:
    return request_id(run.run_id, str(item.number))
