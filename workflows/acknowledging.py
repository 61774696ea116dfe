"""The answer to every inquiry, within 30 seconds of it: once more where that is in doubt, later where the law waits."""

from collections.abc import Awaitable, Callable, Iterable
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
    """`reconcile` and `notify` are those of the lead's steps; `show` has the Temporal UI say what is known now."""

    def __init__(self, run: LeadRun, reconcile: Reconcile, notify: Notify, show: Callable[[], None]) -> None:
        self._run = run
        self._reconcile = reconcile
        self._notify = notify
        self._show = show

    async def first(self, number: int) -> None:
        lead = self._run.lead
        request = c.AcknowledgeRequest(lead_id=lead.lead_id, inquiry_number=number, lead_type=lead.lead_type)
        try:
            result = await self._when_lawful(request, lambda: lead.ending is not None)
            if result.state is c.TouchState.IN_DOUBT:
                doubt = result
                result = await self._word_on(doubt)
                if result.state is not c.TouchState.SENT:
                    once_more = request.model_copy(update={"fallback": True})
                    result = await self._when_lawful(once_more, lambda: lead.ending is not None, doubt)
                    if result.state is c.TouchState.IN_DOUBT:
                        result = await self._word_on(result)
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
        self, request: c.AcknowledgeRequest, gone: Callable[[], bool], doubt: c.TouchResult | None = None
    ) -> c.TouchResult:
        """Deferred only when nobody wants it any more. `doubt`: the first one, whose provider may speak meanwhile."""
        result = await self._acknowledge(request)
        while result.state is c.TouchState.DEFERRED and result.next_at is not None:
            # only a text can be early: at night there is the answer page, and the text goes when the law opens
            await self._run.beside.wait_until(result.next_at, gone, "quiet hours")
            if gone():
                if self._run.lead.ending is not None:  # its row ends with the lead
                    self.tell([_left_out(result, "lead_closed")])
                break
            if doubt is not None:
                word = await self._reconcile(doubt.step or "", give_up=True)
                if word.state is c.TouchState.SENT:
                    self.tell([_way(doubt, word)])
                    await self._leave_out(result, "arrived_after_all")
                    return word
            result = await self._acknowledge(request)
        return result

    async def _leave_out(self, deferred: c.TouchResult, reason: str) -> None:
        way = _left_out(deferred, reason)
        row = c.SkipRow(step=way.step, channel="sms", reason=reason, at=way.at)
        request = c.SkipStepsRequest(lead_id=self._run.lead.lead_id, skips=(row,))
        await workflow.execute_activity_method(Records.skip_steps, request, summary=f"skip {row.step}", **options.ROWS)
        self.tell([way])

    def _failed(self, number: int) -> None:
        key = f"ack-failed:{number}"
        self._run.note("acknowledgement_failed", reason="provider_down", key=key, inquiry=number)

    async def _word_on(self, doubt: c.TouchResult) -> c.TouchResult:
        await workflow.sleep(options.ACK_IN_DOUBT_AFTER, summary="wait for the provider's word")
        word = await self._reconcile(doubt.step or "", give_up=True)
        self.tell([_way(doubt, word)])
        return word

    async def _acknowledge(self, request: c.AcknowledgeRequest) -> c.TouchResult:
        result: c.TouchResult = await workflow.execute_activity_method(
            Messaging.acknowledge, request, summary=f"acknowledge · {self._run.title}", **options.ACKNOWLEDGE
        )
        if result.step is None:  # of an older release, of whose first way this is
            name = f"ack-{request.inquiry_number}" + ("-again" if request.fallback else "")
            result = result.model_copy(update={"step": name})
        # of one in doubt the provider is asked once more
        ended = [way for way in result.ways if way.state is not c.TouchState.IN_DOUBT]
        self.tell(ended, result.promised_at)
        return result

    def tell(self, ways: Iterable[c.Way], promised_at: datetime | None = None) -> None:
        """Remembers how it ended on these channels, for whoever looks at the lead."""
        self._run.acknowledged |= {way.step: way for way in ways}
        self._run.promised = promised_at or self._run.promised
        self._show()


def _way(doubt: c.TouchResult, word: c.TouchResult) -> c.Way:
    """What was in doubt, by the provider's word."""
    step = doubt.step or ""
    channel = next((way.channel for way in doubt.ways if way.step == step), "email")
    return c.Way(step=step, channel=channel, state=word.state, at=word.at, reason=word.reason)


def _left_out(deferred: c.TouchResult, reason: str) -> c.Way:
    """Only a text waits for its hour."""
    return c.Way(step=deferred.step or "", channel="sms", state=c.TouchState.SKIPPED, at=workflow.now(), reason=reason)
