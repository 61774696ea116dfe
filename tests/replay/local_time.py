"""A workflow as ours must not be: it reads the lead's local time itself, and decides by it."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from temporalio import activity, workflow

NINE_O_CLOCK = 9


@activity.defn
async def call(zone: str) -> None:
    """Rings nobody."""


@workflow.defn(sandboxed=False)  # in the sandbox, where ours run, reading zone files fails already
class ReadsLocalTime:
    @workflow.run
    async def run(self, zone: str) -> None:
        while workflow.now().astimezone(ZoneInfo(zone)).hour < NINE_O_CLOCK:
            await workflow.sleep(timedelta(hours=1))
        await workflow.execute_activity(call, zone, start_to_close_timeout=timedelta(seconds=10))
