"""Wait until an instant unless something changes, with as few timers as that takes."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from temporalio import workflow


class Alarm:
    """One durable timer, reused: a signal that changes nothing about the instant does not cost another timer."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    async def until(self, at: datetime | None, changed: Callable[[], bool], summary: str) -> None:
        """Returns at `at`, or as soon as `changed`; without an instant, only then."""
        if at is None:
            await workflow.wait_condition(changed)
            return
        while not changed() and workflow.now() < at:
            self._arm(at, summary)
            await workflow.wait_condition(lambda: changed() or self._fired())

    def off(self) -> None:
        """Nothing is waited for: the timer must not wake anybody."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
        self._task = None

    def _fired(self) -> bool:
        return self._task is None or self._task.done()

    def _arm(self, at: datetime, summary: str) -> None:
        """Keeps a running timer that fires no later than needed: it fires early and is set again."""
        if self._task is not None and not self._task.done():
            if self._at is not None and self._at <= at:
                return
            self._task.cancel()
        self._at = at
        # clamped: a negative timer would wedge the workflow
        length = max(timedelta(0), at - workflow.now())
        self._task = asyncio.create_task(workflow.sleep(length, summary=summary))
