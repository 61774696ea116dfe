"""Every start, signal, update and query of a lead workflow. Nothing else in the product talks to workflows."""

from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from speedlead.cadence_errors import LeadNotFound, LeadRefused, LeadUnavailable
from speedlead.contracts import LeadStart, LeadStatus
from speedlead.ids import lead_of_workflow, short, workflow_id
from speedlead.payload_keys import UnknownKey
from workflows.options import LEADS_QUEUE, lead_priority

WORKFLOW = "LeadWorkflow"
_ANSWER_WITHIN = timedelta(seconds=5)
_KEYWORD = SearchAttributeKey.for_keyword


class CadenceClient:
    """`eager`: a worker for the lead queue runs in this process on this client, so the first task skips the server."""

    def __init__(self, client: Client, *, eager: bool = False, start_delay: timedelta | None = None) -> None:
        self._client = client
        self._eager = eager
        self._start_delay = start_delay

    async def start(self, start: LeadStart, *, again: bool = False) -> bool:
        """Starts a lead's workflow; False when it is there already, which is a normal answer.

        `again`: the lead is open and its workflow is not running, so one that has ended may be followed by another.
        """
        source = start.source[:64]
        try:
            await self._client.start_workflow(
                WORKFLOW,
                start,
                id=workflow_id(start.lead_id),
                task_queue=LEADS_QUEUE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=(
                    WorkflowIDReusePolicy.ALLOW_DUPLICATE if again else WorkflowIDReusePolicy.REJECT_DUPLICATE
                ),
                static_summary=f"{start.lead_type} · {start.intent.replace('_', ' ')} · lead {short(start.lead_id)}",
                memo={
                    "lead_type": start.lead_type,
                    "intent": start.intent,
                    "source": source,
                    "plan": f"{start.plan.id}:{start.plan.version}",
                },
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(_KEYWORD("LeadStage"), "new"),
                        SearchAttributePair(_KEYWORD("LeadType"), start.lead_type),
                        SearchAttributePair(_KEYWORD("LeadSource"), source),
                        SearchAttributePair(_KEYWORD("PlanVersion"), f"{start.plan.id}:{start.plan.version}"),
                    ]
                ),
                priority=lead_priority(start.lead_type, start.source),
                request_eager_start=self._eager and self._start_delay is None,
                start_delay=self._start_delay,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def signal(self, lead_id: str, name: str, payload: dict[str, Any]) -> bool:
        """False when no workflow of that lead is running. Raises RPCError when the server does not answer."""
        try:
            await self._client.get_workflow_handle(workflow_id(lead_id)).signal(name, payload)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def running(self) -> set[str]:
        """Lead ids of all running workflows. Visibility lags behind a start by moments."""
        query = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running'"
        return {lead_of_workflow(found.id) async for found in self._client.list_workflows(query, page_size=1000)}

    async def failing(self) -> list[str]:
        """Lead ids of running workflows whose tasks fail again and again, as Temporal reports them; oldest first."""
        query = f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running' AND TemporalReportedProblems IS NOT NULL"
        found = [one async for one in self._client.list_workflows(query, page_size=1000)]
        return [lead_of_workflow(one.id) for one in sorted(found, key=lambda one: one.start_time)]

    async def last_went_on(self, lead_id: str) -> datetime:
        """When a worker last completed a task of the lead; its start where none did. Raises RPCError."""
        done = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        newest = datetime.min.replace(tzinfo=UTC)
        async for event in self._client.get_workflow_handle(workflow_id(lead_id)).fetch_history_events():
            if event.event_id == 1 or event.event_type == done:
                newest = event.event_time.ToDatetime(UTC)
        return newest

    async def why_failing(self, lead_id: str) -> str | None:
        """The type of what its task failed with last; of a key that is missing the whole sentence. Raises RPCError.

        What other errors say may be about the person.
        """
        failed: Failure | None = None
        async for event in self._client.get_workflow_handle(workflow_id(lead_id)).fetch_history_events():
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED:
                failed = event.workflow_task_failed_event_attributes.failure
        if failed is None:
            return None
        kind = failed.application_failure_info.type
        if kind != UnknownKey.__name__:
            return kind or None
        try:
            said = await self._client.data_converter.decode_failure(failed)
        except UnknownKey as missing:
            return str(missing)  # this process has none of it either
        return said.message if isinstance(said, ApplicationError) else kind

    async def end(self, lead_id: str, why: str) -> None:
        """Ends a workflow that no code can go on with; its lead stays open. Raises RPCError."""
        await self._client.get_workflow_handle(workflow_id(lead_id)).terminate(why)

    async def update(self, lead_id: str, name: str, payload: dict[str, Any], *, key: str | None = None) -> LeadStatus:
        """Asks the workflow and waits for its answer. Raises LeadRefused, LeadNotFound, LeadUnavailable.

        `key`: asked again with the same one, the workflow answers as it did before and does nothing twice.
        """
        handle = self._client.get_workflow_handle(workflow_id(lead_id))
        try:
            status: LeadStatus = await handle.execute_update(
                name, payload, id=key, result_type=LeadStatus, rpc_timeout=_ANSWER_WITHIN
            )
            return status
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            field = None
            if isinstance(cause, ApplicationError) and cause.details:
                field = cause.details[0].get("field") if isinstance(cause.details[0], dict) else None
            raise LeadRefused(str(getattr(cause, "message", cause)), field) from None
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            raise LeadUnavailable("the lead's workflow did not answer in time") from None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise LeadNotFound(f"lead {lead_id}: no workflow is running") from None
            raise LeadUnavailable("Temporal does not answer") from None

    async def runs(self, lead_id: str) -> bool:
        """Raises LeadUnavailable."""
        try:
            found = await self._client.get_workflow_handle(workflow_id(lead_id)).describe(rpc_timeout=_ANSWER_WITHIN)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise LeadUnavailable("Temporal does not answer") from None
        return found.status is WorkflowExecutionStatus.RUNNING

    async def forget(self, lead_id: str) -> bool:
        """Deletes every run of the lead's workflow, with what it recorded; False when Temporal does not answer."""
        name = workflow_id(lead_id)
        try:
            runs = [found.run_id async for found in self._client.list_workflows(f"WorkflowId = '{name}'")]
            # visibility lags behind: the newest run also without its id
            for run_id in [*runs, ""]:
                await self._delete(name, run_id)
        except RPCError:
            return False
        return True

    async def _delete(self, name: str, run_id: str) -> None:
        request = DeleteWorkflowExecutionRequest(
            namespace=self._client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=name, run_id=run_id),
        )
        try:
            await self._client.workflow_service.delete_workflow_execution(request, timeout=_ANSWER_WITHIN)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def status(self, lead_id: str) -> LeadStatus:
        """The live state, by query. Raises LeadNotFound, LeadUnavailable."""
        try:
            status: LeadStatus = await self._client.get_workflow_handle(workflow_id(lead_id)).query(
                "status", result_type=LeadStatus, rpc_timeout=_ANSWER_WITHIN
            )
            return status
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise LeadNotFound(f"lead {lead_id}: no workflow is running") from None
            raise LeadUnavailable("Temporal does not answer") from None
