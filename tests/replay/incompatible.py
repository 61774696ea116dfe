"""The lead's workflow as a careless change would make it: routing stands before the acknowledgement."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

from workflows.options import LEADS_QUEUE


@workflow.defn(name="LeadWorkflow")
class Incompatible:
    @workflow.run
    async def run(self, start: dict[str, Any]) -> None:
        await workflow.execute_activity(
            "route",
            {"lead_id": start["lead_id"]},
            task_queue=LEADS_QUEUE,
            start_to_close_timeout=timedelta(seconds=10),
        )
        await workflow.wait_condition(lambda: False)

    @workflow.signal(dynamic=True)
    def hear(self, name: str, args: Sequence[RawValue]) -> None:
        """Whatever comes wakes the lead, which has nothing to do."""
