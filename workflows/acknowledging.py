"""The answer to every inquiry, within 30 seconds of it: once more where that is in doubt, later where the law waits."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.messaging import Messaging
    from activities.records import Records
    from speedlead import contracts as c
    from speedlead.domain.outcomes import Stage
    from workflows import options
    from workflows.state import LeadRun

Notify = Callable[[str, str, str, str | None, datetime | None], Awaitable[None]]


class Reconcile(Protocol):
    async def __call__(self, step: str, *, give_up: bool) -> c.TouchResult: ...


class Acknowledging:
    """`reconcile` and `notify` are those of the lead's steps."""

    def __init__(self, run: LeadRun, reconcile: Reconcile, notify: Notify) -> None:
        self._run = run
        self._reconcile = reconcile
        self._notify = notify

    async def first(self, number: int) -> None:
        lead = self._run.lead
        request = c.AcknowledgeRequest(lead_id=lead.lead_id, inquiry_number=number, lead_type=lead.lead_type)
        try:
            result = await self._when_lawful(request, lambda: lead.ending is not None)
            if result.state is c.TouchState.IN_DOUBT:
                doubt = result.step or f"ack-{number}"
                result = await self._word_on(doubt)
                if result.state is not c.TouchState.SENT:
                    once_more = request.model_copy(update={"fallback": True})
                    result = await self._when_lawful(once_more, lambda: lead.ending is not None, doubt)
                    if result.state is c.TouchState.IN_DOUBT:
                        result = await self._word_on(result.step or f"ack-{number}-again")
        except ActivityError:
            self._failed(number)
            await self._notify(f"ack-failed:{number}", "ops", "acknowledgement_failed", "provider_down", None)
            return
        if result.state is c.TouchState.SENT:
            lead.move(Stage.ACKNOWLEDGED)

    async def again(self, number: int, at: datetime) -> None:
        """The answer did not arrive: once more, by the other channel if there is one. Nobody waits for its end."""
        lead = self._run.lead

        def gone() -> bool:
            return lead.ending is not None or lead.follow_up is not None

        await self._run.beside.wait_until(at, gone, "acknowledge once more")
        if gone() or lead.paused:
            return
        request = c.AcknowledgeRequest(
            lead_id=lead.lead_id, inquiry_number=number, lead_type=lead.lead_type, fallback=True
        )
        try:
            result = await self._when_lawful(request, gone)
            if result.state is c.TouchState.DEFERRED and lead.ending is None:
                await self._leave_out(result, "person_answers")
        except ActivityError:
            self._failed(number)

    async def _when_lawful(
        self, request: c.AcknowledgeRequest, gone: Callable[[], bool], doubt: str | None = None
    ) -> c.TouchResult:
        """Deferred only when nobody wants it any more. `doubt`: the first one, whose provider may speak meanwhile."""
        result = await self._acknowledge(request)
        while result.state is c.TouchState.DEFERRED and result.next_at is not None:
            # only a text can be early: at night there is the answer page, and the text goes when the law opens
            await self._run.beside.wait_until(result.next_at, gone, "quiet hours")
            if gone():
                break
            if doubt is not None:
                word = await self._reconcile(doubt, give_up=True)
                if word.state is c.TouchState.SENT:
                    await self._leave_out(result, "arrived_after_all")
                    return word
            result = await self._acknowledge(request)
        return result

    async def _leave_out(self, deferred: c.TouchResult, reason: str) -> None:
        row = c.SkipRow(step=deferred.step or "", channel="sms", reason=reason, at=workflow.now())
        request = c.SkipStepsRequest(lead_id=self._run.lead.lead_id, skips=(row,))
        await workflow.execute_activity_method(Records.skip_steps, request, summary=f"skip {row.step}", **options.ROWS)

    def _failed(self, number: int) -> None:
        key = f"ack-failed:{number}"
        self._run.note("acknowledgement_failed", reason="provider_down", key=key, inquiry=number)

    async def _word_on(self, step: str) -> c.TouchResult:
        await workflow.sleep(options.ACK_IN_DOUBT_AFTER, summary="wait for the provider's word")
        return await self._reconcile(step, give_up=True)

    async def _acknowledge(self, request: c.AcknowledgeRequest) -> c.TouchResult:
        return await workflow.execute_activity_method(
            Messaging.acknowledge, request, summary=f"acknowledge · {self._run.title}", **options.ACKNOWLEDGE
        )
