"""The line of the audit for a change that somebody asked of Temporal itself, by its command line or its UI.

What a page of ours, the API or the command line asks has its line before the lead is asked; the update's id names it.
"""

from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.service import RPCError

from activities.clock import ActivityClock
from speedlead.contracts import Steered
from speedlead.ids import request_of_update
from speedlead.records import AuditLines

DONE, REFUSED = 200, 409
_ACCEPTED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED


class Auditing:
    def __init__(self, *, lines: AuditLines, clock: ActivityClock) -> None:
        self._lines = lines
        self._clock = clock

    async def begin(self, lead_id: str, steered: Steered | None) -> int | None:
        """The line to end when the change is made; None where another stands for it. Begun again, it is the same."""
        if steered is None:
            return None
        request_id = request_of_update(steered.update_id)
        if request_id is not None and await self._lines.stands(request_id, lead_id):
            return None
        client, moment = await _client_of(steered.update_id), self._clock.moment()
        # it waited while a call was under way
        asked = moment.wall - (moment.now - steered.at)
        return await self._lines.begin(lead_id, steered, client, asked)

    async def end(self, line: int | None, status: int = DONE) -> None:
        if line is not None:
            await self._lines.end(line, status)


async def _client_of(update_id: str) -> str | None:
    """Who sent the update, as their client named itself. Its workflow is not told, its history is."""
    info = activity.info()
    try:
        handle = activity.client().get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id)
        async for event in handle.fetch_history_events():
            if event.event_type == _ACCEPTED:
                meta = event.workflow_execution_update_accepted_event_attributes.accepted_request.meta
                if meta.update_id == update_id:
                    return meta.identity or None
    except RPCError:  # the line is worth more than this part of it
        return None
    return None
