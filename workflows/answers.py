"""What people of ours write to a lead from its page: beside the plan, which stands still when a lead writes."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.records import Records
    from speedlead import contracts as c
    from speedlead.domain.plan import Step
    from workflows import options
    from workflows.state import LeadRun, heeds_what_came

Send = Callable[
    [Step, datetime, tuple[c.SkipRow, ...], Literal["plan", "manual", "assistant"]], Awaitable[c.TouchResult]
]
Notify = Callable[[str, str, str, str | None, datetime | None], Awaitable[None]]


class Answers:
    """`send` and `notify` are those of the lead's steps."""

    def __init__(self, run: LeadRun, send: Send, notify: Notify) -> None:
        self._run = run
        self._send = send
        self._notify = notify

    async def send(self, answer: c.AnswerSignal) -> None:
        """Sent once like every touch, as soon as the gate lets it; whoever wrote it hears if it does not."""
        lead, name = self._run.lead, f"answer-{answer.number}"
        purpose: Literal["manual", "assistant"] = "assistant" if answer.assistant else "manual"
        if answer.channel == "chat":  # it stands in the visitor's page: nothing is left to be sent
            lead.answered(workflow.now())
            self._run.changed()
            return
        step = Step(id=name, channel=answer.channel, template="answer")
        question = lead.follow_up
        result = await self._send(step, workflow.now(), (), purpose)
        while result.state is c.TouchState.DEFERRED and result.next_at is not None:
            await self._run.beside.wait_until(result.next_at, lambda: lead.ending is not None, f"{name} waits")
            if lead.ending is not None:
                await self._too_late(name, answer.channel)
                return
            result = await self._send(step, workflow.now(), (), purpose)
        if answer.assistant:  # the lead is still owed an answer, by a person who waits for nothing here
            return
        if result.state is c.TouchState.SENT:
            if lead.follow_up is question or not heeds_what_came():  # a further question is not answered by this
                lead.answered(workflow.now())
            self._run.changed()
        else:
            await self._notify(f"not_sent:{name}", "rep", "answer_not_sent", result.reason, None)

    async def _too_late(self, name: str, channel: Literal["email", "sms"]) -> None:
        row = c.SkipRow(step=name, channel=channel, reason="lead_closed", at=workflow.now())
        request = c.SkipStepsRequest(lead_id=self._run.lead.lead_id, skips=(row,))
        await workflow.execute_activity_method(Records.skip_steps, request, summary=f"skip {name}", **options.ROWS)
