"""What people do at a moment of a lead's life: right after a touch of the plan, or when our own people were told.

A lead that waits skips its time, so from outside no moment can be hit. An activity that has not answered yet holds the
lead's clock: what happens in between happens at exactly that instant, and the plan hears of it before it goes on.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import temporalio.client
import temporalio.worker
from temporalio import activity

from speedlead.contracts import (
    AcknowledgeRequest,
    DialRequest,
    EscalateRequest,
    NotifyRequest,
    RouteRequest,
    TouchRequest,
    TouchResult,
    TouchState,
)

Happening = Callable[[str], Awaitable[None]]
"""Gets the lead's id."""
Move = Callable[[str, timedelta], Awaitable[None]]
"""Tells the gateway how far a lead's business time is ahead of wall time."""

_UNFINISHED = (TouchState.DEFERRED, TouchState.RINGING, TouchState.DECLINED)


@dataclass(frozen=True)
class Moment:
    """`after` is a step of the plan ('call-2', 'ack-1'), the kind of a notice ('reply_received'), 'routed' when the
    lead was given to somebody, or 'escalated' when it went on to the next.
    """

    after: str
    happens: Happening
    # 1: the first time it is passed
    nth: int = 1


class Moments(temporalio.client.Interceptor, temporalio.worker.Interceptor):
    """Given to a client, it watches the activities of all workers on that client."""

    def __init__(self, move: Move, routed: Happening) -> None:
        """`routed`: what our own people do whenever a lead has been given to one of them."""
        self._move = move
        self.routed = routed
        self._coming: dict[str, list[Moment]] = {}
        self._seen: dict[tuple[str, str], int] = {}
        # what could not happen; nothing else tells, as the activity is tried again and its lead goes on
        self.failures: list[Exception] = []
        self._nobody_enters = asyncio.Event()
        self._nobody_enters.set()

    @asynccontextmanager
    async def entering(self) -> AsyncIterator[Callable[[str, Sequence[Moment]], None]]:
        """While a form is posted its lead already runs; no activity ends until its moments are known by its id."""
        self._nobody_enters.clear()
        try:
            yield self._expect
        finally:
            self._nobody_enters.set()

    def _expect(self, lead_id: str, moments: Sequence[Moment]) -> None:
        self._coming[lead_id] = list(moments)

    def intercept_activity(
        self,
        next: temporalio.worker.ActivityInboundInterceptor,  # noqa: A002
    ) -> temporalio.worker.ActivityInboundInterceptor:
        return _Watch(next, self)

    async def passed(self, lead_id: str, what: str, began: datetime) -> None:
        """`began`: the wall clock at the start of the activity."""
        await self._nobody_enters.wait()
        coming = self._coming.get(lead_id)
        if not coming:
            return
        self._seen[lead_id, what] = count = self._seen.get((lead_id, what), 0) + 1
        for moment in [m for m in coming if m.after == what and m.nth == count]:
            coming.remove(moment)
            # the offset that the activity itself took; a later one would set the lead's clock back
            await self._move(lead_id, activity.info().current_attempt_scheduled_time - began)
            try:
                await moment.happens(lead_id)
            except Exception as error:
                self.failures.append(error)
                raise


class _Watch(temporalio.worker.ActivityInboundInterceptor):
    def __init__(self, next: temporalio.worker.ActivityInboundInterceptor, moments: Moments) -> None:  # noqa: A002
        super().__init__(next)
        self._moments = moments

    async def execute_activity(self, input: temporalio.worker.ExecuteActivityInput) -> Any:  # noqa: A002
        began = datetime.now(UTC)
        result = await super().execute_activity(input)
        match input.args[0] if input.args else None:
            case RouteRequest(lead_id=lead_id):
                await self._moments.routed(lead_id)
                await self._moments.passed(lead_id, "routed", began)
            case EscalateRequest(lead_id=lead_id):
                await self._moments.passed(lead_id, "escalated", began)
            case NotifyRequest(lead_id=lead_id, kind=kind):
                await self._moments.passed(lead_id, kind, began)
            case AcknowledgeRequest(lead_id=lead_id, inquiry_number=number):
                await self._moments.passed(lead_id, f"ack-{number}", began)
            case TouchRequest(lead_id=lead_id, step=step) | DialRequest(lead_id=lead_id, step=step):
                if isinstance(result, TouchResult) and result.state not in _UNFINISHED:
                    await self._moments.passed(lead_id, step, began)
        return result
