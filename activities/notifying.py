"""Tell a rep, a manager or ops, once per key. Notices are rows; their pages and channels read those."""

from temporalio import activity

from activities.clock import ActivityClock
from activities.planning import Planning
from speedlead.contracts import NotifyRequest
from speedlead.domain.cadence import FOLLOW_UPS
from speedlead.domain.flow_check import SOURCE
from speedlead.records import Leads

# a step of the plan that became a person's: the plan counts days, and its day may be one on which nobody works
_TASKS = frozenset({"write_personally"})
# of what was said to the assistant in a call the call tells, once, when it is over or left to a person
_SAID = frozenset({"reply_received", "assistant_handed_over"})
# the lead waits for a person of ours; every other notice is beside what it waits for, and leaves that as it is
_WAITED_FOR = _TASKS | {rule.why for rule in FOLLOW_UPS.values()} | {"reply_overdue"}


class Notifying:
    def __init__(self, *, leads: Leads, clock: ActivityClock, planning: Planning) -> None:
        self._leads = leads
        self._clock = clock
        self._planning = planning

    @activity.defn
    async def notify(self, request: NotifyRequest) -> bool:
        """True when it was new."""
        lead = await self._leads.read(request.lead_id)
        now = self._clock.moment(lead.clock_offset_us).now
        if lead.source == SOURCE:  # there is nothing for anybody to do
            return False
        if request.shared is not None:
            await self._leads.alert(
                lead.lead_id,
                kind=request.kind,
                channel=request.shared,
                at=now,
                reason=request.reason or "",
                hourly=True,
            )
            return True
        due = request.due_at
        if due is not None and request.kind in _TASKS:
            due = await self._planning.at_work(lead, due)
        if request.kind in _WAITED_FOR:
            await self._leads.next_touch(lead.lead_id, None, request.next_at, request.kind)
        if request.kind in _SAID and await self._leads.in_talk(lead.lead_id, now):
            return False
        new = await self._leads.tell(
            request.lead_id,
            dedupe=request.key,
            audience=request.audience,
            kind=request.kind,
            at=now,
            rep_id=lead.owner_id if request.audience == "rep" else None,
            reason=request.reason,
            due=due,
        )
        if new:
            await self._leads.story(
                request.lead_id, kind="notified", at=now, reason=request.kind, data={"audience": request.audience}
            )
        return new
