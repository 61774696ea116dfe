"""A lead that came when nobody was there gets its owner shortly before it opens, and one of a peak after it."""

import asyncio
from collections.abc import Awaitable, Callable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from workflows.state import LeadRun
    from workflows.waiting import Alarm


class Dealing:
    def __init__(self, run: LeadRun, route: Callable[[], Awaitable[None]]) -> None:
        self._run = run
        self._route = route
        self._task: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """One timer, and only for a lead that waits for its owner on purpose."""
        if self._run.deal_at is not None and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._deal())

    async def _deal(self) -> None:
        run, alarm = self._run, Alarm()
        while (at := run.deal_at) is not None and run.lead.ending is None:
            await alarm.until(at, lambda at=at: run.deal_at != at or run.lead.ending is not None, "gets an owner")  # type: ignore[misc]
            if run.deal_at == at and run.lead.ending is None:
                run.deal_at = None
                if run.lead.owner_id is None:
                    await self._route()
