"""Brings two stores together that were restored from different moments, before any worker runs.

Postgres is the record. Where it is the newer one, no workflow is: all are ended, and every open lead is started again
from its rows. Where Temporal is the newer one, its histories know what went out and which leads have closed since; that
is written down first, so that nothing goes out twice, and its workflows go on.
"""

from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecution
from temporalio.converter import DataConverter, WorkflowSerializationContext

from speedlead.cadence_client import CadenceClient
from speedlead.cadence_errors import LeadNotFound
from speedlead.clock import SystemClock
from speedlead.contracts import (
    AcknowledgeRequest,
    CloseRequest,
    CloseResult,
    DialRequest,
    LeadStatus,
    TouchRequest,
    TouchResult,
)
from speedlead.credentials import load_or_create
from speedlead.erasure_list import ErasureList, apply
from speedlead.ids import lead_of_workflow, new_id, touch_id, workflow_id
from speedlead.payloads import converter_of
from speedlead.settings import Settings
from speedlead.store.pool import open_pool
from speedlead.store.restored import close_as_known, leads_by_state, note_restored, write_sent
from speedlead.temporal_link import connect_as_set

_WHY = "restored from a backup"
_REQUESTS: dict[str, type[Any]] = {
    "acknowledge": AcknowledgeRequest, "send": TouchRequest, "dial": DialRequest, "close": CloseRequest,
}  # fmt: skip


@dataclass(frozen=True)
class Reconciled:
    """`ended`: workflows; they are started again from rows where their lead is open. `sent`, `closed`: learned.

    `erased`: people whom the backup had brought back.
    """

    open_leads: int
    ended: int
    sent: int = 0
    closed: int = 0
    erased: int = 0


async def reconcile(
    settings: Settings, database_url: str, *, temporal_newer: bool, erased: ErasureList | None = None
) -> Reconciled:
    """No worker may be running. Harmless to do twice. `erased`: who is erased again, before anything goes on."""
    pool = await open_pool(database_url, size=4)
    try:
        credentials = load_or_create(settings.data_dir)
        client = await connect_as_set(settings, converter=converter_of(settings, credentials, pool))
        found = await _Both(pool, client).bring_together(temporal_newer=temporal_newer)
        if erased is None:
            return found
        asleep = _Asleep(client)
        done = await apply(pool, asleep, SystemClock(), credentials.secret_bytes, erased, request_id=new_id())
        still = sum((await leads_by_state(pool)).values())
        return replace(found, open_leads=still, ended=found.ended + asleep.ended, erased=done.people)
    finally:
        await pool.close()


class _Both:
    def __init__(self, pool: "asyncpg.Pool[Any]", client: Client) -> None:
        self._pool = pool
        self._client = client

    async def bring_together(self, *, temporal_newer: bool) -> Reconciled:
        is_open = await leads_by_state(self._pool)
        ended = sent = closed = 0
        async for found in self._client.list_workflows("WorkflowType = 'LeadWorkflow'", page_size=500):
            lead_id = lead_of_workflow(found.id)
            running = found.close_time is None
            if temporal_newer and is_open.get(lead_id):
                learned, over = await self._learn(found, lead_id)
                sent, closed = sent + learned, closed + over
            elif running:
                # a lead that Postgres does not know cannot go on; one that it knows better starts again from its rows
                handle = self._client.get_workflow_handle(found.id, run_id=found.run_id)
                await handle.terminate(reason=_WHY)
                ended += 1
        still = sum((await leads_by_state(self._pool)).values())
        await note_restored(self._pool, still)
        return Reconciled(still, ended, sent, closed)

    async def _learn(self, found: WorkflowExecution, lead_id: str) -> tuple[int, int]:
        """How many touches went out that the rows do not know, and whether the lead has closed (0 or 1)."""
        converter = self._client.data_converter.with_context(
            WorkflowSerializationContext(namespace=self._client.namespace, workflow_id=found.id)
        )
        asked: dict[int, Any] = {}
        sent = closed = 0
        handle = self._client.get_workflow_handle(found.id, run_id=found.run_id)
        async for event in handle.fetch_history_events():
            if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                scheduled = event.activity_task_scheduled_event_attributes
                kind = _REQUESTS.get(scheduled.activity_type.name)
                if kind is not None:
                    asked[event.event_id] = await _read(converter, scheduled.input.payloads, kind)
            elif event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                completed = event.activity_task_completed_event_attributes
                request = asked.get(completed.scheduled_event_id)
                payloads = completed.result.payloads
                if isinstance(request, CloseRequest):
                    end: CloseResult = await _read(converter, payloads, CloseResult)
                    closed += end.closed and await close_as_known(self._pool, request, end.at)
                elif request is not None:
                    result: TouchResult = await _read(converter, payloads, TouchResult)
                    sent += await self._went_out(lead_id, request, result)
        return sent, closed

    async def _went_out(self, lead_id: str, request: Any, result: TouchResult) -> bool:
        if result.state not in ("sent", "ringing", "in_doubt"):
            return False
        if isinstance(request, AcknowledgeRequest):
            step = result.step or f"ack-{request.inquiry_number}" + ("-again" if request.fallback else "")
            channel, purpose = "sms" if step.endswith("-sms") else "email", "acknowledgement"
        else:
            step, purpose = request.step, request.purpose
            channel = request.channel if isinstance(request, TouchRequest) else "call"
        return await write_sent(
            self._pool, touch_id(lead_id, step), lead_id, step, channel, purpose, at=result.at,
            state="sent" if result.state == "sent" else "in_doubt",
        )  # fmt: skip


class _Asleep:
    """Leads whose workflows nobody works on: they cannot be asked to stop, and nothing of theirs is under way."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.ended = 0

    async def update(self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None) -> LeadStatus:
        if await self.runs(lead_id):
            await self._client.get_workflow_handle(workflow_id(lead_id)).terminate(reason=_WHY)
            self.ended += 1
        raise LeadNotFound(f"lead {lead_id}: its workflow has ended")

    async def runs(self, lead_id: str) -> bool:
        return await CadenceClient(self._client).runs(lead_id)

    async def forget(self, lead_id: str) -> bool:
        return await CadenceClient(self._client).forget(lead_id)


async def _read(converter: DataConverter, payloads: Any, kind: type[Any]) -> Any:
    return (await converter.decode(payloads, [kind]))[0]
