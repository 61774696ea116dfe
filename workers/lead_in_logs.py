"""Every line that is logged while an activity runs names its lead, and its touch if it has one."""

from typing import Any

import structlog
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from speedlead.ids import touch_id


class LeadInLogs(Interceptor):
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Bound(next)


class _Bound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        request = input.args[0] if input.args else None
        with structlog.contextvars.bound_contextvars(**ids_of(request), activity=activity.info().activity_type):
            return await super().execute_activity(input)


def ids_of(request: object) -> dict[str, str]:
    """Of an activity's request: `lead_id` and `step` are what contracts call them."""
    lead_id, step = getattr(request, "lead_id", None), getattr(request, "step", None)
    if not isinstance(lead_id, str):
        return {}
    return {"lead_id": lead_id} | ({"touch_id": touch_id(lead_id, step)} if isinstance(step, str) else {})
