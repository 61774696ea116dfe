"""What is sent beside the plan: acknowledgements, and what people of ours write."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow

from workflows.waiting import Alarm


class Beside:
    """A lead closes when nothing of this is being sent; what waits for its lawful hour ends with the lead."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting = 0

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def wait_until(self, at: datetime, gone: Callable[[], bool], why: str) -> None:
        """For a task of ours that cannot send before `at`."""
        self._waiting += 1
        try:
            await Alarm().until(at, gone, why)
        finally:
            self._waiting -= 1

    async def over(self, at_most: timedelta) -> None:
        """When all that was begun has ended, or this much later."""
        if self._tasks:
            await workflow.wait(self._tasks, timeout=at_most.total_seconds())

    async def sent(self) -> None:
        """Returns when nothing is being sent."""
        await workflow.wait_condition(lambda: sum(not task.done() for task in self._tasks) <= self._waiting)
