"""What the assistant does about a message of the lead: one step for each, beside the plan, which stands still then.

The question stays with its owner: by a target of its own, whatever the assistant has said (REQ 37, 96).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.assisting import Assisting
    from activities.records import Records
    from speedlead import contracts as c
    from speedlead.domain.plan import Step
    from workflows import options
    from workflows.state import LeadRun

Send = Callable[
    [Step, datetime, tuple[c.SkipRow, ...], Literal["plan", "manual", "assistant"]], Awaitable[c.TouchResult]
]
Notify = Callable[[str, str, str, str | None, datetime | None], Awaitable[None]]


class Assistant:
    """`send` and `notify` are those of the lead's steps. Turns go one after the other: a later one has to know what
    was said.
    """

    def __init__(self, run: LeadRun, send: Send, notify: Notify) -> None:
        self._run = run
        self._send = send
        self._notify = notify
        self._speaking = False
        self._failed = False

    async def turn(self, reply_id: str) -> None:
        while self._speaking:  # several may wake up for one place
            await workflow.wait_condition(lambda: not self._speaking)
        self._speaking = True
        try:
            await self._turn(reply_id)
        finally:
            self._speaking = False

    async def _turn(self, reply_id: str) -> None:
        lead = self._run.lead
        if lead.ending is not None or self._failed:
            return
        try:
            result: c.TurnResult = await workflow.execute_activity_method(
                Assisting.assistant_turn,
                c.TurnRequest(lead_id=lead.lead_id, reply_id=reply_id),
                summary="the assistant's turn",
                **options.ASSIST,
            )
        except ActivityError:  # the lead goes on without, and its story says so
            self._failed = True
            self._run.note("assistant_handed_over", reason="assistant_failed", key=f"assistant:{reply_id}")
            await self._notify(f"assistant:{reply_id}", "rep", "assistant_handed_over", "assistant_failed", None)
            return
        if result.answer is None or result.channel is None:
            return
        step = Step(id=f"answer-{result.answer}", channel=result.channel, template="answer")
        sent = await self._send(step, workflow.now(), (), "assistant")
        if sent.state is c.TouchState.DEFERRED:  # by then a person of ours is there
            row = c.SkipRow(step=step.id, channel=result.channel, reason="person_answers", at=workflow.now())
            request = c.SkipStepsRequest(lead_id=lead.lead_id, skips=(row,))
            await workflow.execute_activity_method(
                Records.skip_steps, request, summary=f"skip {step.id}", **options.ROWS
            )
