"""One message by mail or text, as far as its provider's last word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.messaging import Messaging
    from speedlead import contracts as c
    from speedlead.domain.plan import Step
    from workflows import options
    from workflows.failures import Queues, never_began
    from workflows.state import LeadRun

Purpose = Literal["plan", "manual", "assistant"]


@dataclass(frozen=True, slots=True)
class Begun:
    """`name`: the step's name in touch ids. `answer`: the gate's and the provider's; a provider may refuse for long."""

    step: Step
    name: str
    answer: "workflow.ActivityHandle[Any]"


class Sending:
    def __init__(self, run: LeadRun, queues: Queues) -> None:
        self._run = run
        self._queues = queues

    async def send(
        self, step: Step, at: datetime, skips: Sequence[c.SkipRow], purpose: Purpose = "plan"
    ) -> c.TouchResult:
        return await self.end(self.begin(step, at, skips, purpose))

    def begin(self, step: Step, at: datetime, skips: Sequence[c.SkipRow], purpose: Purpose = "plan") -> Begun:
        lead = self._run.lead
        name = lead.touch_step(step.id) if purpose == "plan" else step.id
        answer = workflow.start_activity_method(
            Messaging.send,
            c.TouchRequest(
                lead_id=lead.lead_id,
                step=name,
                channel=step.channel,
                purpose=purpose,
                template=step.template or "",
                planned_at=at,
                skips=tuple(skips),
            ),
            summary=f"{step.channel} {step.id}",
            **options.send(step.channel, lead.lead_type),
        )
        return Begun(step, name, answer)

    async def end(self, begun: Begun) -> c.TouchResult:
        step, queue = begun.step, options.queue_of(begun.step.channel)
        try:
            result: c.TouchResult = await begun.answer
        except ActivityError as error:
            if never_began(error):
                return await self._queues.backed_up(queue)
            self._queues.flows(queue)
            return await self.reconcile(begun.name, give_up=True, channel=step.channel)
        self._queues.flows(queue)
        if result.state is c.TouchState.IN_DOUBT:
            await workflow.sleep(options.RECONCILE_AFTER, summary=f"wait for the provider's word on {step.id}")
            return await self.reconcile(begun.name, give_up=True, channel=step.channel)
        return result

    async def reconcile(self, step: str, *, give_up: bool, channel: c.Channel | None = None) -> c.TouchResult:
        return await workflow.execute_activity_method(
            Messaging.reconcile,
            c.CheckRequest(lead_id=self._run.lead.lead_id, step=step, give_up=give_up, channel=channel),
            summary=f"reconcile {step}",
            **options.ROWS,
        )
